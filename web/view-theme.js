// Dark or light: the system's, or as chosen here.

import { element, icon } from './dom.js';

export function createThemeView({ settings }) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const switches = document.querySelectorAll('[data-theme-switch]');

  function isDark() {
    const { theme } = settings.state;
    return theme === 'system' ? system.matches : theme === 'dark';
  }

  function show() {
    const { theme } = settings.state;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    switches.forEach((one) => {
      one.replaceChildren(icon(isDark() ? 'sun' : 'moon'));
      one.setAttribute('aria-label', 'Dark colours');
      one.setAttribute('aria-pressed', String(isDark()));
      one.title = isDark() ? 'Light colours' : 'Dark colours';
    });
  }

  switches.forEach((one) => one.addEventListener('click', () => settings.useTheme(isDark() ? 'light' : 'dark')));
  system.addEventListener('change', show);
  settings.changed.listen(show);
  show();
}

export function themeChoice(settings) {
  const labels = { system: 'Like the system', light: 'Light', dark: 'Dark' };
  const choices = Object.entries(labels).map(([theme, label]) => {
    const input = element('input', { type: 'radio', name: 'theme', value: theme, onchange: () => settings.useTheme(theme) });
    input.checked = settings.state.theme === theme;
    settings.changed.listen(() => { input.checked = settings.state.theme === theme; });
    return element('label', {}, input, element('span', {}, label));
  });
  return element('fieldset', { class: 'choice' }, element('legend', { class: 'for-ears' }, 'Colours'), ...choices);
}
