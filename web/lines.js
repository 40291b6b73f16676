// The protocol's lines: words, quotes, escapes and how many bytes all that takes.
// Knows nothing of which commands there are, nor of how lines travel.

// The server's input buffer, line end included. A longer line closes the connection.
export const LINE_BYTES_MAX = 1000;
export const NAME_BYTES_MAX = 30;
export const PASSWORD_BYTES_MAX = 64;
export const LINE_END = '\r\n';

const encoder = new TextEncoder();

export function byteCount(text) {
  return encoder.encode(text).length;
}

// Control characters that the server would take out, or would take for keys of a terminal
// (backspace, ^U, ^W). Line breaks count as such: who wants several lines cuts them first.
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

export function withoutControls(text) {
  // A lone surrogate cannot be written as UTF-8; the socket would make it U+FFFD anyway.
  return text.replace(CONTROLS, '').replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

export function quoted(text) {
  return '"' + withoutControls(text).replace(/["\\]/g, '\\$&') + '"';
}

// A line that makes the server read `words`. Every word but the command is quoted: so a name may be
// empty, have blanks, or begin with a quote, and nobody has to think about it.
export function commandLine(command, ...words) {
  return [command, ...words.map((word) => (typeof word === 'number' ? String(word) : quoted(String(word))))].join(' ');
}

export function lineFits(line) {
  return byteCount(line) + LINE_END.length <= LINE_BYTES_MAX;
}

// How many bytes may still be typed before the line no longer fits; negative when it is too long.
export function bytesLeft(line) {
  return LINE_BYTES_MAX - LINE_END.length - byteCount(line);
}

// The words of a line, or null when a quote is not closed or something sticks to a closing one.
export function wordsOf(line) {
  const words = [];
  let at = 0;
  for (;;) {
    while (isBlank(line[at])) at += 1;
    if (at >= line.length) return words;
    const word = line[at] === '"' ? quotedWordAt(line, at + 1) : bareWordAt(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
}

function bareWordAt(line, start) {
  let end = start;
  while (end < line.length && !isBlank(line[end])) end += 1;
  return { text: line.slice(start, end), end };
}

function quotedWordAt(line, start) {
  let text = '';
  let at = start;
  while (at < line.length && line[at] !== '"') {
    if (line[at] === '\\' && (line[at + 1] === '"' || line[at + 1] === '\\')) at += 1;
    text += line[at];
    at += 1;
  }
  if (at >= line.length) return null;
  at += 1;
  if (at < line.length && !isBlank(line[at])) return null;
  return { text, end: at };
}

function isBlank(character) {
  return character === ' ' || character === '\t';
}

// Names are compared as the server does: without regard to ASCII case, and to no other.
export function nameKey(name) {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function sameName(one, other) {
  return nameKey(one) === nameKey(other);
}

// Cuts a text to so many bytes without cutting a character in two. Only for what the writer sees
// before it is sent, such as the title that is proposed for a reply.
export function firstBytes(text, bytesMax) {
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += byteCount(character);
    if (used > bytesMax) break;
    kept += character;
  }
  return kept;
}
