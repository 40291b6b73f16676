// The small ones: texts, times, trees, pauses, what fits into a message, what is remembered.

import assert from 'node:assert/strict';
import test from 'node:test';
import { web } from './web.js';

const { piecesOf, saidLines } = await web('texts.js');
const { timeLeft, secondsNow, dayOf } = await web('times.js');
const { threadsOf, nodesOf } = await web('threads.js');
const { pauseMilliseconds } = await web('pauses.js');
const { weigh } = await web('composer.js');
const { messagesOf } = await web('connection.js');
const { roomsOf, peopleOf, historyOf } = await web('listings.js');
const { createStorage } = await web('storage.js');
const { createMarks } = await web('marks.js');
const { createReadings } = await web('readings.js');
const { createSettings } = await web('settings.js');
const { shownRows } = await web('rows.js');
const { linesOf } = await web('board.js');
const { sentence } = await web('status.js');

const links = (text) => piecesOf(text).filter(({ href }) => href !== null).map(({ text: shown }) => shown);

test('only http and https become links', () => {
  assert.deepEqual(links('see http://a.b/c and HTTPS://d.e'), ['http://a.b/c', 'HTTPS://d.e']);
  assert.deepEqual(links('javascript:alert(1) data:text/html,x ftp://a.b file:///etc mailto:a@b //a.b'), []);
  assert.deepEqual(links('http:// https://'), []);
});

test('a link ends before the sentence does', () => {
  assert.deepEqual(links('(https://a.b/c), "https://d.e/f"!'), ['https://a.b/c', 'https://d.e/f']);
  assert.deepEqual(links('https://a.b/x_(y)'), ['https://a.b/x_(y)']);
});

test('a link does not run over a mark that turns the direction of writing', () => {
  assert.deepEqual(links('https://a.b/\u202egro.live'), ['https://a.b/']);
});

test('the pieces of a text are the text', () => {
  for (const text of ['', 'plain', 'https://a.b', 'x https://a.b, <img src=x onerror=1> https://c.d.']) {
    assert.equal(piecesOf(text).map((piece) => piece.text).join(''), text);
  }
});

test('each line that is not blank is a message', () => {
  assert.deepEqual(saidLines('a\r\n\n  \nb'), ['a', 'b']);
});

test('the time left is never more than is left', () => {
  assert.equal(timeLeft(30), 'seconds left');
  assert.equal(timeLeft(119), '1 min left');
  assert.equal(timeLeft(3600), '60 min left');
  assert.equal(timeLeft(3 * 3600 - 1), '2 hours left');
  assert.equal(timeLeft(604799), '6 days left');
  assert.equal(secondsNow(10, 0, 4999), 6);
  assert.equal(secondsNow(10, 0, 60000), 0);
});

test('a day has a name', () => {
  const noon = new Date(2026, 5, 2, 12).getTime();
  assert.equal(dayOf(noon, noon), 'Today');
  assert.equal(dayOf(noon - 13 * 3600 * 1000, noon), 'Yesterday');
  assert.equal(dayOf(null, noon), '');
});

test('messages become threads, the newest first, replies as posted', () => {
  const messages = [[1, 0], [2, 0], [3, 1], [4, 3], [5, 1]].map(([id, parent]) => ({ id, parent }));
  const threads = threadsOf(messages, () => true);
  assert.deepEqual(threads.map(({ message, size }) => [message.id, size]), [[1, 4], [2, 1]]);
  assert.deepEqual(nodesOf(threads[0]).map(({ message, depth }) => [message.id, depth]), [[1, 0], [3, 1], [4, 2], [5, 1]]);
});

test('of a thread only what is heard counts, and a thread in which nothing is heard is none', () => {
  const messages = [[1, 0, 'eve'], [2, 0, 'amy'], [3, 2, 'eve'], [4, 1, 'bob'], [5, 0, 'eve'], [6, 5, 'eve']].map(([id, parent, owner]) => ({ id, parent, owner }));
  const threads = threadsOf(messages, ({ owner }) => owner !== 'eve');
  assert.deepEqual(threads.map(({ message, size, newest }) => [message.id, size, newest]), [[1, 1, 4], [2, 1, 2]]);
});

test('a reply whose parent is not there stands alone, and depth has no bound', () => {
  assert.equal(threadsOf([{ id: 7, parent: 3 }], () => true).length, 1);
  const deep = Array.from({ length: 10_000 }, (_, i) => ({ id: i + 1, parent: i }));
  assert.equal(threadsOf(deep, () => true)[0].size, 10_000);
});

test('pauses grow, to a bound, and are spread', () => {
  assert.equal(pauseMilliseconds(0, 0.5), 1000);
  assert.equal(pauseMilliseconds(3, 0.5), 8000);
  assert.equal(pauseMilliseconds(99, 0.5), 30000);
  assert.ok(pauseMilliseconds(2, 0) < pauseMilliseconds(2, 1));
});

test('a message at the bound can be sent, one byte more cannot', () => {
  const room = 1000 - 2 - '#broadcast ""'.length;
  assert.equal(weigh('x'.repeat(room), []).problem, '');
  assert.match(weigh('x'.repeat(room), []).hint, /0 bytes left/);
  assert.match(weigh('x'.repeat(room + 1), []).problem, /1 byte too long/);
  assert.match(weigh(`short\n${'x'.repeat(1000)}`, []).problem, /Line 2/);
});

test('the longest name among the receivers decides', () => {
  const room = 1000 - 2 - '#sendto "amy" ""'.length;
  assert.equal(weigh('x'.repeat(room), ['amy']).problem, '');
  assert.match(weigh('x'.repeat(room), ['amy', 'robert']).problem, /3 bytes too long/);
});

test('several lines are said to become several messages, and too many are refused', () => {
  assert.match(weigh('a\nb', []).hint, /2 lines/);
  assert.match(weigh('a\n'.repeat(21), []).problem, /at most 20/);
});

test('a long text travels in several messages, none of them too large, no line cut', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `${i}${'ä'.repeat(490)}`);
  const messages = messagesOf(lines);
  assert.ok(messages.length > 1);
  assert.ok(messages.every((message) => Buffer.byteLength(message) <= 16 * 1024 && message.endsWith('\r\n')));
  assert.equal(messages.join(''), lines.map((line) => `${line}\r\n`).join(''));
});

test('rows are read into rooms and people; a broken one is left out', () => {
  assert.deepEqual(roomsOf(['"chess club" amy 0 1799 priv regd', '"broken']), [
    { name: 'chess club', owner: 'amy', users: 0, seconds: 1799, isPrivate: true, accountsOnly: true },
  ]);
  assert.deepEqual(peopleOf(['- none']), [{ name: '-', kind: 'none' }]);
});

test('a time from before the clock was set is no time', () => {
  assert.equal(historyOf(['12 amy "hi"'])[0].at, null);
  assert.equal(historyOf(['1767225600 amy "hi"'])[0].at, 1767225600000);
});

function memory() {
  const map = new Map();
  return { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value), map };
}

test('a browser that refuses to remember is no failure', () => {
  for (const backing of [null, { getItem() { throw new Error('no'); }, setItem() { throw new Error('no'); } }]) {
    const storage = createStorage(backing);
    storage.write('a', 1);
    assert.equal(storage.read('a', 2), 1);
    assert.equal(storage.read('b', 2), 2);
  }
});

test('what is stored and cannot be read is as nothing', () => {
  const backing = memory();
  backing.setItem('chatter.friends', '{broken');
  backing.setItem('chatter.ignored', '"text"');
  assert.deepEqual(createMarks(createStorage(backing)).friends(), []);
});

test('a friend and an ignored one are never the same, in any case of letters', () => {
  const backing = memory();
  const marks = createMarks(createStorage(backing));
  marks.setFriend('Amy', true);
  marks.setIgnored('aMY', true);
  const again = createMarks(createStorage(backing));
  assert.deepEqual([again.isFriend('amy'), again.isIgnored('AMY')], [false, true]);
});

test('what was read stays read, and what is gone is forgotten', () => {
  const backing = memory();
  createReadings(createStorage(backing)).setRead(3, [1, 2]);
  const readings = createReadings(createStorage(backing));
  assert.deepEqual([readings.isRead(3, 1), readings.isRead(4, 1)], [true, false]);
  readings.keepOnly(3, [2, 5]);
  assert.deepEqual([readings.isRead(3, 1), readings.isRead(3, 2)], [false, true]);
});

test('the name is remembered, and nothing that is a password', () => {
  const backing = memory();
  createSettings(createStorage(backing)).remember('bob', 'regd');
  assert.deepEqual([...backing.map.keys()].sort(), ['chatter.how', 'chatter.name']);
});

test('nothing from an ignored person is shown, and rows of one person stand together', () => {
  const row = (id, from, at) => ({ id, from, kind: 'said', at, state: 'sent', mine: false });
  const shown = shownRows([row(1, 'amy', 0), row(2, 'eve', 1), row(3, 'Amy', 2), row(4, 'amy', 400_000)], (name) => name === 'eve', 0);
  assert.deepEqual(shown.map(({ key, follows }) => [key, follows]), [[1, false], [3, true], [4, false]]);
});

test('a text to post keeps its blanks and empty lines, but for empty ones at its end', () => {
  assert.deepEqual(linesOf('a\r\n\n  b\n\n'), ['a', '', '  b']);
  assert.deepEqual(linesOf(' \n'), []);
});

test('every status number of the protocol has a sentence', () => {
  for (const status of [-1, -2, -3, -4, -5, 3000, 3001, 3002, 3003, 3004, 3100, 3101, 3102, 3103, 3200, 3201, 3500, 3501, 3502, 3503]) {
    assert.doesNotMatch(sentence(status), /refused/);
  }
  assert.match(sentence(4711), /4711/);
});
