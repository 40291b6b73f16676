import assert from 'node:assert/strict';
import test from 'node:test';
import { web } from './web.js';

const { withHistory } = await web('history.js');

const said = (text, more = {}) => ({ kind: 'said', from: 'amy', text, at: null, told: false, state: 'sent', ...more });
const history = (...texts) => texts.map((text) => ({ from: 'amy', text, at: null }));
const gap = () => said('…', { kind: 'note' });
const merged = (rows, told) => withHistory(rows, told, (row) => said(row.text, { told: true, isNew: true }), gap);
const texts = (rows) => rows.map(({ text, isNew }) => (isNew ? `+${text}` : text)).join(' ');

test('an empty chat takes the whole history', () => {
  assert.equal(texts(merged([], history('a', 'b'))), '+a +b');
});

test('what was heard before the history came is in it once', () => {
  assert.equal(texts(merged([said('c')], history('a', 'b', 'c'))), '+a +b c');
});

test('a gap is filled behind what was seen', () => {
  assert.equal(texts(merged([said('a'), said('b')], history('a', 'b', 'c', 'd'))), 'a b +c +d');
});

test('a gap is filled between what was seen before it and after it', () => {
  assert.equal(texts(merged([said('a'), said('d')], history('a', 'b', 'c', 'd'))), 'a +b +c d');
});

test('equal texts are as many as were said', () => {
  assert.equal(texts(merged([said('ok'), said('ok')], history('ok', 'ok', 'ok'))), 'ok ok +ok');
});

test('what the server has lost in a crash stays, before what is new', () => {
  assert.equal(texts(merged([said('a'), said('lost')], history('a', 'new'))), 'a lost +new');
});

test('an empty history takes nothing away', () => {
  assert.equal(texts(merged([said('a')], [])), 'a');
});

test('a ring that has run over leaves what was seen before it', () => {
  const seen = Array.from({ length: 80 }, (_, i) => said(`s${i}`));
  const told = history(...Array.from({ length: 50 }, (_, i) => `s${i + 40}`));
  assert.equal(merged(seen, told).length, 90);
});

test('notes and private rows keep their place', () => {
  const rows = [said('a'), said('note', { kind: 'note' }), said('b')];
  assert.equal(texts(merged(rows, history('a', 'b', 'c'))), 'a note b +c');
});

test('a row that was told has its time, and another time is another row', () => {
  const rows = [said('ok', { at: 1000, told: true })];
  assert.equal(texts(merged(rows, [{ from: 'amy', text: 'ok', at: 2000 }])), 'ok … +ok');
});

test('a row that was heard takes the server\'s time', () => {
  const [row] = merged([said('a', { at: 5 })], [{ from: 'amy', text: 'a', at: 2000 }]);
  assert.deepEqual([row.at, row.told], [2000, true]);
});

test('a row in doubt that stands in the history has arrived', () => {
  const [row] = merged([said('a', { state: 'doubtful' })], history('a'));
  assert.equal(row.state, 'sent');
});

test('the same text of somebody else is not the same', () => {
  assert.equal(texts(merged([said('a', { from: 'bob' })], history('a'))), 'a … +a');
});

test('a gap that is larger than the history is marked, once, and what is known later stays around it', () => {
  const rows = merged([said('a'), said('b')], history('x', 'y'));
  assert.equal(texts(rows), 'a b … +x +y');
  assert.equal(texts(merged(rows, history('x', 'y', 'z'))), 'a b … +x +y +z');
  assert.equal(texts(merged(rows, history('y', 'z'))), 'a b … +x +y +z');
  assert.equal(texts(merged(rows, history('z'))), 'a b … +x +y … +z');
});

test('a gap is marked also where the newest row of the history was heard before it came', () => {
  assert.equal(texts(merged([said('a'), said('z')], history('x', 'y', 'z'))), 'a … +x +y z');
});

test('nothing is missing before what is seen first, nor where nothing arrived', () => {
  assert.equal(texts(merged([said('c')], history('b', 'c'))), '+b c');
  assert.equal(texts(merged([said('note', { kind: 'note' }), said('lost', { state: 'doubtful' })], history('b'))), 'note lost +b');
});
