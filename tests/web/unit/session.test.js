// Logging in, being lost and coming back, against a server of a few lines and a clock that is turned
// by hand.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { settled, web } from './web.js';

const { createChatter } = await web('chatter.js');

// A world with a socket that the test answers for: `answer(line, socket)` returns lines, or nothing.
function makeWorld(answer) {
  const world = { time: 1_000_000, timers: new Map(), sockets: [], sent: [], answer, stored: new Map() };
  let nextTimer = 1;
  const chatter = createChatter({
    url: 'ws://test/mec',
    makeSocket: () => {
      const socket = {
        send(message) {
          for (const line of message.split('\r\n').filter(Boolean)) {
            world.sent.push(line);
            const lines = world.answer(line, socket);
            if (lines) setImmediate(() => socket.tell(...[lines].flat()));
          }
        },
        tell: (...lines) => socket.onmessage({ data: lines.map((line) => `${line}\r\n`).join('') }),
        close() {},
      };
      world.sockets.push(socket);
      setImmediate(() => (world.isDown ? socket.onclose({ code: 1006 }) : socket.onopen()));
      return socket;
    },
    backing: { getItem: (key) => world.stored.get(key) ?? null, setItem: (key, value) => world.stored.set(key, value) },
    now: () => world.time,
    setTimer: (act, milliseconds) => {
      nextTimer += 1;
      world.timers.set(nextTimer, { act, at: world.time + milliseconds });
      return nextTimer;
    },
    clearTimer: (timer) => world.timers.delete(timer),
    random: () => 0.5,
    isSeen: () => true,
  });
  world.pass = async (milliseconds) => {
    world.time += milliseconds;
    for (const [id, { act, at }] of [...world.timers]) {
      if (at > world.time || !world.timers.delete(id)) continue;
      act();
    }
    await quiet();
  };
  return { world, chatter };
}

async function quiet() {
  for (let i = 0; i < 30; i += 1) await settled();
}

const LISTS = {
  '#listrooms': ['@ret #listrooms 1', 'Home - 1 0 pub anon'],
  '#listusers': ['@ret #listusers 1', 'bob anon'],
  '#listgroups': ['@ret #listgroups 0'],
  '#history': ['@ret #history 0'],
  '#whoami': ['@ret #whoami bob Home 1 - 0'],
};

function plainServer(line) {
  const command = line.split(' ')[0];
  if (LISTS[command]) return LISTS[command];
  if (command === '#broadcast') return `@mess #broadcast bob ${line.slice('#broadcast '.length)}`;
  if (command.endsWith('status')) return `@ret ${command} 1`;
  if (command === '#challenge') return '@ret #challenge 00112233445566778899aabbccddeeff';
  return '@status 0';
}

const ANON = { how: 'anon', name: 'bob' };

test('a name is enough, and it is remembered', async () => {
  const { world, chatter } = makeWorld(plainServer);
  assert.equal(await chatter.enter(ANON), null);
  assert.equal(world.sent[0], '#login anon "bob"');
  assert.equal(chatter.session.state.phase, 'in');
  assert.equal(world.stored.get('chatter.name'), '"bob"');
});

test('the password of an account is never sent', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter({ how: 'regd', name: 'bob', password: 'tøp secret' });
  await quiet();
  const proof = createHash('md5').update('00112233445566778899aabbccddeefftøp secret').digest('hex');
  assert.ok(world.sent.includes(`#login regd "bob" "${proof}"`));
  assert.ok(world.sent.every((line) => !line.includes('secret')));
  assert.ok([...world.stored.values()].every((value) => !value.includes('secret')));
});

test('an account is made by somebody who is there as a guest', async () => {
  const { world, chatter } = makeWorld(plainServer);
  const who = { how: 'make', name: 'bob', password: 'pw', realName: 'Bob B', email: 'b@c' };
  assert.equal(await chatter.enter(who), null);
  const order = world.sent.map((line) => line.split(' ').slice(0, 2).join(' '));
  assert.deepEqual(order.slice(0, 4), ['#login anon', '#createlogin "bob"', '#challenge', '#login regd']);
  assert.equal(chatter.session.state.kind, 'regd');
});

test('a refused login says why, at its field', async () => {
  const { chatter } = makeWorld((line) => (line.startsWith('#login') ? '@status 3002' : plainServer(line)));
  const problem = await chatter.enter({ how: 'regd', name: 'bob', password: 'no' });
  assert.equal(problem.field, 'password');
  assert.match(problem.text, /password/);
  assert.equal(chatter.session.state.phase, 'out');
});

test('no server is a sentence', async () => {
  const { world, chatter } = makeWorld(plainServer);
  world.isDown = true;
  assert.match((await chatter.enter(ANON)).text, /cannot be reached/);
});

test('a list is fetched when its number changes, and only then', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await quiet();
  const count = () => world.sent.filter((line) => line === '#listrooms').length;
  const before = count();
  await world.pass(4000);
  await world.pass(4000);
  assert.equal(count(), before);
  world.answer = (line) => (line === '#archstatus' ? '@ret #archstatus 2' : plainServer(line));
  await world.pass(4000);
  assert.equal(count(), before + 1);
});

test('a lost connection comes back, into the same room, and the gap is filled', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await chatter.rooms.enter('lab');
  await quiet();
  await chatter.chats.sayToRoom('one');
  world.isDown = true;
  world.sockets.at(-1).onclose({ code: 1006 });
  await quiet();
  assert.equal(chatter.session.state.phase, 'lost');
  await world.pass(1000);
  assert.equal(chatter.session.state.attempt, 1);
  await world.pass(1999);
  assert.equal(chatter.session.state.attempt, 1);
  world.isDown = false;
  world.answer = (line) =>
    line.startsWith('#history') ? ['@ret #history 2', '1767225600 bob "one"', '1767225601 amy "two"'] : plainServer(line);
  world.sent.length = 0;
  await world.pass(1);
  assert.equal(chatter.session.state.phase, 'in');
  assert.ok(world.sent.includes('#changeroom "lab" ""'));
  assert.deepEqual(chatter.chats.state.room.rows.map(({ text }) => text), ['one', 'two']);
});

test('a gap that is larger than the history is said where it is', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await chatter.rooms.enter('lab');
  await quiet();
  await chatter.chats.sayToRoom('one');
  world.sockets.at(-1).onclose({ code: 1006 });
  world.answer = (line) =>
    line.startsWith('#history') ? ['@ret #history 2', '1767225600 amy "late"', '1767225601 amy "later"'] : plainServer(line);
  await world.pass(1000);
  const { rows } = chatter.chats.state.room;
  assert.deepEqual(rows.map(({ kind }) => kind), ['said', 'note', 'said', 'said']);
  assert.equal(rows[1].text, 'Earlier lines may be missing here.');
  assert.equal(chatter.chats.unread(), 0);
});

test('what was being said when the connection went is either there or said to be lost', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await quiet();
  world.answer = (line) => (line.startsWith('#broadcast') ? null : plainServer(line));
  chatter.chats.sayToRoom('arrived');
  chatter.chats.sayToRoom('lost');
  await quiet();
  world.sockets.at(-1).onclose({ code: 1006 });
  await quiet();
  assert.deepEqual(chatter.chats.state.room.rows.map(({ state }) => state), ['doubtful', 'doubtful']);
  world.answer = (line) => (line.startsWith('#history') ? ['@ret #history 1', '1767225600 bob "arrived"'] : plainServer(line));
  await world.pass(1000);
  assert.deepEqual(chatter.chats.state.room.rows.map(({ text, state }) => [text, state]), [['arrived', 'sent'], ['lost', 'failed']]);
});

test('a room that is gone when one comes back is said, and one stands in Home', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await chatter.rooms.enter('lab');
  world.answer = (line) => (line.startsWith('#changeroom') ? '@status 3100' : plainServer(line));
  world.sockets.at(-1).onclose({ code: 1006 });
  await world.pass(1000);
  assert.equal(chatter.rooms.state.current, 'Home');
  assert.match(chatter.chats.state.room.rows.at(-1).text, /lab/);
});

test('one\'s own old connection may still hold the name for a while', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  world.answer = (line) => (line.startsWith('#login') ? '@status 3003' : plainServer(line));
  world.sockets.at(-1).onclose({ code: 1006 });
  await world.pass(1000);
  assert.equal(chatter.session.state.phase, 'lost');
  world.answer = plainServer;
  await world.pass(2000);
  assert.equal(chatter.session.state.phase, 'in');
});

test('who has logged in elsewhere does not fight for the connection', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  world.sockets.at(-1).tell('@mess #warning "You have logged in from somewhere else."');
  world.sockets.at(-1).onclose({ code: 1000 });
  await world.pass(60_000);
  assert.equal(chatter.session.state.phase, 'closed');
  assert.equal(world.sockets.length, 1);
  chatter.session.retryNow();
  await quiet();
  assert.equal(chatter.session.state.phase, 'in');
});

test('a server that stops is waited for', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  world.sockets.at(-1).tell('@mess #warning "The server is stopping."');
  world.sockets.at(-1).onclose({ code: 1001 });
  await world.pass(1000);
  assert.equal(chatter.session.state.phase, 'in');
});

test('a server that says nothing any more is given up', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await quiet();
  world.answer = () => null;
  for (let i = 0; i < 8; i += 1) await world.pass(5000);
  assert.ok(world.sockets.length > 1);
});

test('what is said in Home while one comes back elsewhere is not shown there', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await chatter.rooms.enter('lab');
  world.answer = (line) => (line.startsWith('#changeroom') ? ['@mess #broadcast amy "in Home"', '@status 0', '@mess #broadcast amy "in lab"'] : plainServer(line));
  world.sockets.at(-1).onclose({ code: 1006 });
  await world.pass(1000);
  assert.deepEqual(chatter.chats.state.room.rows.map(({ text }) => text), ['in lab']);
});

test('a warning that one was moved shows the room one stands in', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  await chatter.rooms.enter('lab');
  world.sockets.at(-1).tell('@mess #warning "amy has sent you out."');
  await quiet();
  assert.equal(chatter.rooms.state.current, 'Home');
  assert.ok(chatter.chats.state.room.rows.some(({ text }) => /sent you out/.test(text)));
});

test('a private message opens a chat of its own, but not from somebody ignored', async () => {
  const { world, chatter } = makeWorld(plainServer);
  await chatter.enter(ANON);
  chatter.marks.setIgnored('Eve', true);
  world.sockets.at(-1).tell('@mess #sendto eve "psst"', '@mess #sendto Amy "hi"', '@mess #sendto amy "you"', '@mess #broadcast eve "all"');
  assert.deepEqual(chatter.chats.all().map(({ name, rows, unread }) => [name, rows.length, unread]), [['Home', 0, 0], ['Amy', 2, 2]]);
  assert.equal(chatter.chats.unread(), 2);
});

test('a private message that reaches nobody stays, with the reason', async () => {
  const { chatter } = makeWorld((line) => (line.startsWith('#sendto "amy"') ? '@status -3' : plainServer(line)));
  await chatter.enter(ANON);
  await chatter.chats.sayPrivately('amy', 'hi');
  assert.match(chatter.chats.state.privates.get('amy').rows[0].problem, /not in this room/);
  await chatter.chats.sayToFriends(['amy', 'joe'], 'all');
  assert.match(chatter.chats.state.room.rows.at(-1).problem, /amy/);
  assert.doesNotMatch(chatter.chats.state.room.rows.at(-1).problem, /joe/);
});
