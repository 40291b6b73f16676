// The messages of the chat that is shown, and staying at their end while one is at their end.

import { byId, element, hidden, icon, keep, nameOf, say } from './dom.js';
import { shownRows } from './rows.js';
import { dayOf, timeOfDay } from './times.js';
import { textNodes } from './view-text.js';

const AT_END_PIXELS = 40;

export function createLogView({ chats, marks, now }) {
  const log = byId('log');
  const list = log.querySelector('ol');
  const empty = log.querySelector('.empty');
  const newer = byId('newer');
  let chat = null;
  let isAtEnd = true;

  newer.append(icon('down'), 'Newer messages');
  newer.addEventListener('click', () => {
    toEnd();
    log.focus();
  });
  log.addEventListener('scroll', () => {
    isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PIXELS;
    if (isAtEnd) newer.hidden = true;
  });
  new ResizeObserver(() => isAtEnd && toEnd()).observe(log);

  function show() {
    const next = chats.active();
    const last = list.lastChild;
    if (next !== chat) isAtEnd = true;
    chat = next;
    const rows = shownRows(chat.rows, marks.isIgnored, now());
    keep(list, rows, (item) => `${chat.key} ${item.key}`, makeItem);
    empty.hidden = rows.length > 0;
    say(empty, emptySentence(chat));
    if (isAtEnd) toEnd();
    else if (list.lastChild !== last) newer.hidden = false;
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
    isAtEnd = true;
    newer.hidden = true;
  }

  function makeItem(item) {
    return item.row ? makeRow() : makeDay();
  }

  function makeDay() {
    const text = element('span');
    return { node: element('li', { class: 'day' }, text), update: ({ day }) => say(text, dayOf(day, now())) };
  }

  function makeRow() {
    const who = element('div', { class: 'who' });
    const text = element('p', { class: 'text', dir: 'auto' });
    const trouble = element('div', { class: 'trouble-line' });
    const node = element('li', { class: 'row' }, who, text, trouble);
    let shown = null;

    function update({ row, follows }) {
      node.classList.toggle('follows', follows);
      if (row === shown) return;
      shown = row;
      node.classList.add(row.kind);
      node.classList.toggle('mine', row.mine);
      node.classList.toggle('waits', row.state === 'sending');
      who.replaceChildren(...whoNodes(row));
      text.replaceChildren(...(row.kind === 'note' && row.from ? [nameOf(row.from), ' '] : []), ...textNodes(row.text));
      trouble.replaceChildren(...troubleNodes(row));
    }
    return { node, update };
  }

  function whoNodes(row) {
    if (row.kind === 'note') return [];
    const nodes = [];
    if (row.kind === 'warning' || row.kind === 'notice') nodes.push(element('span', { class: 'name' }, 'Server'));
    else nodes.push(nameOf(row.from));
    if (row.kind === 'friends') nodes.push(element('span', { class: 'tag' }, 'to friends: ', ...namesOf(row.to)));
    if (row.at !== null) nodes.push(element('time', { datetime: new Date(row.at).toISOString() }, timeOfDay(row.at)));
    return nodes;
  }

  function namesOf(names) {
    return names.flatMap((name, i) => (i === 0 ? [nameOf(name)] : [', ', nameOf(name)]));
  }

  function troubleNodes(row) {
    if (row.state === 'sending') return [hidden('being sent')];
    if (row.state === 'doubtful') return [element('p', { class: 'problem' }, 'The connection was lost. Whether this arrived shows when it is back.')];
    if (row.state !== 'failed') return [];
    const where = chat;
    const again = element('button', { type: 'button', class: 'quiet', onclick: () => chats.sayAgain(where, row) }, 'Send again');
    return [element('p', { class: 'problem', role: 'alert' }, row.problem), again];
  }

  chats.changed.listen(show);
  marks.changed.listen(show);
  return { show, toEnd };
}

function emptySentence(chat) {
  if (chat.isLoading) return 'One moment …';
  if (chat.key === 'room') return 'Nobody has said anything here yet. Say hello.';
  return `Only ${chat.name} and you see what is written here.`;
}
