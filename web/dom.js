// Making and keeping elements. Text is only ever set as text.

import { PATHS } from './icons.js';

// element('button', { class: 'quiet', onclick: f, 'aria-pressed': true }, 'Text', child, ...)
// Properties that are undefined, null or false are left out, but for aria states.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(node, name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function set(node, name, value) {
  if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
  else if (name.startsWith('aria-') && value !== null && value !== undefined) node.setAttribute(name, String(value));
  else if (value === true) node.setAttribute(name, '');
  else if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

// Says a thing only if it differs: a live region would read it again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function byId(id) {
  return document.getElementById(id);
}

// A name that somebody gave: its direction of writing stays its own.
export function nameOf(name, properties = {}) {
  return element('bdi', { class: 'name', ...properties }, name);
}

export function icon(name) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

export function hidden(text) {
  return element('span', { class: 'for-ears' }, text);
}

const kept = new WeakMap();

// Makes the children of `container` stand for `items`, and keeps the element of an item that was
// there before: so focus, open forms and the place one has scrolled to survive every change.
// `make(item)` returns { node, update(item, index) }.
export function keep(container, items, keyOf, make) {
  const before = kept.get(container) ?? new Map();
  const after = new Map();
  items.forEach((item, index) => {
    const key = keyOf(item);
    const entry = before.get(key) ?? make(item);
    entry.update(item, index);
    after.set(key, entry);
  });
  for (const [key, { node }] of before) if (!after.has(key)) node.remove();
  let place = container.firstChild;
  for (const { node } of after.values()) {
    if (node === place) place = place.nextSibling;
    else container.insertBefore(node, place);
  }
  kept.set(container, after);
}
