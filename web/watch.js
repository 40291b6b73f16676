// Keeps what is shown current: asks the five status numbers now and then, and fetches a list only
// when its number has changed.

const SECONDS_SEEN = 4;
const SECONDS_HIDDEN = 30;

// `lists`: for each status command, the functions that fetch what its number stands for.
export function createWatch({ session, lists, isWanted, isSeen, setTimer, clearTimer }) {
  const known = new Map();
  let timer = null;
  let isAsking = false;
  let epoch = 0;

  async function look() {
    if (isAsking || session.state.phase !== 'in') return;
    isAsking = true;
    const commands = Object.keys(lists).filter(isWanted);
    const askedIn = epoch;
    const answers = await Promise.all(commands.map((command) => session.ask(command)));
    isAsking = false;
    if (askedIn !== epoch) return look();
    const fetches = new Set();
    commands.forEach((command, i) => {
      if (answers[i].status !== 0 || known.get(command) === answers[i].values[0]) return;
      known.set(command, answers[i].values[0]);
      lists[command].forEach((fetch) => fetches.add(fetch));
    });
    fetches.forEach((fetch) => fetch());
  }

  // The number of a room or a group means nothing in another one.
  function forget(...commands) {
    epoch += 1;
    (commands.length > 0 ? commands : Object.keys(lists)).forEach((command) => known.delete(command));
  }

  function start() {
    stop();
    look();
    timer = setTimer(start, (isSeen() ? SECONDS_SEEN : SECONDS_HIDDEN) * 1000);
  }

  function stop() {
    clearTimer(timer);
  }

  return { start, stop, look, forget };
}
