// Where one writes, and to whom.

import { weigh } from './composer.js';
import { byId, element, icon, say } from './dom.js';
import { isolated } from './texts.js';
import { sameName } from './lines.js';
import { ROOM } from './chats.js';

const HEIGHT_PIXELS_MAX = 160;

export function createComposerView({ chatter, log }) {
  const { chats, people, marks, session } = chatter;
  const form = byId('composer');
  const field = byId('say');
  const hint = byId('say-hint');
  const to = byId('to');
  const select = to.querySelector('select');
  const send = form.querySelector('[type=submit]');
  let chat = null;
  let toFriends = false;

  send.append(icon('send'));
  select.append(element('option', { value: 'all' }), element('option', { value: 'friends' }));
  select.addEventListener('change', () => {
    toFriends = select.value === 'friends';
    show();
  });
  field.enterKeyHint = 'send';
  field.addEventListener('input', () => {
    chats.active().draft = field.value;
    show();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });

  function friendsHere() {
    return people.state.list
      .map(({ name }) => name)
      .filter((name) => marks.isFriend(name) && !sameName(name, session.state.name));
  }

  function receivers() {
    if (chat.key !== ROOM) return [chat.name];
    return toFriends ? friendsHere() : [];
  }

  function submit() {
    const { texts, problem } = weigh(field.value, receivers());
    const isReady = session.state.phase === 'in' && texts.length > 0 && problem === '' && !nobodyHears();
    if (!isReady) return show();
    for (const text of texts) {
      if (chat.key !== ROOM) chats.sayPrivately(chat.name, text);
      else if (toFriends) chats.sayToFriends(friendsHere(), text);
      else chats.sayToRoom(text);
    }
    chat.draft = '';
    field.value = '';
    show();
    log.toEnd();
    field.focus();
  }

  function nobodyHears() {
    return chat.key === ROOM && toFriends && friendsHere().length === 0;
  }

  function show() {
    const next = chats.active();
    if (next !== chat) {
      chat = next;
      field.value = chat.draft;
    }
    showTo();
    const { texts, problem, hint: weight } = weigh(field.value, receivers());
    const isConnected = session.state.phase === 'in';
    const words = !isConnected ? 'Not connected. Your text stays here meanwhile.'
      : nobodyHears() ? 'No friend of yours is in this room. Mark friends with the star in the list of people.'
      : weight || 'Enter sends. Shift and Enter begin another message.';
    say(hint, words);
    hint.classList.toggle('problem', problem !== '' || nobodyHears());
    field.setAttribute('aria-invalid', String(problem !== ''));
    send.setAttribute('aria-disabled', String(!isConnected || texts.length === 0 || problem !== '' || nobodyHears()));
    field.placeholder = chat.key === ROOM ? 'Write to the room' : `Write to ${isolated(chat.name)}`;
    if (chat.key === ROOM && toFriends) field.placeholder = 'Write to your friends here';
    grow();
  }

  function showTo() {
    to.hidden = chat.key !== ROOM;
    const [all, friends] = select.options;
    const names = friendsHere();
    say(all, 'everybody in the room');
    say(friends, names.length === 0 ? 'friends only (none is here)' : `friends only: ${names.map(isolated).join(', ')}`);
    select.value = toFriends ? 'friends' : 'all';
    form.classList.toggle('to-friends', toFriends && chat.key === ROOM);
  }

  // As high as its text, up to a bound. The height is set by script, as no style stands in the page.
  function grow() {
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight + 2, HEIGHT_PIXELS_MAX)}px`;
  }

  chats.changed.listen(show);
  people.changed.listen(show);
  marks.changed.listen(show);
  session.changed.listen(show);
  return { show, focus: () => field.focus() };
}
