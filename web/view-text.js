// A text with its links, as nodes.

import { element } from './dom.js';
import { piecesOf } from './texts.js';

export function textNodes(text) {
  return piecesOf(text).map((piece) =>
    piece.href === null
      ? document.createTextNode(piece.text)
      : element('a', { href: piece.href, target: '_blank', rel: 'noopener noreferrer' }, piece.text),
  );
}
