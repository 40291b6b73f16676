// The messages of the group that one has joined: their list, and the texts that were opened.

import { sameName, withoutControls } from './lines.js';
import { messagesOf } from './listings.js';
import { sentence } from './status.js';
import { threadsOf } from './threads.js';
import { createTopic } from './topic.js';

// The server's own default. Who announces more is disconnected.
export const TEXT_LINES_MAX = 100;

export function createBoard({ session, groups, marks, readings, now }) {
  const changed = createTopic();
  const state = { list: [], threads: [], listedAt: 0, isListed: false, texts: new Map() };

  async function list() {
    const group = groups.group();
    const answer = await session.ask('#listmessages');
    if (answer.status !== 0 || group !== groups.group()) return;
    const messages = messagesOf(answer.rows);
    Object.assign(state, { list: messages, threads: threadsOf(messages, isHeard), listedAt: now(), isListed: true });
    markOwn(messages);
    if (group) readings.keepOnly(group.number, messages.map(({ id }) => id));
    changed.tell();
  }

  // One need not read what one has written.
  function markOwn(messages) {
    const own = messages.filter((message) => isOwn(message) && isUnread(message));
    if (own.length > 0) setRead(own.map(({ id }) => id));
  }

  function isOwn({ owner }) {
    return sameName(owner, session.state.name);
  }

  // Nothing from somebody ignored is shown or counted, but what others have answered.
  function isHeard(message) {
    return isOwn(message) || !marks.isIgnored(message.owner);
  }

  function isUnread(message) {
    const group = groups.group();
    return group !== null && isHeard(message) && !readings.isRead(group.number, message.id);
  }

  function setRead(ids) {
    const group = groups.group();
    if (group) readings.setRead(group.number, ids);
  }

  function unread() {
    return state.list.filter(isUnread).length;
  }

  // A text never changes once it is posted, so it is asked for once; an error is not for ever.
  async function read(id) {
    setRead([id]);
    changed.tell();
    if (state.texts.get(id)?.problem === '') return;
    const answer = await session.ask('#getmessage', id);
    if (answer.status === 0) state.texts.set(id, { text: answer.rows.join('\n'), problem: '' });
    else state.texts.set(id, { text: '', problem: sentence(answer.status, 'message') });
    changed.tell();
  }

  function readAll() {
    setRead(state.list.filter(isHeard).map(({ id }) => id));
    changed.tell();
  }

  // `seconds` 0 leaves it to the server. Resolves with null or what is wrong.
  async function post({ title, text, parent, seconds }) {
    const body = linesOf(text);
    const { status } = await session.askWith({ body }, '#postmessage', title, parent, body.length, seconds);
    if (status !== 0) return sentence(status, 'message');
    await list();
    return null;
  }

  async function remove(id) {
    const { status } = await session.ask('#rmmessage', id);
    if (status !== 0) return sentence(status, 'message');
    await list();
    return null;
  }

  function forget() {
    Object.assign(state, { list: [], threads: [], listedAt: 0, isListed: false, texts: new Map() });
    changed.tell();
  }

  groups.joined.listen(() => {
    forget();
    if (groups.state.current !== null) list();
  });

  marks.changed.listen(() => {
    state.threads = threadsOf(state.list, isHeard);
    changed.tell();
  });

  return { state, changed, list, isHeard, isUnread, unread, read, readAll, post, remove, forget };
}

// The lines of a text to post; empty ones at its end are not worth their place.
export function linesOf(text) {
  const lines = text.replace(/\r\n?/g, '\n').trimEnd().split('\n').map(withoutControls);
  return lines.length === 1 && lines[0] === '' ? [] : lines;
}
