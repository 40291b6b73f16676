// The message groups: how much is in them, who may join, how long they last.

import { hidden } from './dom.js';
import { sameName } from './lines.js';
import { isolated } from './texts.js';
import { counted, secondsNow, timeLeft } from './times.js';
import { createPlacesView } from './view-places.js';

const DAY = 86_400;
// '0': as long as this server thinks right.
const LIFETIMES = [['0', 'The usual time'], [String(DAY), '1 day'], [String(7 * DAY), '1 week'], [String(30 * DAY), '30 days'], [String(365 * DAY), '1 year']];

export function createGroupsView({ chatter, go, now }) {
  const { groups, session } = chatter;
  return createPlacesView('groups', {
    noun: 'group',
    verb: 'join',
    model: groups,
    session,
    isCurrent: (name) => groups.state.current !== null && sameName(name, groups.state.current),
    factsOf: (group) => factsOf(group, groups.state.listedAt, now()),
    countOf: ({ messages }) => [String(messages), hidden(messages === 1 ? ' message' : ' messages')],
    enter: groups.join,
    open: () => go('board'),
    remove: groups.remove,
    makeFields: [{ name: 'seconds', label: 'Lasts', type: 'choice', choices: LIFETIMES, value: '0', optional: true }],
    make: ({ seconds, ...group }) => groups.make({ ...group, seconds: Number(seconds) }),
    emptyText: 'There are no groups yet. In a group, messages stay to be read and answered later. Make the first one.',
  });
}

function factsOf(group, listedAt, now) {
  const facts = [];
  if (group.users > 0) facts.push(`${group.users} here`);
  if (group.accountsOnly) facts.push('accounts only');
  if (group.owner !== '-') facts.push(`by ${isolated(group.owner)}`);
  facts.push(lifetime(group, listedAt, now));
  return facts.join(' · ');
}

function lifetime({ seconds }, listedAt, now) {
  return seconds === 0 ? 'ends when everybody has left' : timeLeft(secondsNow(seconds, listedAt, now));
}

export function groupSentence(group, listedAt, now) {
  if (!group) return '';
  const facts = [counted(group.messages, 'message', 'messages'), group.isPrivate ? 'private' : 'public'];
  if (group.owner !== '-') facts.push(`made by ${isolated(group.owner)}`);
  facts.push(lifetime(group, listedAt, now));
  return facts.join(' · ');
}

export { LIFETIMES };
