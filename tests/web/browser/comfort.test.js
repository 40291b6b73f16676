// Everybody can use it: by keyboard alone, on a phone, with a screen reader, in the dark, and soon.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import { PHONE, enter, enterRoom, fresh, makeRoom, openPage, person, place, row, say, server, someone, telnet, useBrowser } from './support.js';

useBrowser();

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

// Axe runs beside the page's policy, not under it: what the test adds is not what the page is.
async function noBarriers(page, where) {
  await page.waitForTimeout(250);
  const client = await page.context().newCDPSession(page);
  await client.send('Page.setBypassCSP', { enabled: true });
  if (!(await page.evaluate(() => 'axe' in window))) {
    const { readFileSync } = await import('node:fs');
    await client.send('Runtime.evaluate', { expression: readFileSync(axePath, 'utf8') });
  }
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical' || impact === 'moderate')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} (${failureSummary})`).join(' | ')}`);
  });
  assert.deepEqual(found, [], where);
}

for (const [how, options] of [['wide, light', {}], ['wide, dark', { colorScheme: 'dark' }], ['phone, light', { viewport: PHONE }], ['phone, dark', { viewport: PHONE, colorScheme: 'dark' }]]) {
  test(`no view has barriers: ${how}`, async () => {
    const page = await openPage(options);
    const go = async (name) => {
      const button = page.locator(`nav [data-go=${name}]`);
      if (await button.isVisible()) await button.click();
    };
    await noBarriers(page, 'the door');
    await page.check('[name=how][value=make]');
    await page.click('#enter [type=submit]');
    await noBarriers(page, 'a new account with an error');
    await page.check('[name=how][value=anon]');
    const name = fresh('amy');
    await enter(page, name);
    const room = fresh('room');
    await makeRoom(page, room, 'pw');
    await noBarriers(page, 'an empty room');
    const line = await telnet(`#login anon ${fresh('joe')}`, `#changeroom ${room} pw`, '#broadcast look: https://example.org', `#sendto ${name} psst`, '#creategroup ' + room + ' "" anon', `#joingroup ${room}`, '#postmessage Title 0 1', 'text', '#postmessage Re 1 1', 'reply');
    await row(page, 'look').waitFor();
    await noBarriers(page, 'a busy room');
    await page.fill('#say', 'x'.repeat(1200));
    await noBarriers(page, 'a text that is too long');
    await page.fill('#say', '');
    await page.getByRole('tab').nth(1).click();
    await noBarriers(page, 'a private chat');
    await go('people');
    await page.locator('#people .person').nth(1).click();
    await page.locator('#people .star:visible').first().click();
    await noBarriers(page, 'people');
    await go('rooms');
    await page.click('#rooms [data-make]');
    await noBarriers(page, 'a new room');
    await page.keyboard.press('Escape');
    await go('groups');
    await place(page, 'groups', room).waitFor();
    await noBarriers(page, 'groups');
    await place(page, 'groups', room).locator('.place').click();
    await page.locator('.post-head').first().click();
    await page.getByRole('button', { name: 'Reply' }).first().click();
    await noBarriers(page, 'a thread with a reply being written');
    await page.click('#self');
    await noBarriers(page, 'oneself');
    line.end();
    await page.context().close();
  });
}

test('everything that matters can be done by keyboard alone', async () => {
  const page = await openPage();
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => {
    const { activeElement: node } = document;
    if (node === document.body) return '';
    return `${node.getAttribute('aria-label') ?? ''} ${node.textContent} ${node.id}`;
  });
  const tabTo = async (pattern, key = 'Tab') => {
    for (let i = 0; i < 60; i += 1) {
      if (pattern.test(await focused())) return;
      await press(key);
    }
    assert.fail(`${pattern} cannot be reached`);
  };
  const name = fresh('kay');
  await page.keyboard.type(name);
  await press('Enter');
  await page.waitForSelector('#shell:not([hidden])');
  const room = fresh('room');
  await tabTo(/New room/);
  await press('Enter');
  await page.keyboard.type(room);
  await press('Enter');
  await page.locator('#talk-title', { hasText: room }).waitFor();
  const joe = fresh('joe');
  const line = await telnet(`#login anon ${joe}`, `#changeroom ${room}`, `#sendto ${name} hi`);
  await page.getByRole('tab').nth(1).waitFor();
  await tabTo(/say$/);
  await page.keyboard.type('by keyboard');
  await press('Enter');
  await row(page, 'by keyboard').waitFor();
  await tabTo(new RegExp(`${room}.*tab-`), 'Shift+Tab');
  await press('ArrowRight');
  await row(page, 'hi').waitFor();
  await press('Delete');
  assert.equal(await page.getByRole('tab').count(), 1);
  await someone(page, joe).waitFor();
  await tabTo(/Friend/);
  await press('Enter');
  await page.locator('.star[aria-pressed=true]').waitFor();
  await tabTo(/Groups/);
  await press('Enter');
  await tabTo(/New group/);
  await press('Enter', 'Escape');
  assert.match(await focused(), /New group/, 'Escape gives the focus back');
  line.end();
  await page.context().close();
});

test('new messages are read out, the history is not', async () => {
  const amy = await person('amy');
  const room = fresh('room');
  await makeRoom(amy.page, room);
  await say(amy.page, 'before');
  const bob = await person('bob');
  await enterRoom(bob.page, room);
  await row(bob.page, 'before').waitFor();
  await say(amy.page, 'now');
  await bob.page.locator('#ears', { hasText: `${amy.name}: now` }).waitFor({ state: 'attached' });
  assert.doesNotMatch(await bob.page.locator('#ears').textContent(), /before/);
  await Promise.all([amy.close(), bob.close()]);
});

test('on a phone one view stands at a time, fingers find what they touch, and back goes back', async () => {
  const amy = await person('amy', { viewport: PHONE });
  await amy.page.click('nav [data-go=people]');
  await someone(amy.page, amy.name).waitFor();
  assert.equal(await amy.page.locator('#talk').isVisible(), false);
  for (const view of ['rooms', 'people', 'groups', 'talk']) {
    await amy.page.click(`nav [data-go=${view}]`);
    const small = await amy.page.locator('button:visible, select:visible, textarea:visible').evaluateAll((all) =>
      all.filter((node) => node.getBoundingClientRect().height < 44 || node.getBoundingClientRect().width < 40).map((node) => node.outerHTML.slice(0, 80)));
    assert.deepEqual(small, [], view);
  }
  await amy.page.goBack();
  assert.equal(await amy.page.locator('#groups').isVisible(), true);
  await amy.close();
});

test('dark and light can be chosen, and the choice stays', async () => {
  const page = await openPage();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.click('#door [data-theme-switch]');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.context().close();
});

test('the first load stays under 60 kB on the wire, and everything comes from the server itself', async () => {
  const requests = [];
  let bytes = 0;
  const page = await openPage({ prepare: async (fresh_) => {
    const client = await fresh_.context().newCDPSession(fresh_);
    await client.send('Network.enable');
    client.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
    fresh_.on('request', (request) => requests.push(request.url()));
  } });
  await page.waitForLoadState('networkidle');
  const first = bytes;
  await enter(page, fresh('amy'));
  await page.waitForLoadState('networkidle');
  assert.ok(first < 60_000, `${first} bytes`);
  assert.deepEqual(requests.filter((url) => !url.startsWith(server.address)), []);
  console.log(`# ${first} bytes before one comes in, ${bytes} after`);
  await page.context().close();
});
