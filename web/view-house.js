// All that is seen behind the door.

import { createBoardView } from './view-board.js';
import { createComposerView } from './view-composer.js';
import { createGroupsView } from './view-groups.js';
import { createLogView } from './view-log.js';
import { createMeView } from './view-me.js';
import { createPeopleView } from './view-people.js';
import { createRoomsView } from './view-rooms.js';
import { createShellView } from './view-shell.js';
import { createTalkView } from './view-talk.js';

// Seconds left are shown in minutes and more; a list need not be drawn oftener.
const REDRAW_MILLISECONDS = 20_000;

export function createHouseView({ chatter, now }) {
  const go = (...where) => shell.go(...where);
  const log = createLogView({ ...chatter, now });
  const views = [
    log,
    createComposerView({ chatter, log }),
    createTalkView({ chatter }),
    createRoomsView({ chatter, go, now }),
    createPeopleView({ chatter, go }),
    createGroupsView({ chatter, go, now }),
    createBoardView({ chatter, go, now }),
    createMeView({ chatter, go }),
  ];
  const shell = createShellView({ chatter, now, onShown: (name) => name === 'talk' && log.show() });
  setInterval(() => !document.hidden && views.forEach((view) => view.show()), REDRAW_MILLISECONDS);
}
