// Times of day and dates, in the format of a place.

import assert from 'node:assert/strict';
import test from 'node:test';
import { web } from './web.js';

// A place where clocks are put forward and back.
process.env.TZ = 'Europe/Berlin';

const { dayOf, timeOfDay } = await web('times.js');

test('a day before yesterday has its date, in the words of its place', () => {
  const noon = new Date(2026, 5, 2, 12).getTime();
  const before = new Date(2025, 11, 24, 23, 59).getTime();
  assert.equal(dayOf(before, noon, 'en-GB'), 'Wednesday, 24 December 2025');
  assert.equal(dayOf(before, noon, 'de'), 'Mittwoch, 24. Dezember 2025');
  assert.match(dayOf(new Date(2026, 4, 31, 23, 59).getTime(), noon, 'en-GB'), /^Sunday/);
});

test('a day has a name also where a clock is put forward or back', () => {
  const days = Array.from({ length: 365 }, (_, i) => new Date(2026, 0, 1 + i, 0, 30).getTime());
  for (const [i, day] of days.entries()) if (i > 0) assert.equal(dayOf(days[i - 1], day), 'Yesterday', new Date(day).toString());
});

test('a time of day has hours and minutes, in the format of its place', () => {
  const at = new Date(2026, 5, 2, 15, 4, 59).getTime();
  assert.equal(timeOfDay(at, 'en-GB'), '15:04');
  assert.match(timeOfDay(at, 'en-US'), /^03:04\sPM$/);
  assert.equal(timeOfDay(null, 'en-GB'), '');
});
