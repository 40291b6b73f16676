// The real program, on ports of its own and with a data directory that goes with it.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const HOST = '127.0.0.1';
const RELEASE = new URL('../../../target/release/mecd', import.meta.url).pathname;

export async function startServer(program = RELEASE) {
  const directory = mkdtempSync(path.join(tmpdir(), 'chatter-'));
  const port = await freePort(15_000 + (process.pid % 5_000) * 2);
  const webPort = await freePort(port + 1);
  const listen = ['--listen', `mec=${HOST}:${port}`, '--listen', `web=${HOST}:${webPort}`];
  // All people of the tests come from one address.
  const limits = ['--set', 'limits.connections_per_address=0', '--set', 'limits.lines_per_second=0'];
  let child = null;

  async function start() {
    child = spawn(program, ['--quiet', '--data-dir', path.join(directory, 'data'), ...listen, ...limits], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const failed = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => reject(new Error(`the server has ended with ${status}`)));
    });
    failed.catch(() => {});
    const listening = new Promise((resolve) => {
      let count = 0;
      createInterface({ input: child.stdout }).on('line', () => {
        count += 1;
        if (count === 2) resolve();
      });
    });
    await Promise.race([listening, failed]);
  }

  async function stop() {
    const gone = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill('SIGTERM');
    await gone;
  }

  async function restart() {
    await stop();
    await start();
  }

  async function end() {
    await stop();
    rmSync(directory, { recursive: true });
  }

  // A test that fails early must not leave a server behind.
  process.on('exit', () => child.kill('SIGKILL'));
  await start();
  return { address: `http://${HOST}:${webPort}/`, host: HOST, port, restart, end };
}

// A port below those that the system hands out, so that nobody else is given it while the server restarts.
function freePort(from) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(freePort(from + 1)));
    probe.listen(from, HOST, () => probe.close(() => resolve(from)));
  });
}
