// Who one is on the server, and keeping it: logging in, asking, and coming back after a loss.
// Knows nothing of rooms and groups; who does, listens to `entered`.

import { openConnection } from './connection.js';
import { commandLine } from './lines.js';
import { md5Hex } from './md5.js';
import { pauseMilliseconds } from './pauses.js';
import { LOST, createQueue } from './queue.js';
import { NAME_IN_USE, WRONG_PASSWORD, sentence } from './status.js';
import { createTopic } from './topic.js';

// An answer that takes longer than this does not come any more: the network has gone without a word.
export const ANSWER_SECONDS_MAX = 20;
// Wrong passwords make a server answer late on purpose.
const LOGIN_SECONDS_MAX = 90;
// A warning and a close so soon after coming back: somebody else wants this name. Do not fight.
const FIGHT_MILLISECONDS = 15_000;
// Close codes after which it is right to come back even though the server said why it closes:
// going away, no code at all, restart.
const COME_BACK_CODES = [1001, 1006, 1012];
// How long a connection may take to open.
const OPEN_MILLISECONDS_MAX = 10_000;
const NOTHING = { status: LOST, values: [], rows: [] };

// Phases: 'out' (nobody yet), 'entering', 'in', 'lost' (coming back), 'closed' (the server does not
// want us; only the person decides to try again).
export function createSession({ url, makeSocket, now, setTimer, clearTimer, random }) {
  const changed = createTopic();
  const mess = createTopic();
  const entered = createTopic();
  const lost = createTopic();
  const state = { phase: 'out', name: '', kind: '', notice: '', retryAt: 0, attempt: 0 };

  let connection = null;
  let queue = null;
  let unsent = [];
  // Kept in memory alone, to come back without asking again.
  let credentials = null;
  let retryTimer = null;
  let watchTimer = null;
  let lastWarning = '';
  let enteredAt = 0;

  function become(changes) {
    Object.assign(state, changes);
    changed.tell();
  }

  // ---- asking -------------------------------------------------------------------------------

  // `head` is the command, with the words that are always the same: '#login anon'.
  function ask(head, ...words) {
    return askWith({}, head, ...words);
  }

  // `body`: lines that travel raw, directly behind their command. `atOnce`: see `queue.js`.
  function askWith({ body = [], atOnce }, head, ...words) {
    if (!queue) return Promise.resolve({ ...NOTHING });
    const answer = queue.expect(head.split(' ')[0], now(), atOnce);
    push(commandLine(head, ...words), ...body);
    return answer;
  }

  function broadcast(text) {
    if (!queue) return Promise.resolve({ ...NOTHING });
    const answer = queue.expectBroadcast(state.name, now());
    push(commandLine('#broadcast', text));
    return answer;
  }

  // What is asked in one go travels in one message.
  function push(...lines) {
    if (unsent.length === 0) queueMicrotask(flush);
    unsent.push(...lines);
  }

  function flush() {
    connection?.send(unsent);
    unsent = [];
  }

  // ---- one connection -----------------------------------------------------------------------

  // Resolves with true once lines can be sent, with false when it came to nothing.
  function connect() {
    lastWarning = '';
    return new Promise((resolve) => {
      const own = openConnection({
        url,
        makeSocket,
        onOpen: () => {
          clearTimer(openTimer);
          resolve(true);
        },
        onLine: (line) => queue.take(line),
        onEnd: ({ code }) => {
          clearTimer(openTimer);
          resolve(false);
          if (connection === own) ended(code);
        },
      });
      const openTimer = setTimer(own.close, OPEN_MILLISECONDS_MAX);
      connection = own;
      queue = createQueue({
        onMess: (kind, sender, text) => {
          lastWarning = kind === '#warning' ? text : '';
          mess.tell(kind, sender, text);
        },
        onDisorder: () => own.close(),
      });
      watchTimer = setTimer(watch, 5000);
    });
  }

  function drop() {
    const [old, oldQueue] = [connection, queue];
    connection = null;
    queue = null;
    unsent = [];
    clearTimer(watchTimer);
    old?.close();
    oldQueue?.abandon();
  }

  // A connection can die without being closed. Somebody who waits for an answer finds out.
  function watch() {
    const secondsMax = state.phase === 'in' ? ANSWER_SECONDS_MAX : LOGIN_SECONDS_MAX;
    const oldest = queue?.oldest() ?? null;
    if (oldest !== null && now() - oldest > secondsMax * 1000) return connection.close();
    watchTimer = setTimer(watch, 5000);
  }

  function ended(code) {
    const warning = lastWarning;
    const wasIn = state.phase === 'in';
    drop();
    if (!wasIn) return;
    const fight = warning !== '' && now() - enteredAt < FIGHT_MILLISECONDS && state.attempt > 0;
    if (warning !== '' && (fight || !COME_BACK_CODES.includes(code))) {
      become({ phase: 'closed', notice: warning });
      return;
    }
    become({ phase: 'lost', notice: warning, attempt: 0 });
    lost.tell();
    retryLater();
  }

  // ---- logging in ---------------------------------------------------------------------------

  // `who`: { how: 'anon' | 'regd' | 'make', name, password, realName, email, plain }. Resolves with
  // the sentence that says what is wrong and the field it belongs to, or with null.
  async function enter(who) {
    leaveQuietly();
    become({ phase: 'entering', notice: '' });
    const problem = (await connect()) ? await logIn(who) : unreachable();
    if (problem) {
      drop();
      become({ phase: 'out' });
      return problem;
    }
    cameIn(who, false);
    return null;
  }

  function unreachable() {
    return { text: 'The server cannot be reached. Is this device in the right network?', field: null, status: LOST };
  }

  async function logIn(who) {
    if (who.how === 'make') return makeAccount(who);
    const { status } = who.how === 'regd' ? await proveAccount(who) : await ask('#login anon', who.name);
    return status === 0 ? null : loginProblem(status, 'login');
  }

  // The password itself stays here; what crosses the network is good for one login.
  async function proveAccount({ name, password, plain }) {
    if (plain) return ask('#login regd', name, password);
    const challenge = await ask('#challenge');
    if (challenge.status !== 0) return challenge;
    return ask('#login regd', name, md5Hex(challenge.values[0] + password));
  }

  // Only who is logged in can make an account, and a name without one will do for that.
  async function makeAccount({ name, password, realName, email }) {
    const asGuest = await ask('#login anon', name);
    if (asGuest.status !== 0) return loginProblem(asGuest.status, 'account');
    const made = await ask('#createlogin', name, password, realName, email);
    if (made.status !== 0) return loginProblem(made.status, 'account');
    const { status } = await becomeAccount({ name, password });
    return status === 0 ? null : loginProblem(status, 'login');
  }

  // A server that keeps only hashes of passwords cannot check a challenge. The password has just
  // crossed this very connection, so nothing is lost by sending it once more.
  async function becomeAccount({ name, password }) {
    const proved = await proveAccount({ name, password });
    if (proved.status !== WRONG_PASSWORD) return proved;
    return proveAccount({ name, password, plain: true });
  }

  function loginProblem(status, place) {
    const field = status === WRONG_PASSWORD ? 'password' : status === LOST ? null : 'name';
    const text = status === LOST && lastWarning ? lastWarning : sentence(status, place);
    return { text, field, status };
  }

  function cameIn(who, again) {
    const kind = who.how === 'anon' ? 'anon' : 'regd';
    credentials = { ...who, how: kind };
    enteredAt = now();
    become({ phase: 'in', name: who.name, kind, notice: '', attempt: again ? state.attempt : 0 });
    entered.tell({ again });
  }

  // Somebody without an account makes one while being here, and goes on as that account.
  async function upgrade({ password, realName, email }) {
    const made = await ask('#createlogin', state.name, password, realName, email);
    if (made.status !== 0) return sentence(made.status, 'account');
    const { status } = await becomeAccount({ name: state.name, password });
    if (status !== 0) return sentence(status, 'login');
    cameIn({ how: 'regd', name: state.name, password }, true);
    return null;
  }

  async function changePassword(fresh, old) {
    const { status } = await ask('#changepass', fresh, old);
    if (status !== 0) return sentence(status, 'password');
    credentials.password = fresh;
    return null;
  }

  async function removeAccount() {
    const { status } = await ask('#rmlogin');
    if (status !== 0) return sentence(status);
    leave();
    return null;
  }

  // ---- coming back --------------------------------------------------------------------------

  function retryLater() {
    const pause = pauseMilliseconds(state.attempt, random());
    become({ retryAt: now() + pause });
    clearTimer(retryTimer);
    retryTimer = setTimer(retry, pause);
  }

  async function retry() {
    if (state.phase !== 'lost') return;
    clearTimer(retryTimer);
    become({ attempt: state.attempt + 1, retryAt: 0 });
    const problem = (await connect()) ? await logIn(credentials) : unreachable();
    if (state.phase !== 'lost') return;
    if (!problem) return cameIn(credentials, true);
    drop();
    comeBackLaterOrNot(problem);
  }

  // The server may not have noticed yet that the old connection is gone, so a name that is in use
  // is likely one's own.
  function comeBackLaterOrNot({ text, status }) {
    if (status === LOST) return retryLater();
    if (status === NAME_IN_USE && credentials.how === 'anon') {
      become({ notice: 'Your old connection still holds your name.' });
      return retryLater();
    }
    become({ phase: 'closed', notice: text });
  }

  // Asked for by a person, or because the network has come back.
  function retryNow() {
    const isWaiting = state.phase === 'lost' && state.retryAt !== 0;
    if (!isWaiting && state.phase !== 'closed') return;
    become({ phase: 'lost', attempt: 0 });
    retry();
  }

  function leaveQuietly() {
    clearTimer(retryTimer);
    drop();
    credentials = null;
  }

  function leave() {
    if (state.phase === 'in') connection?.send(['#quit']);
    leaveQuietly();
    become({ phase: 'out', notice: '', attempt: 0 });
  }

  return {
    state, changed, mess, entered, lost,
    ask, askWith, broadcast, enter, upgrade, changePassword, removeAccount, retryNow, leave,
  };
}
