// A text as pieces: plain ones and links. What a user sends is never taken as HTML; a link is only
// what names http or https.

// A link ends at a blank, a quote, an angle bracket or a mark that turns the direction of writing:
// with such a mark inside, it could show another address than it leads to.
const LINK = /\bhttps?:\/\/[^\s<>"\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/gi;
// Signs that end a sentence rather than an address.
const TAIL = /[.,;:!?'’”»…]+$/;

// Returns [{ text, href }], href null for plain text; joined, the texts are the text.
export function piecesOf(text) {
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const address = withoutTail(match[0]);
    const href = hrefOf(address);
    if (href === null) continue;
    if (match.index > done) pieces.push({ text: text.slice(done, match.index), href: null });
    pieces.push({ text: address, href });
    done = match.index + address.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), href: null });
  return pieces;
}

function withoutTail(address) {
  let kept = address.replace(TAIL, '');
  // A closing bracket belongs to the address only if it was opened there.
  while (kept.endsWith(')') && count(kept, ')') > count(kept, '(')) kept = kept.slice(0, -1).replace(TAIL, '');
  return kept;
}

function count(text, character) {
  return text.split(character).length - 1;
}

function hrefOf(address) {
  try {
    const { protocol, href, hostname } = new URL(address);
    return (protocol === 'http:' || protocol === 'https:') && hostname !== '' ? href : null;
  } catch {
    return null;
  }
}

// A name from somebody else within a sentence of ours, in places where there is no markup: its
// direction of writing must not turn the rest around.
export function isolated(name) {
  return `\u2068${name}\u2069`;
}

// The messages that a typed text becomes: the protocol has one line for each.
export function saidLines(text) {
  return text.split(/\r\n?|\n/).filter((line) => line.trim() !== '');
}
