// What all browser tests need: a server, a browser, people in it, and somebody with telnet.
//
//   MECD       the program; that of `cargo build --release` if not given
//   CHROMIUM   the browser; Debian's if not given

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { startServer } from './server.js';

export const server = await startServer(process.env.MECD);

const ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const WIDE = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

let browser = null;
const faults = [];
const sockets = [];

export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS });
  });
  after(async () => {
    sockets.forEach((socket) => socket.destroy());
    await browser.close();
    await server.end();
    assert.deepEqual(faults, [], 'the pages report no fault');
  });
}

// A browser of one's own, with nothing remembered. Every fault that a page reports fails the file.
export async function openPage({ viewport = WIDE, colorScheme = 'light', prepare = async () => {} } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, hasTouch: viewport === PHONE, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => faults.push(`a dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    const isLostSocket = /WebSocket connection|ERR_CONNECTION|ERR_INTERNET/.test(message.text());
    if (message.type() === 'error' && !isLostSocket) faults.push(message.text());
  });
  await prepare(page);
  await page.goto(server.address);
  return page;
}

let used = 0;

// Names are never used twice in one run, so tests do not meet each other's people.
export function fresh(stem) {
  used += 1;
  return `${stem}${process.pid % 10000}x${used}`;
}

export async function enter(page, name) {
  await page.fill('#enter-name', name);
  await page.click('#enter [type=submit]');
  await page.waitForSelector('#shell:not([hidden])');
}

export async function person(stem, options) {
  const page = await openPage(options);
  const name = fresh(stem);
  await enter(page, name);
  return { page, name, close: () => page.context().close() };
}

export async function say(page, text) {
  await page.fill('#say', text);
  await page.press('#say', 'Enter');
}

export const row = (page, text) => page.locator('#log .row', { hasText: text });
export const place = (page, panel, name) => page.locator(`#${panel} .places > li`, { hasText: name });
export const someone = (page, name) => page.locator('#people .persons > li', { hasText: name });

// A room of one's own keeps other tests' messages out.
export async function makeRoom(page, name, password = '') {
  if (!(await page.locator('#rooms').isVisible())) await page.click('nav [data-go=rooms]');
  await page.click('#rooms [data-make]');
  await page.locator('#rooms .make input').first().fill(name);
  if (password) await page.locator('#rooms .make [type=password]').fill(password);
  await page.click('#rooms .make [type=submit]');
  await page.locator('#talk-title', { hasText: name }).waitFor();
}

export async function enterRoom(page, name, password) {
  await place(page, 'rooms', name).locator('.place').click();
  if (password !== undefined) {
    await place(page, 'rooms', name).locator('[type=password]').fill(password);
    await place(page, 'rooms', name).locator('[type=submit]').click();
  }
}

// Somebody with telnet: sends lines, and waits for one that looks right.
export async function telnet(...lines) {
  const socket = net.connect(server.port, server.host);
  sockets.push(socket);
  let heard = '';
  socket.setEncoding('utf8');
  socket.on('data', (data) => { heard += data; });
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const send = (...more) => socket.write(more.map((line) => `${line}\r\n`).join(''));
  const hear = async (pattern) => {
    for (let i = 0; i < 100; i += 1) {
      if (pattern.test(heard)) return heard.match(pattern);
      await pause(50);
    }
    throw new Error(`never heard ${pattern} in: ${heard}`);
  };
  send(...lines);
  return { send, hear, end: () => socket.destroy() };
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
