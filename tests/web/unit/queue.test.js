import assert from 'node:assert/strict';
import test from 'node:test';
import { web } from './web.js';

const { LOST, createQueue } = await web('queue.js');

function setUp() {
  const heard = [];
  const disorder = [];
  const queue = createQueue({ onMess: (...mess) => heard.push(mess), onDisorder: (why) => disorder.push(why) });
  const take = (...lines) => lines.forEach((line) => queue.take(line));
  return { queue, take, heard, disorder };
}

test('answers come in the order of the commands', async () => {
  const { queue, take } = setUp();
  const answers = [queue.expect('#whoami'), queue.expect('#joingroup'), queue.expect('#archstatus')];
  take('@ret #whoami bob Home 1 - 0', '@status 3201', '@ret #archstatus 7');
  assert.deepEqual(await answers[0], { status: 0, values: ['bob', 'Home', '1', '-', '0'], rows: [] });
  assert.equal((await answers[1]).status, 3201);
  assert.deepEqual((await answers[2]).values, ['7']);
});

test('a message between two answers goes its own way', async () => {
  const { queue, take, heard } = setUp();
  const answer = queue.expect('#whoami');
  take('@mess #sendto amy "hi \\"you\\""', '@ret #whoami bob Home 1 - 0', '@mess #notice "I am here."');
  assert.deepEqual(heard, [['#sendto', 'amy', 'hi "you"'], ['#notice', '', 'I am here.']]);
  assert.equal((await answer).status, 0);
});

test('rows are counted, whatever they look like', async () => {
  const { queue, take, heard, disorder } = setUp();
  const text = queue.expect('#getmessage');
  const next = queue.expect('#leavegroup');
  take('@ret #getmessage title 4 1 0 0 10', '@status 0', '@mess #broadcast amy "no"', '@ret #whoami', '', '@status 0');
  assert.deepEqual((await text).rows, ['@status 0', '@mess #broadcast amy "no"', '@ret #whoami', '']);
  assert.equal((await next).status, 0);
  assert.deepEqual([heard, disorder], [[], []]);
});

test('an empty list is answered by its head alone', async () => {
  const { queue, take } = setUp();
  const answer = queue.expect('#listgroups');
  take('@ret #listgroups 0');
  assert.deepEqual((await answer).rows, []);
});

test('an error in place of a list has no rows', async () => {
  const { queue, take } = setUp();
  const [list, next] = [queue.expect('#listmessages'), queue.expect('#leavegroup')];
  take('@status 3200', '@status 0');
  assert.equal((await list).status, 3200);
  assert.equal((await next).status, 0);
});

test('one\'s own message answers a broadcast, another\'s does not', async () => {
  const { queue, take } = setUp();
  const said = queue.expectBroadcast('Bob');
  let isDone = false;
  said.then(() => { isDone = true; });
  take('@mess #broadcast amy "hi"');
  await Promise.resolve();
  assert.equal(isDone, false);
  take('@mess #broadcast bob "hi"');
  assert.equal((await said).status, 0);
});

test('a status while a broadcast is first is the broadcast\'s error', async () => {
  const { queue, take } = setUp();
  const [said, next] = [queue.expectBroadcast('bob'), queue.expect('#whoami')];
  take('@status -1', '@ret #whoami bob Home 1 - 0');
  assert.equal((await said).status, -1);
  assert.equal((await next).status, 0);
});

test('an answer is seen at once, before the line behind it is read', () => {
  const { queue, take, heard } = setUp();
  const order = [];
  queue.expect('#changeroom', 0, () => order.push(`answer, ${heard.length} heard`));
  take('@status 0', '@mess #broadcast amy "in the new room"');
  assert.deepEqual(order, ['answer, 0 heard']);
});

test('who waits when the connection goes hears that it is lost, also within a list', async () => {
  const { queue, take } = setUp();
  const answers = [queue.expect('#listrooms'), queue.expect('#whoami'), queue.expectBroadcast('bob')];
  take('@ret #listrooms 2', 'Home - 1 0 pub anon');
  queue.abandon();
  for (const answer of answers) assert.equal((await answer).status, LOST);
  assert.equal(queue.oldest(), null);
});

test('a line that fits nothing is disorder', () => {
  for (const line of ['@status 0', '@ret #whoami bob', 'stray', '@status x', '@ret #listrooms many']) {
    const { queue, take, disorder } = setUp();
    if (line.includes('listrooms')) queue.expect('#listrooms');
    take(line);
    assert.equal(disorder.length, 1, line);
  }
});

test('the oldest expectation tells since when it waits', () => {
  const { queue, take } = setUp();
  assert.equal(queue.oldest(), null);
  queue.expect('#leavegroup', 5);
  queue.expect('#leavegroup', 9);
  assert.equal(queue.oldest(), 5);
  take('@status 0');
  assert.equal(queue.oldest(), 9);
});
