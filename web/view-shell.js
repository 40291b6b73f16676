// Around the views: which one is shown, what is unread, and whether there is a connection.

import { ROOM } from './chats.js';
import { byId, element, hidden, icon, nameOf, say, set } from './dom.js';
import { isolated } from './texts.js';

// What stands beside each other on a wide screen.
const PLACES = { talk: 'talk', rooms: 'talk', people: 'talk', groups: 'board', board: 'board', me: 'me' };
const LABELS = { talk: 'Talk', rooms: 'Rooms', people: 'People', groups: 'Groups' };
const HEARD_MAX = 5;

export function createShellView({ chatter, now, onShown }) {
  const { session, chats, board, groups, people } = chatter;
  const shell = byId('shell');
  const buttons = [...document.querySelectorAll('nav [data-go]')];
  const trouble = byId('trouble');
  const retry = trouble.querySelector('button');
  const badges = new Map();

  for (const button of buttons) {
    const badge = element('span', { class: 'badge', hidden: true });
    badges.set(button.dataset.go, badge);
    button.append(icon(button.dataset.go), element('span', { class: 'nav-label' }, LABELS[button.dataset.go]), badge);
  }
  document.querySelectorAll('[data-go]').forEach((button) => button.addEventListener('click', () => follow(button.dataset.go)));
  retry.addEventListener('click', session.retryNow);
  addEventListener('online', session.retryNow);
  addEventListener('popstate', () => display(viewOfAddress()));
  document.addEventListener('visibilitychange', onVisible);
  setInterval(showTrouble, 1000);

  function view() {
    return shell.dataset.view;
  }

  // The groups' button leads back to the group that one has joined.
  function follow(name) {
    if (name === 'groups' && groups.state.current !== null && PLACES[view()] !== 'board') return go('board');
    if (name === 'me' && view() === 'me') return go('talk');
    go(name);
  }

  function go(name, { toWriting = false } = {}) {
    if (view() !== name) history.pushState(null, '', `#${name}`);
    display(name);
    if (toWriting) return byId('say').focus();
    if (!isWide()) document.querySelector(`#${name} h2`).focus();
  }

  function isWide() {
    return matchMedia('(min-width: 48rem)').matches;
  }

  function viewOfAddress() {
    const name = location.hash.slice(1);
    return PLACES[name] ? name : 'talk';
  }

  function display(name) {
    shell.dataset.view = name;
    shell.dataset.place = PLACES[name];
    for (const button of document.querySelectorAll('[data-go]')) {
      const own = button.dataset.go;
      const isHere = own === name || (name === 'board' && own === 'groups') || (isWide() && own === PLACES[name]);
      set(button, 'aria-current', isHere ? 'page' : undefined);
    }
    onVisible();
    onShown(name);
  }

  // The chat is read while it can be seen.
  function onVisible() {
    const isTalkSeen = view() === 'talk' || (isWide() && PLACES[view()] === 'talk');
    chats.attend(!document.hidden && isTalkSeen && session.state.phase !== 'out');
    if (!document.hidden) chatter.watch.look();
  }

  function show() {
    const { phase, name, kind } = session.state;
    const isIn = phase !== 'out' && phase !== 'entering';
    if (shell.hidden === isIn) open(isIn);
    byId('self').replaceChildren(nameOf(name), element('span', { class: 'tag' }, kind === 'regd' ? 'account' : 'guest'), hidden(': settings'));
    showTrouble();
    showUnread();
  }

  function open(isIn) {
    shell.hidden = !isIn;
    if (!isIn) return;
    display(viewOfAddress());
    if (isWide()) byId('say').focus();
    else byId('talk-title').focus();
  }

  function showUnread() {
    badge('talk', chats.unread());
    badge('groups', board.unread());
    badge('people', people.state.list.length, true);
    const count = session.state.phase === 'out' ? 0 : chats.unread();
    const place = shell.hidden ? '' : `${isolated(chats.state.room.name)} – `;
    document.title = `${count > 0 ? `(${count}) ` : ''}${place}Chatter`;
  }

  function badge(name, count, isQuiet = false) {
    const node = badges.get(name);
    node.hidden = count === 0;
    node.classList.toggle('quiet-badge', isQuiet);
    if (node.dataset.count === String(count)) return;
    node.dataset.count = count;
    node.replaceChildren(String(count), hidden(isQuiet ? ' here' : ' unread'));
  }

  function showTrouble() {
    const { phase } = session.state;
    trouble.hidden = phase !== 'lost' && phase !== 'closed';
    if (trouble.hidden) return;
    const [cause, next] = trouble.querySelectorAll('span');
    const { notice, retryAt } = session.state;
    say(cause, phase === 'closed' ? `${notice} You are not connected any more.` : notice || 'The connection is lost.');
    // Not for ears: it would be read out every second.
    say(next, phase === 'closed' ? '' : nextAttempt(retryAt));
    say(retry, phase === 'closed' ? 'Come in again' : 'Try now');
  }

  function nextAttempt(retryAt) {
    const seconds = Math.ceil((retryAt - now()) / 1000);
    return retryAt === 0 || seconds <= 0 ? 'Connecting again …' : `Trying again in ${seconds} s.`;
  }

  function hear(row, chat) {
    if (session.state.phase !== 'in') return;
    const isShown = chat === chats.active() && chats.state.isAttended;
    const from = row.from === '' ? 'Server' : row.from;
    if (!isShown && chat.key === ROOM) return;
    const ears = byId('ears');
    ears.append(element('p', {}, `${row.kind === 'private' ? 'Private from ' : ''}${from}: ${row.text}`));
    while (ears.childElementCount > HEARD_MAX) ears.firstChild.remove();
  }

  session.changed.listen(show);
  chats.changed.listen(showUnread);
  board.changed.listen(showUnread);
  people.changed.listen(showUnread);
  chats.arrived.listen(hear);
  return { go, show, view };
}
