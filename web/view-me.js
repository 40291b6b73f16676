// Oneself: colours, whom one has marked, the account, and the way out.

import { byId, element, icon, nameOf } from './dom.js';
import { inlineForm } from './forms.js';
import { PASSWORD_BYTES_MAX } from './lines.js';
import { isolated } from './texts.js';
import { themeChoice } from './view-theme.js';

export function createMeView({ chatter, go }) {
  const { session, marks, settings } = chatter;
  const place = byId('me').querySelector('.scroll');
  const title = element('h2', { id: 'me-title', tabindex: '-1' });
  const kind = element('p', { class: 'hint' });
  const accountForms = element('div', { class: 'below' });
  const make = button('Make an account', () => open(makeForm(), make));
  const change = button('Change password', () => open(passwordForm(), change));
  const remove = button('Remove this account', () => open(removeForm(), remove));
  const friends = element('ul', { class: 'marked' });
  const ignored = element('ul', { class: 'marked' });
  let account = '';

  place.append(
    element('header', { class: 'panel-head' },
      element('div', { class: 'titles' }, title, kind),
      element('div', { class: 'tools' }, element('button', { type: 'button', class: 'quiet', onclick: () => go('talk') }, icon('back'), 'Back'))),
    element('div', { class: 'sheet' },
      element('h3', {}, 'Account'), element('div', { class: 'actions' }, make, change, remove, button('Leave the chat', () => session.leave())), accountForms,
      element('h3', {}, 'Colours'), themeChoice(settings),
      element('h3', {}, 'Friends'), friends,
      element('h3', {}, 'Ignored'), ignored,
      element('p', { class: 'hint' }, 'Friends and ignored people are kept in this browser only; nobody else learns of them.')),
  );

  function button(text, onclick) {
    return element('button', { type: 'button', class: 'quiet framed', onclick }, text);
  }

  function open(form, from) {
    closeTo = from;
    accountForms.replaceChildren(form.node);
    form.focus();
  }

  let closeTo = null;
  function onClose(isDone) {
    accountForms.replaceChildren(...(isDone ? [element('p', { class: 'hint', role: 'status' }, 'Done.')] : []));
    (closeTo && !closeTo.hidden ? closeTo : title).focus();
  }

  function makeForm() {
    return inlineForm({
      title: 'New account',
      fields: [
        { name: 'password', label: 'Password', type: 'password', bytesMax: PASSWORD_BYTES_MAX, autocomplete: 'new-password', hint: 'It crosses the network readable this once; later logins only prove that you know it.' },
        { name: 'realName', label: 'Your full name', bytesMax: PASSWORD_BYTES_MAX, autocomplete: 'name' },
        { name: 'email', label: 'E-mail', bytesMax: PASSWORD_BYTES_MAX, autocomplete: 'email' },
      ],
      action: 'Make account',
      act: async (values) => {
        const trouble = await session.upgrade(values);
        if (trouble === null) settings.remember(session.state.name, 'regd');
        return trouble;
      },
      onClose,
    });
  }

  function passwordForm() {
    return inlineForm({
      title: 'Change password',
      fields: [
        { name: 'old', label: 'Old password', type: 'password', bytesMax: PASSWORD_BYTES_MAX, autocomplete: 'current-password' },
        { name: 'fresh', label: 'New password', type: 'password', bytesMax: PASSWORD_BYTES_MAX, autocomplete: 'new-password', hint: 'Both cross the network readable this once.' },
      ],
      action: 'Change password',
      act: ({ old, fresh }) => session.changePassword(fresh, old),
      onClose,
    });
  }

  function removeForm() {
    return inlineForm({
      title: 'Remove this account',
      fields: [],
      action: 'Remove the account for ever',
      cancel: 'Keep',
      danger: true,
      act: () => session.removeAccount(),
      onClose,
    });
  }

  function show() {
    const { name, kind: how } = session.state;
    title.replaceChildren(nameOf(name));
    kind.textContent = how === 'regd' ? 'You are here with your account.' : 'You are here as a guest: your name is yours while you are here.';
    make.hidden = how === 'regd';
    change.hidden = how !== 'regd';
    remove.hidden = how !== 'regd';
    if (account !== `${how} ${name}`) accountForms.replaceChildren();
    account = `${how} ${name}`;
    list(friends, marks.friends(), 'No friends marked yet. The star in the list of people does it.', marks.setFriend);
    list(ignored, marks.ignored(), 'You ignore nobody.', marks.setIgnored);
  }

  function list(where, names, emptyText, setMark) {
    if (names.length === 0) return where.replaceChildren(element('li', { class: 'hint' }, emptyText));
    where.replaceChildren(...names.map((name) => element('li', {}, nameOf(name),
      element('button', { type: 'button', class: 'quiet square', 'aria-label': `Unmark ${isolated(name)}`, onclick: () => {
        setMark(name, false);
        title.focus();
      } }, icon('close')))));
  }

  session.changed.listen(show);
  marks.changed.listen(show);
  return { show };
}
