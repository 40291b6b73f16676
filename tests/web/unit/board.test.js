// The messages of a group: what is unread, and nothing from whom one ignores.

import assert from 'node:assert/strict';
import test from 'node:test';
import { settled, web } from './web.js';

const { createBoard } = await web('board.js');
const { createMarks } = await web('marks.js');
const { createReadings } = await web('readings.js');
const { createStorage } = await web('storage.js');
const { createTopic } = await web('topic.js');

// "TITLE" OWNER ID PARENT REPLIES SECONDS
const ROWS = [
  '"asked by eve" eve 1 0 1 900',
  '"asked by amy" amy 2 0 2 900',
  '"answer of eve" eve 3 2 0 900',
  '"answer of joe" joe 4 2 0 900',
  '"own" bob 5 1 0 900',
  '"eve alone" Eve 6 0 0 900',
];

// A board of bob's with these messages.
async function makeBoard(rows = ROWS) {
  const storage = createStorage(null);
  const marks = createMarks(storage);
  const group = { name: 'news', number: 7, owner: 'amy' };
  const groups = { joined: createTopic(), state: { current: group.name }, group: () => group };
  const session = { state: { name: 'bob' }, ask: async (command) => ({ status: 0, rows: command === '#listmessages' ? rows : ['text'] }) };
  const readings = createReadings(storage);
  const board = createBoard({ session, groups, marks, readings, now: () => 0 });
  groups.joined.tell();
  await settled();
  return { board, marks, readings };
}

const unreadIds = (board) => board.state.list.filter(board.isUnread).map(({ id }) => id);
const threads = (board) => board.state.threads.map(({ message, size }) => [message.id, size]);

test('what others have posted is unread until it is read', async () => {
  const { board } = await makeBoard();
  assert.equal(board.unread(), 5);
  await board.read(4);
  assert.deepEqual(unreadIds(board), [1, 2, 3, 6]);
  board.readAll();
  assert.equal(board.unread(), 0);
});

test('nothing from somebody ignored counts as unread, as a reply or as a thread', async () => {
  const { board, marks } = await makeBoard();
  let told = 0;
  board.changed.listen(() => { told += 1; });
  assert.deepEqual(threads(board), [[6, 1], [1, 2], [2, 3]]);
  marks.setIgnored('EVE', true);
  assert.ok(told > 0, 'who shows the board hears of it');
  assert.equal(board.unread(), 2);
  assert.deepEqual(unreadIds(board), [2, 4]);
  assert.deepEqual(threads(board), [[1, 1], [2, 2]]);
});

test('who is ignored no longer is heard again, and was not read meanwhile', async () => {
  const { board, marks } = await makeBoard();
  marks.setIgnored('eve', true);
  board.readAll();
  assert.equal(board.unread(), 0);
  marks.setIgnored('eve', false);
  assert.deepEqual(unreadIds(board), [1, 3, 6]);
  assert.deepEqual(threads(board), [[6, 1], [1, 2], [2, 3]]);
});

test('what one has written oneself is shown, whatever one\'s name was taken for before', async () => {
  const { board, marks } = await makeBoard();
  marks.setIgnored('bob', true);
  assert.deepEqual(board.state.list.filter((message) => !board.isHeard(message)), []);
});

test('a list that comes later leaves out whom one ignores already', async () => {
  const { board, marks } = await makeBoard();
  marks.setIgnored('eve', true);
  await board.list();
  assert.equal(board.unread(), 2);
  assert.deepEqual(threads(board), [[1, 1], [2, 2]]);
});
