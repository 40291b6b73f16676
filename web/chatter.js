// Everything the page knows, tied together: who tells whom when one comes in, moves, is moved, loses
// the connection or leaves. No part of the page that is seen.

import { createBoard } from './board.js';
import { createChats } from './chats.js';
import { createGroups } from './groups.js';
import { createMarks } from './marks.js';
import { createPeople } from './people.js';
import { createReadings } from './readings.js';
import { createRooms } from './rooms.js';
import { createSession } from './session.js';
import { createSettings } from './settings.js';
import { createStorage } from './storage.js';
import { createWatch } from './watch.js';

// `world`: { url, makeSocket, backing, now, setTimer, clearTimer, random, isSeen }. In the page the
// browser's, in a test whatever the test likes.
export function createChatter(world) {
  const { now, setTimer, clearTimer, isSeen } = world;
  const storage = createStorage(world.backing);
  const settings = createSettings(storage);
  const marks = createMarks(storage);
  const session = createSession(world);
  const rooms = createRooms({ session, now });
  const people = createPeople({ session });
  const chats = createChats({ session, rooms, marks, now });
  const groups = createGroups({ session, now });
  const board = createBoard({ session, groups, marks, readings: createReadings(storage), now });

  const lists = {
    '#archstatus': [rooms.list],
    '#roomstatus': [rooms.list],
    '#userstatus': [people.list],
    '#groupstatus': [groups.list],
    '#messagestatus': [board.list, groups.list],
  };
  const isWanted = (command) => command !== '#messagestatus' || groups.state.current !== null;
  const watch = createWatch({ session, lists, isWanted, isSeen, setTimer, clearTimer });

  session.mess.listen((kind, sender, text) => {
    chats.hear(kind, sender, text);
    // A warning may mean that one stands in another room now.
    if (kind === '#warning') rooms.lookAround();
  });

  session.entered.listen(async ({ again }) => {
    if (!again) forgetAll();
    rooms.lose();
    watch.forget();
    const groupsBack = groups.comeBack();
    const trouble = await rooms.comeBack();
    await groupsBack;
    if (trouble) chats.note(trouble);
    watch.start();
  });

  session.lost.listen(() => {
    rooms.lose();
    watch.stop();
  });

  session.changed.listen(() => {
    if (session.state.phase === 'out' || session.state.phase === 'closed') watch.stop();
  });

  rooms.entered.listen(({ isSame }) => {
    if (!isSame) people.forget();
    watch.forget('#userstatus', '#roomstatus');
    watch.look();
  });

  groups.joined.listen(() => {
    watch.forget('#messagestatus');
    watch.look();
  });

  function forgetAll() {
    rooms.forget();
    people.forget();
    chats.forget();
    groups.forget();
  }

  async function enter(who) {
    const problem = await session.enter(who);
    if (problem === null) settings.remember(who.name, session.state.kind);
    return problem;
  }

  return { settings, marks, session, rooms, people, chats, groups, board, watch, enter };
}
