// The door: a name, an account, or a new account.

import { byId, say } from './dom.js';
import { NAME_BYTES_MAX, PASSWORD_BYTES_MAX, byteCount } from './lines.js';
import { WRONG_PASSWORD } from './status.js';

const ACTIONS = { anon: 'Come in', regd: 'Log in', make: 'Make account and come in' };
const PASSWORD_HINTS = {
  regd: 'Only a proof that you know it crosses the network.',
  make: 'It crosses the network readable this once; later logins only prove that you know it.',
};
const LABELS = { name: 'Your name', password: 'The password', realName: 'Your full name', email: 'The e-mail address' };

export function createDoorView({ chatter, openHouse }) {
  const door = byId('door');
  const form = byId('enter');
  const problem = byId('enter-problem');
  const submit = form.querySelector('[type=submit]');
  const { settings, session } = chatter;

  form.elements.name.value = settings.state.name;
  form.elements.how.value = settings.state.how;
  form.addEventListener('change', (event) => event.target.name === 'how' && arrange());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    enter();
  });
  session.changed.listen(show);
  arrange();
  show();

  function arrange() {
    const how = form.elements.how.value;
    form.querySelectorAll('[data-for]').forEach((field) => {
      field.hidden = !field.dataset.for.split(' ').includes(how);
    });
    form.elements.password.autocomplete = how === 'make' ? 'new-password' : 'current-password';
    say(byId('enter-password-hint'), PASSWORD_HINTS[how] ?? '');
    say(submit, ACTIONS[how]);
    byId('enter-plain').hidden = true;
    form.elements.plain.checked = false;
    complain('', null);
  }

  async function enter() {
    if (session.state.phase === 'entering') return;
    const who = read();
    const missing = missingIn(who);
    if (missing) return complain(missing.text, missing.field);
    complain('', null);
    const trouble = await enterHouse(who);
    if (!trouble) return done();
    byId('enter-plain').hidden = !(who.how === 'regd' && trouble.status === WRONG_PASSWORD);
    complain(trouble.text, trouble.field);
  }

  async function enterHouse(who) {
    try {
      await openHouse();
    } catch {
      return { text: 'The server cannot be reached. Is this device in the right network?', field: null };
    }
    return chatter.enter(who);
  }

  function read() {
    const { how, name, password, realName, email, plain } = form.elements;
    return {
      how: how.value,
      name: name.value.trim(),
      password: password.value,
      realName: realName.value.trim(),
      email: email.value.trim(),
      plain: plain.checked,
    };
  }

  function missingIn(who) {
    const needed = { anon: ['name'], regd: ['name', 'password'], make: ['name', 'password', 'realName', 'email'] }[who.how];
    for (const field of needed) {
      const bytesMax = field === 'name' ? NAME_BYTES_MAX : PASSWORD_BYTES_MAX;
      const over = byteCount(who[field]) - bytesMax;
      if (who[field] === '') return { field, text: `${LABELS[field]} is missing.` };
      if (over > 0) return { field, text: `${LABELS[field]} is ${over} bytes too long.` };
    }
    if (/\s/.test(who.name)) return { field: 'name', text: 'A name has no blanks. Perhaps with - or _ instead?' };
    return null;
  }

  // The password leaves the form with its use.
  function done() {
    form.elements.password.value = '';
    settings.state.how = session.state.kind;
    form.elements.how.value = session.state.kind;
    arrange();
  }

  function complain(text, field) {
    say(problem, text);
    for (const name of Object.keys(LABELS)) {
      const input = form.elements[name];
      input.toggleAttribute('aria-invalid', false);
      if (name === field) input.setAttribute('aria-invalid', 'true');
    }
    if (field) form.elements[field].focus();
  }

  function show() {
    const { phase } = session.state;
    const isOpen = phase === 'out' || phase === 'entering';
    const wasOpen = !door.hidden;
    door.hidden = !isOpen;
    submit.toggleAttribute('aria-disabled', phase === 'entering');
    say(submit, phase === 'entering' ? 'One moment …' : ACTIONS[form.elements.how.value]);
    if (isOpen && !wasOpen) focus();
  }

  function focus() {
    const { name, password, how } = form.elements;
    (name.value !== '' && how.value !== 'anon' ? password : name).focus();
  }

  return { focus };
}
