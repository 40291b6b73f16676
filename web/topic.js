// Something that others can listen to. The only way in which what is known reaches what is shown.

export function createTopic() {
  const listeners = new Set();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(...news) {
      listeners.forEach((listener) => listener(...news));
    },
  };
}
