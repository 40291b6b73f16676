import assert from 'node:assert/strict';
import test from 'node:test';
import { enterRoom, fresh, makeRoom, openPage, person, place, row, say, someone, telnet, useBrowser } from './support.js';

useBrowser();

test('two browsers and a telnet user talk in one room, and see who is there', async () => {
  const [amy, bob] = [await person('amy'), await person('bob')];
  const room = fresh('room');
  await makeRoom(amy.page, room);
  await enterRoom(bob.page, room);
  const joe = fresh('joe');
  const line = await telnet(`#login anon ${joe}`, `#changeroom ${room}`, '#broadcast hello from telnet');
  await row(amy.page, 'hello from telnet').waitFor();
  await row(bob.page, 'hello from telnet').waitFor();
  await say(amy.page, 'hello "telnet" \\ and bob');
  await row(bob.page, 'hello "telnet" \\ and bob').waitFor();
  await line.hear(new RegExp(`@mess #broadcast ${amy.name} "hello \\\\"telnet\\\\" \\\\\\\\ and bob"`));
  for (const name of [amy.name, bob.name, joe]) await someone(amy.page, name).waitFor();
  line.end();
  await someone(amy.page, joe).waitFor({ state: 'detached' });
  await Promise.all([amy.close(), bob.close()]);
});

test('who enters a room finds there what was said before, once', async () => {
  const amy = await person('amy');
  const room = fresh('room');
  await makeRoom(amy.page, room);
  for (const text of ['first', 'second', 'third']) await say(amy.page, text);
  const bob = await person('bob');
  await enterRoom(bob.page, room);
  await row(bob.page, 'third').waitFor();
  assert.deepEqual(await bob.page.locator('#log .row .text').allTextContents(), ['first', 'second', 'third']);
  await Promise.all([amy.close(), bob.close()]);
});

test('a private chat opens by itself at the other side, and counts in the title', async () => {
  const [amy, bob] = [await person('amy'), await person('bob')];
  const room = fresh('room');
  await makeRoom(amy.page, room);
  await enterRoom(bob.page, room);
  await someone(amy.page, bob.name).locator('.person').click();
  await someone(amy.page, bob.name).getByText('Write privately').click();
  await say(amy.page, 'only for you');
  const tab = bob.page.getByRole('tab', { name: amy.name });
  await tab.waitFor();
  await bob.page.waitForFunction(() => document.title.startsWith('(1) '));
  assert.equal(await row(bob.page, 'only for you').count(), 0, 'the room does not show it');
  await tab.click();
  await row(bob.page, 'only for you').waitFor();
  await bob.page.waitForFunction(() => !document.title.startsWith('('));
  await say(bob.page, 'and for you');
  await row(amy.page, 'and for you').waitFor();
  await bob.close();
  await amy.page.getByText('is not in this room, and can').waitFor();
  await say(amy.page, 'still there?');
  await row(amy.page, 'still there?').getByText('not in this room now').waitFor();
  await amy.close();
});

test('to friends only, and nothing from who is ignored; both are kept over a reload', async () => {
  const amy = await person('amy');
  const room = fresh('room');
  await makeRoom(amy.page, room);
  const [joe, eve] = [fresh('joe'), fresh('eve')];
  const [friend, foe] = [await telnet(`#login anon ${joe}`, `#changeroom ${room}`), await telnet(`#login anon ${eve}`, `#changeroom ${room}`)];
  await someone(amy.page, joe).locator('.star').click();
  await amy.page.selectOption('#to select', 'friends');
  await say(amy.page, 'among friends');
  await friend.hear(/#sendto \S+ "among friends"/);
  await row(amy.page, 'among friends').getByText(joe).waitFor();
  await amy.page.selectOption('#to select', 'all');
  await say(amy.page, 'to all');
  const [all] = await foe.hear(/[^]*"to all"/);
  assert.doesNotMatch(all, /among friends/);

  await someone(amy.page, eve).locator('.person').click();
  await someone(amy.page, eve).getByText('Ignore', { exact: true }).click();
  foe.send('#broadcast you cannot hear me', `#sendto ${amy.name} "nor this"`);
  friend.send('#broadcast but me');
  await row(amy.page, 'but me').waitFor();
  assert.equal(await row(amy.page, 'cannot hear').count(), 0);
  assert.equal(await amy.page.getByRole('tab').count(), 1);

  await amy.page.reload();
  assert.equal(await amy.page.inputValue('#enter-name'), amy.name, 'the name is remembered');
  await amy.page.click('#enter [type=submit]');
  await enterRoom(amy.page, room);
  await row(amy.page, 'but me').waitFor();
  assert.equal(await row(amy.page, 'cannot hear').count(), 0, 'nor in the history');
  assert.equal(await someone(amy.page, joe).locator('.star').getAttribute('aria-pressed'), 'true');
  friend.end();
  foe.end();
  await amy.close();
});

test('a private room: made, entered with its password only, left and removed', async () => {
  const [amy, bob] = [await person('amy'), await person('bob')];
  const room = `my ${fresh('room')}`;
  await makeRoom(amy.page, room, 'sesame');
  await place(bob.page, 'rooms', room).getByText('private').waitFor({ state: 'attached' });
  await enterRoom(bob.page, room, 'wrong');
  await place(bob.page, 'rooms', room).getByText('That is not the password of this room.').waitFor();
  await enterRoomAgain(bob.page, room, 'sesame');
  await bob.page.locator('#talk-title', { hasText: room }).waitFor();

  await place(amy.page, 'rooms', room).getByRole('button', { name: 'Remove room' }).click();
  await place(amy.page, 'rooms', room).getByText('Remove room', { exact: true }).click();
  await place(amy.page, 'rooms', room).getByText('Somebody is still in this room').waitFor();
  await place(amy.page, 'rooms', room).getByText('Keep').click();
  await enterRoom(bob.page, 'Home');
  await enterRoom(amy.page, 'Home');
  await amy.page.locator('#talk-title', { hasText: 'Home' }).waitFor();
  await place(amy.page, 'rooms', room).getByRole('button', { name: 'Remove room' }).click();
  await place(amy.page, 'rooms', room).getByText('Remove room', { exact: true }).click();
  for (const { page } of [amy, bob]) await place(page, 'rooms', room).waitFor({ state: 'detached' });
  await Promise.all([amy.close(), bob.close()]);
});

async function enterRoomAgain(page, room, password) {
  await place(page, 'rooms', room).locator('[type=password]').fill(password);
  await place(page, 'rooms', room).locator('[type=submit]').click();
}

test('the owner sends somebody out, who reads why and stands in Home', async () => {
  const [amy, bob] = [await person('amy'), await person('bob')];
  const room = fresh('room');
  await makeRoom(amy.page, room);
  await enterRoom(bob.page, room);
  await someone(amy.page, bob.name).locator('.person').click();
  await someone(amy.page, bob.name).getByText('Send out of the room').click();
  await bob.page.locator('#talk-title', { hasText: 'Home' }).waitFor();
  await bob.page.locator('#log .row.warning').waitFor();
  await enterRoom(bob.page, room);
  await place(bob.page, 'rooms', room).getByText('its owner has sent you out').waitFor();
  await Promise.all([amy.close(), bob.close()]);
});

test('an account is made, and its password does not cross the network again', async () => {
  const sent = [];
  const page = await openPage({ prepare: async (fresh_) => {
    fresh_.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
  } });
  const name = fresh('kim');
  await page.check('[name=how][value=make]');
  await page.fill('#enter-name', name);
  await page.fill('#enter-password', 'open sesame');
  await page.fill('#enter-real', 'Kim Example');
  await page.fill('#enter-email', 'kim@example.org');
  await page.click('#enter [type=submit]');
  await page.locator('#self', { hasText: 'account' }).waitFor();
  await page.click('#self');
  await page.getByText('Leave the chat').click();
  assert.equal(await page.inputValue('#enter-password'), '');

  sent.length = 0;
  await page.fill('#enter-password', 'wrong');
  await page.click('#enter [type=submit]');
  await page.getByText('That is not the password of this account.').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'enter-password');
  await page.fill('#enter-password', 'open sesame');
  await page.click('#enter [type=submit]');
  await page.locator('#self', { hasText: 'account' }).waitFor();
  assert.doesNotMatch(sent.join(''), /sesame|wrong/);
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.match(stored, new RegExp(name));
  assert.doesNotMatch(stored, /sesame/);
  await page.context().close();
});

test('a name that is in use is refused in place', async () => {
  const amy = await person('amy');
  const page = await openPage();
  await page.fill('#enter-name', amy.name);
  await page.click('#enter [type=submit]');
  await page.getByText('already uses that name').waitFor();
  assert.equal(await page.getAttribute('#enter-name', 'aria-invalid'), 'true');
  await Promise.all([amy.close(), page.context().close()]);
});

test('the list of rooms says how many are in each, who may enter and how long an empty one stays', async () => {
  const [amy, kim, hall] = [await person('amy'), fresh('kim'), fresh('hall')];
  const account = await telnet(`#login anon ${fresh('new')}`, `#createlogin ${kim} pw "Kim K" k@e.org`, `#login regd ${kim} pw`, `#createroom ${hall} "" regd`, `#changeroom ${hall}`);
  const item = place(amy.page, 'rooms', hall);
  await item.locator('.count', { hasText: /^1 person$/ }).waitFor();
  assert.equal(await item.locator('.facts').textContent(), `accounts only · by \u2068${kim}\u2069`);
  await item.locator('.place').click();
  await item.locator('.problem').waitFor();
  assert.equal(await amy.page.locator('#talk-title').textContent(), 'Home');

  const den = fresh('den');
  await makeRoom(amy.page, den);
  const guest = await telnet(`#login anon ${fresh('joe')}`, `#changeroom ${den}`);
  account.send(`#changeroom ${den}`);
  await place(amy.page, 'rooms', den).locator('.count', { hasText: /^3 people$/ }).waitFor();
  await item.locator('.count', { hasText: /^0 people$/ }).waitFor();
  assert.match(await item.locator('.facts').textContent(), new RegExp(`^empty, (59|60) min left · accounts only · by \\W?${kim}\\W?$`));
  assert.equal(await place(amy.page, 'rooms', 'Home').locator('.facts').textContent(), 'open to everybody');
  guest.end();
  account.end();
  await amy.close();
});

test('the list of people says who has an account, who is a guest and who one is oneself', async () => {
  const [amy, kim, joe, den] = [await person('amy'), fresh('kim'), fresh('joe'), fresh('den')];
  await makeRoom(amy.page, den);
  const account = await telnet(`#login anon ${fresh('new')}`, `#createlogin ${kim} pw "Kim K" k@e.org`, `#login regd ${kim} pw`, `#changeroom ${den}`);
  const guest = await telnet(`#login anon ${joe}`, `#changeroom ${den}`);
  const marks = (name) => someone(amy.page, name).locator('.tag:visible').allTextContents();
  for (const name of [kim, joe]) await someone(amy.page, name).waitFor();
  assert.deepEqual([await marks(kim), await marks(joe), await marks(amy.name)], [['account'], ['guest'], ['you · guest']]);
  await someone(amy.page, joe).locator('.person').click();
  await someone(amy.page, joe).getByText('Ignore', { exact: true }).click();
  assert.deepEqual(await marks(joe), ['guest', 'ignored']);
  guest.end();
  account.end();
  await amy.close();
});

test('each message has its time, and one of another day stands under its date', async () => {
  const [joe, den] = [fresh('joe'), fresh('den')];
  const line = await telnet(`#login anon ${joe}`, `#createroom ${den}`, `#changeroom ${den}`, '#broadcast long ago');
  await line.hear(/#broadcast \S+ "long ago"/);
  const days = 24 * 3600 * 1000;
  const amy = await person('amy', { prepare: (page) => page.clock.setFixedTime(Date.now() + 3 * days) });
  await enterRoom(amy.page, den);
  await row(amy.page, 'long ago').waitFor();
  await say(amy.page, 'just now');
  await row(amy.page, 'just now').waitFor();

  const times = await amy.page.locator('#log time').evaluateAll((all) => all.map((time) => [time.dateTime, time.textContent]));
  const [said, now] = times.map(([iso]) => new Date(iso));
  assert.equal(times.length, 2);
  assert.ok(Math.abs(Date.now() - said) < 60_000 && Math.abs(Date.now() + 3 * days - now) < 60_000, String(times));
  const clock = (at) => at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  assert.deepEqual(times.map(([, text]) => text), [clock(said), clock(now)]);
  const word = (options) => said.toLocaleDateString('en-GB', options);
  const date = `${word({ weekday: 'long' })} ${said.getDate()} ${word({ month: 'long' })} ${said.getFullYear()}`;
  const dates = await amy.page.locator('#log .day').allTextContents();
  assert.deepEqual(dates.map((text) => text.replace(',', '')), [date, 'Today']);
  line.end();
  await amy.close();
});
