// Rows of the server's lists, read into plain objects. A row that cannot be read is left out: the
// rest of the list is still good.

import { wordsOf } from './lines.js';

export function roomsOf(rows) {
  return read(rows, 6, ([name, owner, users, seconds, privacy, admits]) => ({
    name,
    owner,
    users: Number(users),
    seconds: Number(seconds),
    isPrivate: privacy === 'priv',
    accountsOnly: admits === 'regd',
  }));
}

export function peopleOf(rows) {
  return read(rows, 2, ([name, kind]) => ({ name, kind }));
}

export function groupsOf(rows) {
  return read(rows, 8, ([name, owner, number, messages, users, seconds, privacy, admits]) => ({
    name,
    owner,
    number: Number(number),
    messages: Number(messages),
    users: Number(users),
    seconds: Number(seconds),
    isPrivate: privacy === 'priv',
    accountsOnly: admits === 'regd',
  }));
}

export function messagesOf(rows) {
  return read(rows, 6, ([name, owner, id, parent, replies, seconds]) => ({
    name,
    owner,
    id: Number(id),
    parent: Number(parent),
    replies: Number(replies),
    seconds: Number(seconds),
  }));
}

// UNIXTIME SENDER "TEXT"
export function historyOf(rows) {
  return read(rows, 3, ([time, from, text]) => ({ at: serverTime(Number(time)), from, text }));
}

// A board without a battery starts in 1970. A time before this page was written is no time.
const CLOCK_SET_SECONDS = Date.UTC(2020, 0, 1) / 1000;

export function serverTime(unixSeconds) {
  return unixSeconds >= CLOCK_SET_SECONDS ? unixSeconds * 1000 : null;
}

function read(rows, wordCount, make) {
  return rows
    .map(wordsOf)
    .filter((words) => words !== null && words.length >= wordCount)
    .map(make);
}
