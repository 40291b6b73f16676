// Who is in the room, and what one can do with them.

import { byId, element, icon, keep, nameOf, say, set } from './dom.js';
import { sameName } from './lines.js';
import { isolated } from './texts.js';
import { counted } from './times.js';

export function createPeopleView({ chatter, go }) {
  const { people, marks, chats, rooms, session } = chatter;
  const panel = byId('people');
  const list = panel.querySelector('.persons');
  const empty = panel.querySelector('.empty');
  const title = byId('people-title');
  const count = element('span', { class: 'count' });
  title.append(count);
  let opened = null;

  function show() {
    const sorted = [...people.state.list].sort((one, other) => Number(isMe(other.name)) - Number(isMe(one.name)));
    keep(list, sorted, ({ name }) => name, makePerson);
    say(count, people.state.isListed ? String(people.state.list.length) : '');
    say(empty, emptySentence());
    empty.hidden = empty.textContent === '';
  }

  function emptySentence() {
    if (!people.state.isListed) return 'One moment …';
    const sentences = [];
    if (people.state.list.length === 1) sentences.push('Nobody else is here just now.');
    if (people.state.waiting > 0) sentences.push(`${counted(people.state.waiting, 'person has', 'people have')} not said a name yet.`);
    return sentences.join(' ');
  }

  function isMe(name) {
    return sameName(name, session.state.name);
  }

  function ownsRoom() {
    const room = rooms.room();
    return room !== null && isMe(room.owner);
  }

  function makePerson({ name }) {
    const tag = element('span', { class: 'tag' });
    const muted = element('span', { class: 'tag' }, 'ignored');
    const person = element('button', { type: 'button', class: 'person', onclick: toggle }, nameOf(name), tag, muted);
    const star = element('button', { type: 'button', class: 'quiet square star', title: 'Friend', onclick: () => marks.setFriend(name, !marks.isFriend(name)) }, icon('star'));
    set(star, 'aria-label', `Friend: ${isolated(name)}`);
    const actions = element('div', { class: 'below', hidden: true });
    const node = element('li', {}, element('div', { class: 'place-row' }, person, star), actions);

    const write = element('button', { type: 'button', class: 'quiet', onclick: () => {
      chats.openPrivate(name);
      opened = null;
      show();
      go('talk', { toWriting: true });
    } }, icon('talk'), 'Write privately');
    const ignore = element('button', { type: 'button', class: 'quiet', onclick: () => marks.setIgnored(name, !marks.isIgnored(name)) }, icon('mute'), 'Ignore');
    const out = element('button', { type: 'button', class: 'quiet', onclick: sendOut }, icon('close'), 'Send out of the room');
    const problem = element('p', { class: 'problem', role: 'alert' });
    actions.append(write, ignore, out, problem);

    function toggle() {
      if (isMe(name)) return go('me');
      opened = opened === name ? null : name;
      show();
    }

    async function sendOut() {
      say(problem, (await rooms.sendOut(name)) ?? '');
      people.list();
    }

    function update({ kind }) {
      const me = isMe(name);
      tag.replaceChildren(...(me ? ['you · '] : []), kind === 'regd' ? 'account' : 'guest');
      tag.classList.toggle('strong', kind === 'regd');
      muted.hidden = !marks.isIgnored(name);
      star.hidden = me;
      set(star, 'aria-pressed', marks.isFriend(name));
      set(ignore, 'aria-pressed', marks.isIgnored(name));
      out.hidden = !ownsRoom();
      set(person, 'aria-expanded', me ? undefined : String(opened === name));
      actions.hidden = opened !== name;
      node.classList.toggle('faint', marks.isIgnored(name));
    }

    return { node, update };
  }

  people.changed.listen(show);
  marks.changed.listen(show);
  rooms.changed.listen(show);
  session.changed.listen(show);
  return { show };
}
