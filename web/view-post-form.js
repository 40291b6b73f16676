// The form for a new message and for a reply.

import { TEXT_LINES_MAX, linesOf } from './board.js';
import { inlineForm } from './forms.js';
import { LINE_BYTES_MAX, NAME_BYTES_MAX, bytesLeft, firstBytes } from './lines.js';
import { LIFETIMES } from './view-groups.js';

// `parent`: the message that is replied to, or null.
export function postForm({ parent, post, onClose }) {
  const title = { name: 'title', label: 'Title', bytesMax: NAME_BYTES_MAX, value: parent ? replyTitle(parent.name) : '' };
  const text = { name: 'text', label: 'Text', type: 'long', rows: parent ? 4 : 6, optional: true, check: textProblem,
    hint: 'As many lines as you like, up to 100.' };
  const seconds = { name: 'seconds', label: 'Stays', type: 'choice', choices: LIFETIMES, value: '0' };
  return inlineForm({
    title: parent ? 'Reply' : 'New message',
    fields: parent ? [title, text] : [title, text, seconds],
    action: parent ? 'Post reply' : 'Post',
    act: (values) => post({ ...values, parent: parent ? parent.id : 0, seconds: Number(values.seconds ?? 0) }),
    onClose,
  });
}

export function replyTitle(name) {
  return firstBytes(/^re: /i.test(name) ? name : `Re: ${name}`, NAME_BYTES_MAX).trimEnd();
}

export function textProblem(text) {
  const lines = linesOf(text);
  if (lines.length > TEXT_LINES_MAX) return `The text has ${lines.length} lines; at most ${TEXT_LINES_MAX} can be posted.`;
  const tooLong = lines.findIndex((line) => bytesLeft(line) < 0);
  if (tooLong === -1) return '';
  return `Line ${tooLong + 1} is ${-bytesLeft(lines[tooLong])} bytes too long (a line has at most ${LINE_BYTES_MAX - 2}). Begin a new line somewhere in it.`;
}
