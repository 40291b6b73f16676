// Which rows of a chat are shown, and how they belong together. No elements, only decisions.

import { sameName } from './lines.js';
import { sameDay } from './times.js';

// Rows of one person closer than this stand under one name.
const TOGETHER_MILLISECONDS = 5 * 60 * 1000;

// Returns what is to be shown: { key, day } for a line with a date, { key, row, follows } for a row.
export function shownRows(rows, isIgnored, now) {
  const shown = [];
  let before = null;
  let day = now;
  for (const row of rows) {
    if (!row.mine && row.from !== '' && isIgnored(row.from)) continue;
    if (row.at !== null && !sameDay(row.at, day)) {
      shown.push({ key: `day-${row.id}`, day: row.at });
      day = row.at;
      before = null;
    }
    shown.push({ key: row.id, row, follows: before !== null && follows(row, before) });
    before = row;
  }
  return shown;
}

function follows(row, before) {
  if (row.kind === 'note' || row.kind !== before.kind || !sameName(row.from, before.from)) return false;
  if (before.state !== 'sent' || row.kind === 'friends') return false;
  if (row.at === null || before.at === null) return row.at === before.at;
  return Math.abs(row.at - before.at) < TOGETHER_MILLISECONDS;
}
