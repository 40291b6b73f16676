// Small forms that open in place, where what they are about stands. What is wrong is said in the form.

import { byteCount } from './lines.js';
import { element, say } from './dom.js';

let nextId = 1;

// `fields`: [{ name, label, type, hint, value, choices, bytesMax, rows, optional, ...attributes }];
// type 'text', 'password', 'check', 'choice' or 'long'. `act(values)` resolves with null when all
// went well, else with a sentence or { text }; `close` with where the focus goes is the caller's.
export function inlineForm({ title, fields, action, act, onClose, cancel = 'Cancel', danger = false }) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const parts = fields.map(makeField);
  const submit = element('button', { type: 'submit', class: danger ? 'danger-button' : 'main-button' }, action);
  const close = element('button', { type: 'button', class: 'quiet', onclick: () => onClose(false) }, cancel);
  const node = element('form', { class: 'inline', novalidate: true, 'aria-label': title },
    ...parts.map((part) => part.node), problem, element('div', { class: 'actions' }, submit, close));

  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (node.dataset.busy) return;
    const wrong = parts.find((part) => part.wrong() !== '');
    if (wrong) return complain(wrong.wrong(), wrong);
    node.dataset.busy = 'yes';
    const trouble = await act(Object.fromEntries(parts.map((part) => [part.name, part.value()])));
    delete node.dataset.busy;
    if (trouble === null) return onClose(true);
    complain(trouble.text ?? trouble, parts[0]);
  });
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onClose(false);
  });

  function complain(text, part) {
    say(problem, '');
    say(problem, text);
    part?.input.focus();
  }

  function focus() {
    (parts[0]?.input ?? submit).focus();
  }

  return { node, focus, part: (name) => parts.find((part) => part.name === name) };
}

function makeField(field) {
  const id = `field-${nextId}`;
  nextId += 1;
  if (field.type === 'check') return makeCheck(field, id);
  const hint = element('p', { class: 'hint', id: `${id}-hint` }, field.hint ?? '');
  const input = makeInput(field, id);
  const node = element('div', { class: 'field' },
    element('label', { for: id }, field.label), input, field.hint || field.bytesMax ? hint : null);

  function wrong() {
    if (field.check) return field.check(input.value);
    if (!field.optional && input.value.trim() === '') return `${field.label} is missing.`;
    const over = byteCount(input.value) - (field.bytesMax ?? Infinity);
    return over > 0 ? `${field.label}: ${over} bytes too long. Nothing is cut off; please shorten it.` : '';
  }

  input.addEventListener('input', () => {
    const text = input.value === '' ? '' : wrong();
    input.setAttribute('aria-invalid', String(text !== ''));
    say(hint, text || (field.hint ?? ''));
    hint.classList.toggle('problem', text !== '');
  });
  return { name: field.name, node, input, wrong, value: () => input.value };
}

function makeInput({ type, value = '', choices = [], rows, hint, bytesMax, autocomplete = 'off' }, id) {
  const shared = { id, 'aria-describedby': hint || bytesMax ? `${id}-hint` : undefined };
  if (type === 'choice') {
    const options = choices.map(([key, label]) => element('option', { value: key, selected: key === value }, label));
    return element('select', shared, ...options);
  }
  const common = { ...shared, autocomplete, dir: 'auto' };
  const input = type === 'long'
    ? element('textarea', { ...common, rows })
    : element('input', { ...common, type: type ?? 'text', spellcheck: type === 'password' ? 'false' : undefined });
  input.value = value;
  return input;
}

function makeCheck({ name, label }, id) {
  const input = element('input', { type: 'checkbox', id });
  const node = element('label', { class: 'check', for: id }, input, element('span', {}, label));
  return { name, node, input, wrong: () => '', value: () => input.checked };
}
