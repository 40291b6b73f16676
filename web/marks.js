// Whom this browser's user has marked as a friend, and whom not to hear. The server knows nothing of
// it. Nobody is both.

import { nameKey } from './lines.js';
import { createTopic } from './topic.js';

// Of each kind; the oldest goes.
const MARKED_MAX = 500;

export function createMarks(storage) {
  const changed = createTopic();
  const friends = new Map(listOf(storage, 'friends'));
  const ignored = new Map(listOf(storage, 'ignored'));

  function set(marked, unmarked, name, on) {
    const key = nameKey(name);
    marked.delete(key);
    if (on) {
      marked.set(key, name);
      unmarked.delete(key);
    }
    while (marked.size > MARKED_MAX) marked.delete(marked.keys().next().value);
    storage.write('friends', [...friends.values()]);
    storage.write('ignored', [...ignored.values()]);
    changed.tell();
  }

  return {
    changed,
    isFriend: (name) => friends.has(nameKey(name)),
    isIgnored: (name) => ignored.has(nameKey(name)),
    setFriend: (name, on) => set(friends, ignored, name, on),
    setIgnored: (name, on) => set(ignored, friends, name, on),
    friends: () => [...friends.values()],
    ignored: () => [...ignored.values()],
  };
}

function listOf(storage, key) {
  const names = storage.read(key, []);
  if (!Array.isArray(names)) return [];
  return names.filter((name) => typeof name === 'string').map((name) => [nameKey(name), name]);
}
