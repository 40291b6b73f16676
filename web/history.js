// Fits the server's history of a room to what this page has seen of it, so that a gap is filled and
// nothing stands there twice.

import { sameName } from './lines.js';

// Only so many of the last rows can stand in a history, and the comparison below is quadratic.
const ROWS_COMPARED_MAX = 200;

// `rows`: what is shown, oldest first; of these only broadcasts of this room (`kind: 'said'`) can be
// in a history. `history`: { at, from, text }, oldest first. Returns the rows with what was missing
// put in by `makeRow`, and with the server's time on all that the server has told. Where the history
// begins behind what was seen, more may have been said between them than it holds: there stands what
// `makeGap` makes.
//
// Both are pieces of one sequence, but either may lack some of it: this page what was said while it
// was away, the server what a crash took. The longest common subsequence says what is the same.
export function withHistory(rows, history, makeRow, makeGap) {
  const start = Math.max(0, rows.length - ROWS_COMPARED_MAX);
  const said = [];
  for (let i = start; i < rows.length; i += 1) if (rows[i].kind === 'said') said.push(i);
  const pairs = commonPairs(said.map((i) => rows[i]), history);

  const merged = rows.slice(0, start);
  let nextRow = start;
  let nextHistory = 0;
  for (const [s, h] of [...pairs, [said.length, history.length]]) {
    const upTo = s < said.length ? said[s] : rows.length;
    // What only this page has seen is older than what only the server knows: it was here first.
    merged.push(...rows.slice(nextRow, upTo));
    const isBegin = nextHistory === 0 && h > 0;
    if (isBegin && said.slice(0, s).some((i) => rows[i].state === 'sent')) merged.push(makeGap());
    merged.push(...history.slice(nextHistory, h).map(makeRow));
    if (s < said.length) merged.push({ ...rows[upTo], at: history[h].at ?? rows[upTo].at, told: true, state: 'sent' });
    nextRow = upTo + 1;
    nextHistory = h + 1;
  }
  return merged;
}

function commonPairs(said, history) {
  const lengths = Array.from({ length: said.length + 1 }, () => new Uint16Array(history.length + 1));
  for (let s = said.length - 1; s >= 0; s -= 1) {
    for (let h = history.length - 1; h >= 0; h -= 1) {
      const matched = same(said[s], history[h]) ? lengths[s + 1][h + 1] + 1 : 0;
      lengths[s][h] = Math.max(matched, lengths[s + 1][h], lengths[s][h + 1]);
    }
  }
  const pairs = [];
  let [s, h] = [0, 0];
  while (s < said.length && h < history.length) {
    if (same(said[s], history[h]) && lengths[s][h] === lengths[s + 1][h + 1] + 1) {
      pairs.push([s, h]);
      s += 1;
      h += 1;
    } else if (lengths[s + 1][h] >= lengths[s][h + 1]) s += 1;
    else h += 1;
  }
  return pairs;
}

// A row that the server has told before carries the server's time, and then the time must agree.
function same(row, told) {
  if (row.told && row.at !== null && told.at !== null && row.at !== told.at) return false;
  return row.text === told.text && sameName(row.from, told.from);
}
