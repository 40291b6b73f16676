// The chats: a tab for the room and one for every private chat, and what stands above the messages.

import { ROOM } from './chats.js';
import { byId, element, hidden, icon, keep, nameOf, say, set } from './dom.js';
import { isolated } from './texts.js';
import { roomSentence } from './view-rooms.js';

export function createTalkView({ chatter }) {
  const { chats, rooms, people, marks, session } = chatter;
  const tabs = document.querySelector('#talk .tabs');
  const title = byId('talk-title');
  const facts = byId('talk-facts');
  const tools = byId('talk-tools');
  const friend = tool('star', () => marks.setFriend(chats.active().name, !marks.isFriend(chats.active().name)));
  const ignore = tool('mute', () => marks.setIgnored(chats.active().name, !marks.isIgnored(chats.active().name)));
  const close = tool('close', () => {
    chats.closePrivate(chats.state.active);
    title.focus();
  });
  tools.append(friend, ignore, close);
  tabs.addEventListener('keydown', moveByKey);

  function tool(name, onclick) {
    return element('button', { type: 'button', class: 'quiet square', onclick }, icon(name));
  }

  function moveByKey(event) {
    const all = chats.all();
    const at = all.findIndex(({ key }) => key === chats.state.active);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let to = step ? all[(at + step + all.length) % all.length] : null;
    if (event.key === 'Home') to = all[0];
    if (event.key === 'End') to = all[all.length - 1];
    if (event.key === 'Delete' && chats.state.active !== ROOM) {
      chats.closePrivate(chats.state.active);
      to = chats.active();
    }
    if (!to) return;
    event.preventDefault();
    chats.show(to.key);
    tabs.querySelector('[aria-selected=true]').focus();
  }

  function show() {
    keep(tabs, chats.all(), ({ key }) => key, makeTab);
    const active = chats.active();
    byId('chat').setAttribute('aria-labelledby', tabId(active.key));
    const isRoom = active.key === ROOM;
    if (title.dataset.name !== active.name) {
      title.dataset.name = active.name;
      title.replaceChildren(nameOf(active.name));
    }
    say(facts, isRoom ? roomSentence(rooms.room(), people.state.list.length) : privateSentence(active.name));
    tools.hidden = isRoom;
    label(friend, marks.isFriend(active.name), 'Friend');
    label(ignore, marks.isIgnored(active.name), 'Ignore');
    set(close, 'aria-label', `Close this chat`);
    close.title = 'Close this chat';
  }

  function label(button, isOn, text) {
    button.title = text;
    set(button, 'aria-label', text);
    set(button, 'aria-pressed', isOn);
  }

  function privateSentence(name) {
    if (marks.isIgnored(name)) return 'You ignore this person: nothing from them is shown.';
    if (people.isHere(name)) return 'Private chat · in this room';
    return `Private chat · ${isolated(name)} is not in this room, and can be reached only there`;
  }

  function makeTab({ key }) {
    const badge = element('span', { class: 'badge' });
    const name = nameOf('');
    const node = element('button', { type: 'button', role: 'tab', id: tabId(key), 'aria-controls': 'chat', onclick: () => chats.show(key) },
      icon(key === ROOM ? 'rooms' : 'talk'), name, badge);
    function update(chat) {
      const isActive = chat === chats.active();
      say(name, chat.name);
      set(node, 'aria-selected', isActive);
      node.tabIndex = isActive ? 0 : -1;
      badge.hidden = chat.unread === 0;
      badge.replaceChildren(String(chat.unread), hidden(' unread'));
    }
    return { node, update };
  }

  chats.changed.listen(show);
  rooms.changed.listen(show);
  people.changed.listen(show);
  marks.changed.listen(show);
  session.changed.listen(show);
  return { show };
}

const tabNumbers = new Map();

// An id has no blanks and quotes, a name may.
function tabId(key) {
  if (!tabNumbers.has(key)) tabNumbers.set(key, tabNumbers.size);
  return `tab-${tabNumbers.get(key)}`;
}
