// Which messages of which groups have been read in this browser.

// Of one group, and groups; the oldest go.
const READ_MAX = 10_000;
const GROUPS_MAX = 50;

export function createReadings(storage) {
  // Groups are told apart by number: a number is never used twice, a name may be.
  const groups = new Map(entriesOf(storage.read('read', [])));

  function isRead(group, id) {
    return groups.get(group)?.has(id) ?? false;
  }

  function setRead(group, ids) {
    const read = groups.get(group) ?? new Set();
    ids.forEach((id) => read.add(id));
    groups.delete(group);
    groups.set(group, read);
    while (groups.size > GROUPS_MAX) groups.delete(groups.keys().next().value);
    write();
  }

  // What is no longer in the group need not be remembered.
  function keepOnly(group, ids) {
    const read = groups.get(group);
    if (!read) return;
    const present = new Set(ids);
    groups.set(group, new Set([...read].filter((id) => present.has(id)).slice(-READ_MAX)));
    write();
  }

  function write() {
    storage.write('read', [...groups].map(([group, read]) => [group, [...read]]));
  }

  return { isRead, setRead, keepOnly };
}

function entriesOf(stored) {
  if (!Array.isArray(stored)) return [];
  return stored
    .filter((entry) => Array.isArray(entry) && Array.isArray(entry[1]))
    .map(([group, ids]) => [group, new Set(ids)]);
}
