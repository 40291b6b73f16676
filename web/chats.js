// What has been said: in the room, and in private chats with one person each. Also what is still
// unread of it.

import { withHistory } from './history.js';
import { nameKey, sameName } from './lines.js';
import { historyOf } from './listings.js';
import { LOST } from './queue.js';
import { sentence } from './status.js';
import { createTopic } from './topic.js';

export const ROOM = 'room';
// Of each chat; the oldest go.
export const ROWS_MAX = 500;
// As many as a server is likely to keep; it gives fewer if it has fewer.
const HISTORY_ROWS = 50;
const REASON_MILLISECONDS = 5000;
const GAP = 'Earlier lines may be missing here.';

// A row: { id, kind, from, text, at, mine, told, state, problem, to, missed }.
//   kind: 'said' to the room, 'private', 'friends' (mine, to several), 'note' (from the page),
//         'warning' and 'notice' (from the server)
//   at: milliseconds, or null when nobody knows; told: the time is the server's
//   state: 'sent', 'sending', 'failed', 'doubtful' (the connection went before one could know)
export function createChats({ session, rooms, marks, now }) {
  const changed = createTopic();
  // A row that came just now and is to be read out: (row, chat).
  const arrived = createTopic();
  const state = { room: newChat(ROOM, ''), privates: new Map(), active: ROOM, isAttended: true };
  let nextId = 1;

  // ---- chats --------------------------------------------------------------------------------

  function newChat(key, name) {
    return { key, name, rows: [], unread: 0, draft: '', isLoading: false };
  }

  function chat(key) {
    return key === ROOM ? state.room : state.privates.get(key);
  }

  function active() {
    return chat(state.active) ?? state.room;
  }

  function all() {
    return [state.room, ...state.privates.values()];
  }

  function privateChat(name) {
    const key = nameKey(name);
    if (!state.privates.has(key)) state.privates.set(key, newChat(key, name));
    return state.privates.get(key);
  }

  function openPrivate(name) {
    show(privateChat(name).key);
  }

  function show(key) {
    state.active = key;
    if (state.isAttended) active().unread = 0;
    changed.tell();
  }

  function closePrivate(key) {
    state.privates.delete(key);
    if (state.active === key) state.active = ROOM;
    show(state.active);
  }

  // Whether somebody is looking at the active chat.
  function attend(isAttended) {
    state.isAttended = isAttended;
    const { unread } = active();
    if (isAttended) active().unread = 0;
    if (unread > 0) changed.tell();
  }

  function unread() {
    return all().reduce((sum, one) => sum + one.unread, 0);
  }

  // ---- rows ---------------------------------------------------------------------------------

  function newRow(fields) {
    nextId += 1;
    return { id: nextId, at: now(), mine: false, told: false, state: 'sent', problem: '', to: [], ...fields };
  }

  function add(where, row) {
    where.rows = [...where.rows, row].slice(-ROWS_MAX);
    const counts = !row.mine && row.kind !== 'note';
    if (counts && !(state.isAttended && state.active === where.key)) where.unread += 1;
    changed.tell();
    if (!row.mine) arrived.tell(row, where);
    return row;
  }

  function change(where, row, changes) {
    where.rows = where.rows.map((one) => (one.id === row.id ? { ...one, ...changes } : one));
    changed.tell();
  }

  function note(text, where = active()) {
    add(where, newRow({ kind: 'note', from: '', text }));
  }

  // ---- hearing ------------------------------------------------------------------------------

  function hear(kind, sender, text) {
    if (sender !== '' && marks.isIgnored(sender)) return;
    // Said in Home, which is not where we are going.
    if (kind === '#broadcast' && rooms.state.isAway) return;
    const mine = sameName(sender, session.state.name);
    if (kind === '#broadcast') add(state.room, newRow({ kind: 'said', from: sender, text, mine }));
    else if (kind === '#sendto') add(privateChat(sender), newRow({ kind: 'private', from: sender, text }));
    else if (kind === '#peer2peer') add(privateChat(sender), newRow({ kind: 'note', from: sender, text: peerOffer(text) }));
    else add(active(), newRow({ kind: kind === '#warning' ? 'warning' : 'notice', from: '', text: text || sender }));
  }

  function peerOffer(text) {
    const [port, address] = text.trim().split(' ');
    return `offers a direct connection at ${address}, port ${port}. A browser cannot take it.`;
  }

  // The room's history, fitted to what is shown already.
  async function catchUp() {
    const room = state.room;
    room.isLoading = true;
    const { status, rows } = await session.ask('#history', HISTORY_ROWS);
    if (room !== state.room) return;
    room.isLoading = false;
    if (status === 0) {
      const makeRow = ({ at, from, text }) =>
        newRow({ kind: 'said', at, from, text, told: true, mine: sameName(from, session.state.name) });
      const makeGap = () => newRow({ kind: 'note', at: null, from: '', text: GAP });
      room.rows = withHistory(room.rows, historyOf(rows), makeRow, makeGap).slice(-ROWS_MAX);
      settleDoubts(room);
    }
    changed.tell();
  }

  // What was being sent when the connection went, and is not in the history, has not arrived.
  function settleDoubts(room) {
    room.rows = room.rows.map((row) =>
      row.state === 'doubtful' ? { ...row, state: 'failed', problem: sentence(LOST) } : row,
    );
  }

  function enterRoom({ isSame }) {
    if (!isSame) {
      // Why one has been moved is still to be read in the room one is moved to.
      const reasons = state.room.rows.filter(({ kind, at }) => kind === 'warning' && now() - at < REASON_MILLISECONDS);
      state.room = { ...newChat(ROOM, rooms.state.current), rows: reasons, draft: state.room.draft };
    }
    state.room.name = rooms.state.current;
    catchUp();
    changed.tell();
  }

  // ---- saying -------------------------------------------------------------------------------

  // To everybody. The row comes from the server, like everybody's; only a failure leaves one here.
  async function sayToRoom(text) {
    const room = state.room;
    const { status } = await session.broadcast(text);
    if (status === 0) return;
    add(room, newRow({
      kind: 'said',
      from: session.state.name,
      text,
      mine: true,
      state: status === LOST ? 'doubtful' : 'failed',
      problem: sentence(status, 'text'),
    }));
  }

  async function sayPrivately(name, text) {
    const where = privateChat(name);
    const row = add(where, newRow({ kind: 'private', from: session.state.name, text, mine: true, state: 'sending' }));
    const { status } = await session.ask('#sendto', name, text);
    if (status === 0) change(where, row, { state: 'sent' });
    else change(where, row, { state: 'failed', problem: sentence(status, 'person') });
  }

  // One line to each friend; the row names whom it did not reach.
  async function sayToFriends(names, text) {
    const where = state.room;
    const row = add(where, newRow({ kind: 'friends', from: session.state.name, text, mine: true, to: names, state: 'sending' }));
    const answers = await Promise.all(names.map((name) => session.ask('#sendto', name, text)));
    const missed = names.filter((_, i) => answers[i].status !== 0);
    if (missed.length === 0) return change(where, row, { state: 'sent' });
    change(where, row, { state: 'failed', problem: `Not delivered to ${missed.join(', ')}.`, missed });
  }

  function sayAgain(where, row) {
    where.rows = where.rows.filter((one) => one.id !== row.id);
    changed.tell();
    if (row.kind === 'said') return sayToRoom(row.text);
    if (row.kind === 'private') return sayPrivately(where.name, row.text);
    return sayToFriends(row.missed, row.text);
  }

  function forget() {
    state.room = newChat(ROOM, '');
    state.privates.clear();
    state.active = ROOM;
    changed.tell();
  }

  rooms.entered.listen(enterRoom);

  return {
    state, changed, arrived, all, active, openPrivate, show, closePrivate, attend, unread, note, hear,
    sayToRoom, sayPrivately, sayToFriends, sayAgain, forget,
  };
}
