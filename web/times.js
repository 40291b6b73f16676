// Times for people, in their own format.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// `at` in milliseconds; null, when nobody knows it, is no text.
export function timeOfDay(at, locale) {
  if (at === null) return '';
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function dayOf(at, now, locale) {
  if (at === null) return '';
  const days = Math.round((midnight(now) - midnight(at)) / (DAY * 1000));
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

export function sameDay(one, other) {
  return midnight(one) === midnight(other);
}

function midnight(at) {
  const date = new Date(at);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

// How long is left, in the largest unit that fits; never more than is left.
export function timeLeft(seconds) {
  if (seconds >= 2 * DAY) return `${Math.floor(seconds / DAY)} days left`;
  if (seconds >= 2 * HOUR) return `${Math.floor(seconds / HOUR)} hours left`;
  if (seconds >= 2 * MINUTE) return `${Math.floor(seconds / MINUTE)} min left`;
  if (seconds >= MINUTE) return '1 min left';
  return 'seconds left';
}

// What is left now of what was left when it was listed.
export function secondsNow(seconds, listedAt, now) {
  return Math.max(0, seconds - Math.floor((now - listedAt) / 1000));
}

export function counted(count, one, many) {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}
