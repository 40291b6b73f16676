// How long to wait before the next attempt to connect: short at first, since most losses are; then
// longer, so that a server that comes back is not run over by everybody at once.

const PAUSES_SECONDS = [1, 2, 4, 8, 15, 30];

// `random` is a number from 0 to 1; it spreads the attempts over half of the pause.
export function pauseMilliseconds(attempt, random) {
  const seconds = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)];
  return Math.round(seconds * 1000 * (0.75 + random / 2));
}
