// Who is in the room.

import { sameName } from './lines.js';
import { peopleOf } from './listings.js';
import { createTopic } from './topic.js';

export function createPeople({ session }) {
  const changed = createTopic();
  // `waiting`: connections in Home that have not said who they are.
  const state = { list: [], waiting: 0, isListed: false };

  async function list() {
    const answer = await session.ask('#listusers');
    if (answer.status !== 0) return;
    const everybody = peopleOf(answer.rows);
    state.list = everybody.filter(({ kind }) => kind !== 'none');
    state.waiting = everybody.length - state.list.length;
    state.isListed = true;
    changed.tell();
  }

  function forget() {
    Object.assign(state, { list: [], waiting: 0, isListed: false });
    changed.tell();
  }

  function isHere(name) {
    return state.list.some((one) => sameName(one.name, name));
  }

  return { state, changed, list, forget, isHere };
}
