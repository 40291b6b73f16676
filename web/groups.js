// The message groups, and the one that one has joined.

import { sameName } from './lines.js';
import { groupsOf } from './listings.js';
import { LOST } from './queue.js';
import { GROUP_PASSWORD, sentence } from './status.js';
import { createTopic } from './topic.js';

export function createGroups({ session, now }) {
  const changed = createTopic();
  const joined = createTopic();
  // `current`: the name of the group, or null.
  const state = { list: [], listedAt: 0, isListed: false, current: null };
  const passwords = new Map();

  async function list() {
    const answer = await session.ask('#listgroups');
    if (answer.status !== 0) return;
    Object.assign(state, { list: groupsOf(answer.rows), listedAt: now(), isListed: true });
    changed.tell();
  }

  // Resolves with null, or with { text, wantsPassword }.
  async function join(name, password = passwords.get(name) ?? '') {
    const { status } = await session.ask('#joingroup', name, password);
    if (status !== 0) return problemOf(status, 'group');
    if (password) passwords.set(name, password);
    state.current = name;
    await list();
    joined.tell();
    changed.tell();
    return null;
  }

  async function leave() {
    await session.ask('#leavegroup');
    stand(null);
    list();
  }

  function stand(name) {
    state.current = name;
    joined.tell();
    changed.tell();
  }

  // `seconds` 0 leaves it to the server.
  async function make({ name, password, accountsOnly, seconds }) {
    const type = accountsOnly ? 'regd' : 'anon';
    const { status } = await session.ask('#creategroup', name, password, type, seconds);
    if (status !== 0) return problemOf(status, 'makeGroup');
    return join(name, password);
  }

  // A group that one is in is not empty: leave it first.
  async function remove(name, password = passwords.get(name) ?? '') {
    const wasIn = state.current !== null && sameName(name, state.current);
    if (wasIn) await session.ask('#leavegroup');
    const { status } = await session.ask('#rmgroup', name, password);
    if (wasIn && status !== 0) await session.ask('#joingroup', name, password);
    if (wasIn && status === 0) stand(null);
    list();
    return status === 0 ? null : problemOf(status, 'group');
  }

  async function comeBack() {
    if (state.current === null) return;
    const problem = await join(state.current);
    if (problem !== null && problem.status !== LOST) stand(null);
  }

  function forget() {
    passwords.clear();
    Object.assign(state, { list: [], listedAt: 0, isListed: false });
    stand(null);
  }

  function knowsPassword(name) {
    return passwords.has(name);
  }

  function group() {
    if (state.current === null) return null;
    return state.list.find((one) => sameName(one.name, state.current)) ?? null;
  }

  return { state, changed, joined, list, join, leave, make, remove, comeBack, forget, group, knowsPassword };
}

function problemOf(status, place) {
  return { status, text: sentence(status, place), wantsPassword: status === GROUP_PASSWORD };
}
