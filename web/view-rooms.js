// The rooms: who made them, how many are in them, how long an empty one stays.

import { ROOM } from './chats.js';
import { hidden } from './dom.js';
import { sameName } from './lines.js';
import { isolated } from './texts.js';
import { counted, secondsNow, timeLeft } from './times.js';
import { createPlacesView } from './view-places.js';

export function createRoomsView({ chatter, go, now }) {
  const { chats, rooms, session } = chatter;
  return createPlacesView('rooms', {
    noun: 'room',
    verb: 'enter',
    model: rooms,
    session,
    isCurrent: (name) => sameName(name, rooms.state.current),
    factsOf: (room) => factsOf(room, rooms.state.listedAt, now()),
    countOf: ({ users }) => [String(users), hidden(users === 1 ? ' person' : ' people')],
    enter: rooms.enter,
    open: () => {
      chats.show(ROOM);
      go('talk');
    },
    remove: rooms.remove,
    makeFields: [],
    make: rooms.make,
    emptyText: 'There are no rooms.',
  });
}

function factsOf(room, listedAt, now) {
  const facts = [];
  if (room.users === 0 && room.seconds > 0) facts.push(`empty, ${timeLeft(secondsNow(room.seconds, listedAt, now))}`);
  if (room.accountsOnly) facts.push('accounts only');
  if (room.owner !== '-') facts.push(`by ${isolated(room.owner)}`);
  return facts.join(' · ') || 'open to everybody';
}

export function roomSentence(room, peopleCount) {
  const facts = [counted(peopleCount, 'person', 'people')];
  if (!room) return facts[0];
  facts.push(room.isPrivate ? 'private' : 'public');
  if (room.accountsOnly) facts.push('accounts only');
  if (room.owner !== '-') facts.push(`made by ${isolated(room.owner)}`);
  return facts.join(' · ');
}
