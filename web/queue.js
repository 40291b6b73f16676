// The queue of expected answers. The server answers every command in order, so the first expectation
// that waits is always the one that a line belongs to. `@mess` lines come between answers, never
// inside one: while the rows of a list are counted, every line is a row, whatever it looks like.

import { sameName, wordsOf } from './lines.js';

// What stands in place of a status number when the connection ended before the answer came.
export const LOST = 'lost';

// How the answer of a command looks when it is not an error. What is not here is a plain @status.
const SHAPES = {
  '#whoami': { rows: () => 0 },
  '#challenge': { rows: () => 0 },
  '#archstatus': { rows: () => 0 },
  '#roomstatus': { rows: () => 0 },
  '#userstatus': { rows: () => 0 },
  '#groupstatus': { rows: () => 0 },
  '#messagestatus': { rows: () => 0 },
  '#listrooms': { rows: (values) => Number(values[0]) },
  '#listusers': { rows: (values) => Number(values[0]) },
  '#listgroups': { rows: (values) => Number(values[0]) },
  '#listmessages': { rows: (values) => Number(values[0]) },
  '#history': { rows: (values) => Number(values[0]) },
  '#help': { rows: (values) => Number(values[0]) },
  // NAME PARTS ID PARENT REPLIES SECS
  '#getmessage': { rows: (values) => Number(values[1]) },
};

// `onMess(kind, sender or '', text)` gets what nobody asked for. `onDisorder(why)` is told once when
// a line fits nothing: the two sides no longer agree where they are, and only a new connection helps.
export function createQueue({ onMess, onDisorder }) {
  let waiting = [];
  let unfinished = null;

  // Resolves with { status, values, rows }: status 0 and the words behind the command's name, or the
  // number of the error. `since` lets others see how long the oldest expectation has waited.
  // `atOnce` sees the answer before the next line is read: a promise is told only after it, too late
  // for an answer that changes what the lines behind it mean.
  function expect(command, since = 0, atOnce = () => {}) {
    return new Promise((resolve) => {
      const settle = (answer) => {
        atOnce(answer);
        resolve(answer);
      };
      waiting.push({ command, since, resolve: settle });
    });
  }

  // A broadcast that succeeds has no answer; the sender's own @mess line stands for it.
  function expectBroadcast(sender, since = 0) {
    return new Promise((resolve) => waiting.push({ command: '#broadcast', sender, since, resolve }));
  }

  function take(line) {
    if (unfinished) takeRow(line);
    else if (line.startsWith('@mess ')) takeMess(line);
    else if (line.startsWith('@status ')) takeStatus(line);
    else if (line.startsWith('@ret ')) takeHead(line);
    else onDisorder(`a line that is no answer: ${line}`);
  }

  function takeMess(line) {
    const [, kind, ...rest] = wordsOf(line) ?? [];
    if (!kind) return onDisorder(`a message that cannot be read: ${line}`);
    const [sender, text] = rest.length > 1 ? rest : ['', rest[0] ?? ''];
    if (kind === '#broadcast') settleBroadcast(sender);
    onMess(kind, sender, text);
  }

  function settleBroadcast(sender) {
    const place = waiting.findIndex((one) => one.sender !== undefined && sameName(one.sender, sender));
    if (place === -1) return;
    const [broadcast] = waiting.splice(place, 1);
    broadcast.resolve(answer(0));
  }

  function takeStatus(line) {
    const status = Number(line.slice('@status '.length));
    const first = waiting.shift();
    if (!first || !Number.isInteger(status)) return onDisorder(`a status that nobody asked for: ${line}`);
    first.resolve(answer(status));
  }

  function takeHead(line) {
    const [, command, ...values] = wordsOf(line) ?? [];
    const first = waiting[0];
    if (!first || first.command !== command) return onDisorder(`an answer that nobody asked for: ${line}`);
    const rowCount = SHAPES[command] ? SHAPES[command].rows(values) : 0;
    if (!Number.isInteger(rowCount) || rowCount < 0) return onDisorder(`a list without its length: ${line}`);
    waiting.shift();
    if (rowCount === 0) return first.resolve(answer(0, values));
    unfinished = { expected: first, values, rowCount, rows: [] };
  }

  function takeRow(line) {
    unfinished.rows.push(line);
    if (unfinished.rows.length < unfinished.rowCount) return;
    const { expected, values, rows } = unfinished;
    unfinished = null;
    expected.resolve(answer(0, values, rows));
  }

  // The connection is gone: whoever waits hears it, and the queue is as new.
  function abandon() {
    const left = unfinished ? [unfinished.expected, ...waiting] : waiting;
    waiting = [];
    unfinished = null;
    left.forEach((one) => one.resolve(answer(LOST)));
  }

  // When the answer was asked for that has waited longest, or null when none is due.
  function oldest() {
    if (unfinished) return unfinished.expected.since;
    return waiting.length > 0 ? waiting[0].since : null;
  }

  return { expect, expectBroadcast, take, abandon, oldest };
}

function answer(status, values = [], rows = []) {
  return { status, values, rows };
}
