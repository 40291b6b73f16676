import assert from 'node:assert/strict';
import test from 'node:test';
import { web } from './web.js';

const lines = await web('lines.js');

test('blanks and tabs part words', () => {
  assert.deepEqual(lines.wordsOf('  a \t b  '), ['a', 'b']);
  assert.deepEqual(lines.wordsOf(''), []);
});

test('a quoted word runs to the next quote that is not escaped', () => {
  assert.deepEqual(lines.wordsOf(String.raw`"chess club" "a \"b\" \\ c" ""`), ['chess club', 'a "b" \\ c', '']);
});

test('a backslash before anything else is itself', () => {
  assert.deepEqual(lines.wordsOf(String.raw`"a\b"`), [String.raw`a\b`]);
});

test('a quote inside a bare word is an ordinary character', () => {
  assert.deepEqual(lines.wordsOf('a"b c'), ['a"b', 'c']);
});

test('an unclosed quote and a stuck one make a line malformed', () => {
  assert.equal(lines.wordsOf('a "b'), null);
  assert.equal(lines.wordsOf('"a"b'), null);
  assert.equal(lines.wordsOf('"a\\"'), null);
});

test('what is quoted is read back as it was', () => {
  for (const text of ['', 'a', '"', '\\', '\\"', 'a\\', '"" \\\\', 'مرحبا', '<script>alert(1)</script>', 'tab\tin it']) {
    assert.deepEqual(lines.wordsOf(lines.quoted(text)), [text]);
  }
});

test('nothing that is sent can end a line or work a terminal', () => {
  assert.equal(lines.quoted('a\r\nb\u0000\u001b[2J\u007f\u0085'), '"ab[2J"');
});

test('half a surrogate pair becomes a replacement character, a whole one stays', () => {
  assert.equal(lines.withoutControls('a\ud83d'), 'a\ufffd');
  assert.equal(lines.withoutControls('\ude00b'), '\ufffdb');
  assert.equal(lines.withoutControls('😀'), '😀');
});

test('numbers travel bare, words quoted', () => {
  assert.equal(lines.commandLine('#createroom', 'a b', '', 'anon'), '#createroom "a b" "" "anon"');
  assert.equal(lines.commandLine('#history', 50), '#history 50');
});

test('a line fits at 1000 bytes with its end, and not at 1001', () => {
  const room = 1000 - 2 - '#broadcast ""'.length;
  assert.equal(lines.bytesLeft(lines.commandLine('#broadcast', 'x'.repeat(room))), 0);
  assert.equal(lines.lineFits(lines.commandLine('#broadcast', 'x'.repeat(room))), true);
  assert.equal(lines.lineFits(lines.commandLine('#broadcast', 'x'.repeat(room + 1))), false);
});

test('bytes are counted, not characters, and escapes with them', () => {
  assert.equal(lines.byteCount('ä😀'), 6);
  assert.equal(lines.bytesLeft('""') - lines.bytesLeft(lines.quoted('"\\')), 4);
});

test('a text is cut between characters', () => {
  assert.equal(lines.firstBytes('aä😀', 3), 'aä');
  assert.equal(lines.firstBytes('aä😀', 6), 'aä');
  assert.equal(lines.firstBytes('aä😀', 7), 'aä😀');
});

test('names are compared without regard to ASCII case, and to no other', () => {
  assert.ok(lines.sameName('Bob', 'bOB'));
  assert.ok(!lines.sameName('Ä', 'ä'));
});
