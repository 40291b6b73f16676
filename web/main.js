// The page's beginning: the browser's world, what is known, and the door.

import { createChatter } from './chatter.js';
import { createDoorView } from './view-door.js';
import { createThemeView } from './view-theme.js';

const now = () => Date.now();
const chatter = createChatter({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mec`,
  makeSocket: (url) => new WebSocket(url),
  backing: storageOrNothing(),
  now,
  setTimer: (act, milliseconds) => setTimeout(act, milliseconds),
  clearTimer: (timer) => clearTimeout(timer),
  random: Math.random,
  isSeen: () => !document.hidden,
});

createThemeView(chatter);

// What is behind the door is fetched when somebody comes in: who only looks in waits for less.
const openHouse = once(async () => (await import('./view-house.js')).createHouseView({ chatter, now }));
createDoorView({ chatter, openHouse }).focus();

function once(make) {
  let made = null;
  return () => {
    made ??= make().catch((trouble) => {
      made = null;
      throw trouble;
    });
    return made;
  };
}

function storageOrNothing() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
