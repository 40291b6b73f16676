// The list of rooms, and the list of groups: they look and behave alike. What differs comes in as
// `kind`; see `view-rooms.js` and `view-groups.js`.

import { byId, element, hidden, icon, keep, nameOf, say, set } from './dom.js';
import { inlineForm } from './forms.js';
import { NAME_BYTES_MAX, PASSWORD_BYTES_MAX, sameName } from './lines.js';
import { isolated } from './texts.js';

// `kind`: { noun, model, session, isCurrent, factsOf, enter, open, remove, makeFields, make, emptyText, verb }
export function createPlacesView(id, kind) {
  const panel = byId(id);
  const list = panel.querySelector('.places');
  const empty = panel.querySelector('.empty');
  const makeButton = panel.querySelector('[data-make]');
  const makePlace = panel.querySelector('.make');

  makeButton.prepend(icon('plus'));
  makeButton.setAttribute('aria-expanded', 'false');
  makeButton.addEventListener('click', () => (makePlace.firstChild ? closeMake() : openMake()));
  kind.model.changed.listen(show);
  kind.session.changed.listen(show);

  function openMake() {
    const form = inlineForm({
      title: `New ${kind.noun}`,
      fields: [
        { name: 'name', label: 'Name', bytesMax: NAME_BYTES_MAX },
        { name: 'password', label: 'Password', type: 'password', bytesMax: PASSWORD_BYTES_MAX, optional: true, autocomplete: 'new-password',
          hint: `Leave it empty for a public ${kind.noun}; with one it is private.` },
        { name: 'accountsOnly', label: 'Only for people with an account', type: 'check' },
        ...kind.makeFields,
      ],
      action: `Make and ${kind.verb}`,
      act: kind.make,
      onClose: (isDone) => closeMake(isDone),
    });
    makePlace.replaceChildren(form.node);
    makeButton.setAttribute('aria-expanded', 'true');
    form.focus();
  }

  function closeMake(isDone = false) {
    makePlace.replaceChildren();
    makeButton.setAttribute('aria-expanded', 'false');
    if (isDone) kind.open();
    else makeButton.focus();
  }

  function show() {
    const { state } = kind.model;
    keep(list, state.list, (place) => place.name, makePlaceItem);
    empty.hidden = state.list.length > 0;
    say(empty, state.isListed ? kind.emptyText : 'One moment …');
  }

  function makePlaceItem(first) {
    const { name } = first;
    const lock = element('span', { class: 'lock' }, icon('lock'), hidden('private'));
    const facts = element('span', { class: 'facts' });
    const count = element('span', { class: 'count' });
    const enter = element('button', { type: 'button', class: 'place', onclick: () => go() },
      element('span', { class: 'place-name' }, nameOf(name), lock), count, facts);
    const remove = element('button', { type: 'button', class: 'quiet square', title: `Remove ${kind.noun}`,
      'aria-label': `Remove ${kind.noun} ${isolated(name)}`, onclick: () => askRemove() }, icon('trash'));
    const below = element('div', { class: 'below' });
    const node = element('li', {}, element('div', { class: 'place-row' }, enter, remove), below);
    let place = first;

    async function go() {
      if (kind.isCurrent(name)) return kind.open();
      if (place.isPrivate && !kind.model.knowsPassword(name)) return askPassword();
      const trouble = await kind.enter(name);
      if (trouble?.wantsPassword) return askPassword();
      if (trouble) return complain(trouble.text);
      close();
      kind.open();
    }

    function askPassword() {
      open(inlineForm({
        title: `Password of ${name}`,
        fields: [{ name: 'password', label: `Password of this ${kind.noun}`, type: 'password', bytesMax: PASSWORD_BYTES_MAX }],
        action: kind.verb[0].toUpperCase() + kind.verb.slice(1),
        act: ({ password }) => kind.enter(name, password),
        onClose: (isDone) => {
          close();
          if (isDone) kind.open();
          else enter.focus();
        },
      }));
    }

    function askRemove() {
      const needsPassword = place.isPrivate && !kind.model.knowsPassword(name);
      const field = { name: 'password', label: `Password of this ${kind.noun}`, type: 'password' };
      open(inlineForm({
        title: `Remove ${name}`,
        fields: needsPassword ? [field] : [],
        action: `Remove ${kind.noun}`,
        cancel: 'Keep',
        danger: true,
        act: ({ password }) => kind.remove(name, password),
        onClose: (isDone) => {
          close();
          (isDone ? makeButton : remove).focus();
        },
      }));
    }

    function open(form) {
      below.replaceChildren(form.node);
      form.focus();
    }

    function close() {
      below.replaceChildren();
    }

    function complain(text) {
      const dismiss = element('button', { type: 'button', class: 'quiet square', 'aria-label': 'Close', onclick: () => {
        close();
        enter.focus();
      } }, icon('close'));
      below.replaceChildren(element('div', { class: 'problem-line', role: 'alert' }, element('p', { class: 'problem' }, text), dismiss));
    }

    function update(item) {
      place = item;
      set(enter, 'aria-current', kind.isCurrent(name) ? 'true' : 'false');
      lock.hidden = !item.isPrivate;
      remove.hidden = !sameName(item.owner, kind.session.state.name);
      say(facts, kind.factsOf(item));
      count.replaceChildren(...kind.countOf(item));
    }

    return { node, update };
  }

  return { show };
}
