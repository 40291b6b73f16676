// The connection goes, and comes back.

import assert from 'node:assert/strict';
import test from 'node:test';
import { enterRoom, fresh, makeRoom, person, row, say, server, someone, telnet, useBrowser } from './support.js';

useBrowser();

test('a lost connection is said, comes back to the same room, and the gap is filled once', async () => {
  const sockets = [];
  let isDown = false;
  const prepare = (page) => page.routeWebSocket(/\/mec$/, (socket) => {
    if (isDown) return socket.close({ code: 3000 });
    socket.connectToServer();
    sockets.push(socket);
  });
  const amy = await person('amy', { prepare });
  const room = fresh('room');
  await makeRoom(amy.page, room);
  const line = await telnet(`#login anon ${fresh('joe')}`, `#changeroom ${room}`, '#broadcast one');
  await row(amy.page, 'one').waitFor();
  await say(amy.page, 'two');
  await row(amy.page, 'two').waitFor();
  isDown = true;
  await sockets.at(-1).close({ code: 3000 });
  await amy.page.getByText('The connection is lost.').waitFor();
  await amy.page.fill('#say', 'kept');
  await amy.page.press('#say', 'Enter');
  assert.equal(await amy.page.inputValue('#say'), 'kept');
  line.send('#broadcast three', '#broadcast four');
  isDown = false;
  await amy.page.locator('#trouble').waitFor({ state: 'hidden', timeout: 20_000 });
  await row(amy.page, 'four').waitFor();
  await amy.page.press('#say', 'Enter');
  await row(amy.page, 'kept').waitFor();
  assert.deepEqual(await amy.page.locator('#log .row .text').allTextContents(), ['one', 'two', 'three', 'four', 'kept']);
  assert.equal(await amy.page.locator('#talk-title').textContent(), room);
  line.end();
  await amy.close();
});

test('the server restarts under the page', async () => {
  const amy = await person('amy');
  const room = fresh('room');
  await makeRoom(amy.page, room, 'pw');
  await say(amy.page, 'before');
  await row(amy.page, 'before').waitFor();
  await server.restart();
  await amy.page.locator('#trouble').waitFor({ state: 'visible' });
  await amy.page.locator('#trouble').waitFor({ state: 'hidden', timeout: 40_000 });
  assert.equal(await amy.page.locator('#talk-title').textContent(), room);
  await say(amy.page, 'after');
  await row(amy.page, 'after').waitFor();
  assert.equal(await row(amy.page, 'before').count(), 1);
  await someone(amy.page, amy.name).waitFor();
  await amy.close();
});

test('a second login of an account ends the first, which does not fight for it', async () => {
  const name = fresh('kim');
  const line = await telnet(`#login anon ${fresh('x')}`, `#createlogin ${name} pw Kim kim@example.org`);
  await line.hear(/@status 0\r\n@status 0/);
  const kim = await person('guest');
  await kim.page.click('#self');
  await kim.page.getByText('Leave the chat').click();
  await kim.page.check('[name=how][value=regd]');
  await kim.page.fill('#enter-name', name);
  await kim.page.fill('#enter-password', 'pw');
  await kim.page.click('#enter [type=submit]');
  await kim.page.locator('#self', { hasText: 'account' }).waitFor();
  line.send(`#login regd ${name} pw`);
  await kim.page.locator('#trouble').waitFor({ state: 'visible' });
  await kim.page.waitForTimeout(8000);
  await line.hear(/@status 0\r\n@status 0\r\n@status 0/);
  line.send('#whoami');
  await line.hear(new RegExp(`#whoami ${name}`));
  await kim.page.getByRole('button', { name: 'Come in again' }).click();
  await kim.page.locator('#trouble').waitFor({ state: 'hidden' });
  line.end();
  await kim.close();
});
