// The rooms of the server, and in which of them one stands.

import { sameName } from './lines.js';
import { roomsOf } from './listings.js';
import { LOST } from './queue.js';
import { ROOM_PASSWORD, sentence } from './status.js';
import { createTopic } from './topic.js';

export const HOME = 'Home';

export function createRooms({ session, now }) {
  const changed = createTopic();
  // Told synchronously with the answer, as what is said from then on is said in the new room.
  const entered = createTopic();
  // `isAway`: a login has put us into Home, but that is not where we were.
  const state = { list: [], listedAt: 0, isListed: false, current: HOME, isAway: false };
  // Passwords that were right, to come back after a loss, and to remove one's own room.
  const passwords = new Map();

  async function list() {
    const answer = await session.ask('#listrooms');
    if (answer.status !== 0) return;
    Object.assign(state, { list: roomsOf(answer.rows), listedAt: now(), isListed: true });
    changed.tell();
  }

  // Resolves with null, or with { text, wantsPassword }.
  async function enter(name, password = passwords.get(name) ?? '') {
    const atOnce = ({ status }) => status === 0 && arrive(name, password);
    const { status } = await session.askWith({ atOnce }, '#changeroom', name, password);
    return status === 0 ? null : problemOf(status, 'room');
  }

  function arrive(name, password) {
    const isSame = sameName(name, state.current);
    if (password) passwords.set(name, password);
    Object.assign(state, { current: name, isAway: false });
    entered.tell({ isSame });
    changed.tell();
  }

  // The server may have moved us; it is the one who knows.
  async function lookAround() {
    const { status, values } = await session.ask('#whoami');
    if (status !== 0 || sameName(values[1], state.current)) return false;
    Object.assign(state, { current: values[1], isAway: false });
    entered.tell({ isSame: false });
    changed.tell();
    return true;
  }

  async function make({ name, password, accountsOnly }) {
    const made = await session.ask('#createroom', name, password, accountsOnly ? 'regd' : 'anon');
    if (made.status !== 0) return problemOf(made.status, 'makeRoom');
    list();
    return enter(name, password);
  }

  async function remove(name, password = passwords.get(name) ?? '') {
    const { status } = await session.ask('#rmroom', name, password);
    if (status !== 0) return problemOf(status, 'room');
    passwords.delete(name);
    list();
    return null;
  }

  async function sendOut(user) {
    const { status } = await session.ask('#kick', user);
    return status === 0 ? null : sentence(status, 'person');
  }

  // After a login one stands in Home. Back to where one was, if that still is.
  async function comeBack() {
    const name = state.current;
    if (sameName(name, HOME)) {
      entered.tell({ isSame: true });
      return null;
    }
    const problem = await enter(name);
    // Lost once more: the next login tries again, with the same room.
    if (problem === null || problem.status === LOST) return null;
    Object.assign(state, { current: HOME, isAway: false });
    entered.tell({ isSame: false });
    changed.tell();
    return `You are in ${HOME} now, because “${name}” could not be entered again. ${problem.text}`;
  }

  function lose() {
    state.isAway = !sameName(state.current, HOME);
  }

  function forget() {
    passwords.clear();
    Object.assign(state, { list: [], listedAt: 0, isListed: false, current: HOME, isAway: false });
    changed.tell();
  }

  function knowsPassword(name) {
    return passwords.has(name);
  }

  function room() {
    return state.list.find((one) => sameName(one.name, state.current)) ?? null;
  }

  return {
    state, changed, entered, list, enter, lookAround, make, remove, sendOut, comeBack, lose, forget, room,
    knowsPassword,
  };
}

function problemOf(status, place) {
  return { status, text: sentence(status, place), wantsPassword: status === ROOM_PASSWORD };
}
