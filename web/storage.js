// What this browser remembers between visits. A browser may refuse (private windows, full storage);
// then things are remembered until the page is closed, and nothing else changes.

const PREFIX = 'chatter.';

export function createStorage(backing) {
  const fallback = new Map();

  function read(key, otherwise) {
    try {
      const text = fallback.get(key) ?? backing.getItem(PREFIX + key);
      return text === null ? otherwise : JSON.parse(text);
    } catch {
      return otherwise;
    }
  }

  function write(key, value) {
    const text = JSON.stringify(value);
    try {
      backing.setItem(PREFIX + key, text);
      fallback.delete(key);
    } catch {
      fallback.set(key, text);
    }
  }

  return { read, write };
}
