// What would be sent, and whether it can be: counted in bytes, quotes and escapes included. Nothing
// is ever cut off or split without saying so.

import { bytesLeft, commandLine, withoutControls } from './lines.js';
import { saidLines } from './texts.js';
import { counted } from './times.js';

// More in one go would only make a server slow down; and it is likely a mistake of pasting.
export const MESSAGES_MAX = 20;
const BYTES_SHOWN_FROM = 150;

// `receivers`: names of who gets it by #sendto; none means everybody. Returns { texts, left, problem, hint }.
export function weigh(draft, receivers) {
  const texts = saidLines(withoutControlsButBreaks(draft));
  const left = texts.map((text) => bytesLeftFor(text, receivers));
  const least = Math.min(...left);
  const problem = problemOf(texts, left);
  return { texts, problem, hint: problem || hintOf(texts, least) };
}

function withoutControlsButBreaks(draft) {
  return draft.split(/\r\n?|\n/).map(withoutControls).join('\n');
}

function bytesLeftFor(text, receivers) {
  if (receivers.length === 0) return bytesLeft(commandLine('#broadcast', text));
  return Math.min(...receivers.map((name) => bytesLeft(commandLine('#sendto', name, text))));
}

function problemOf(texts, left) {
  if (texts.length > MESSAGES_MAX) return `These are ${texts.length} lines; at most ${MESSAGES_MAX} can be sent at once.`;
  const tooLong = left.findIndex((bytes) => bytes < 0);
  if (tooLong === -1) return '';
  const where = texts.length > 1 ? `Line ${tooLong + 1} is ` : '';
  return `${where}${counted(-left[tooLong], 'byte', 'bytes')} too long. Shorten it; nothing is cut off.`;
}

function hintOf(texts, least) {
  const parts = [];
  if (texts.length > 1) parts.push(`${texts.length} lines: each is sent as a message of its own`);
  if (least < BYTES_SHOWN_FROM) parts.push(`${counted(least, 'byte', 'bytes')} left`);
  return parts.join(' · ');
}
