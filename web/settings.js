// How one came in the last time, and which colours one wants. Never a password.

import { createTopic } from './topic.js';

export const THEMES = ['system', 'light', 'dark'];

export function createSettings(storage) {
  const changed = createTopic();
  const state = {
    name: String(storage.read('name', '')),
    how: storage.read('how', 'anon') === 'regd' ? 'regd' : 'anon',
    theme: known(storage.read('theme', 'system')),
  };

  function remember(name, how) {
    state.name = name;
    state.how = how;
    storage.write('name', name);
    storage.write('how', how);
  }

  function useTheme(theme) {
    state.theme = known(theme);
    storage.write('theme', state.theme);
    changed.tell();
  }

  return { state, changed, remember, useTheme };
}

function known(theme) {
  return THEMES.includes(theme) ? theme : 'system';
}
