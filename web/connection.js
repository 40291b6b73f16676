// One WebSocket that carries lines. Knows nothing of what they say, nor of what comes after it.

import { LINE_END, byteCount } from './lines.js';

// The server closes at 64 KiB; a long text to post goes in several messages.
const MESSAGE_BYTES_MAX = 16 * 1024;

// `makeSocket(url)` is the browser's WebSocket but in tests. `onEnd({ code })` comes exactly once,
// also when the connection never opened.
export function openConnection({ url, makeSocket, onOpen, onLine, onEnd }) {
  const socket = makeSocket(url);
  let rest = '';
  let ended = false;

  socket.onopen = () => onOpen();
  socket.onmessage = (event) => {
    const lines = (rest + event.data).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (ended) return;
      onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
  };
  socket.onclose = (event) => end(event.code);

  function end(code) {
    if (ended) return;
    ended = true;
    onEnd({ code });
  }

  function send(lines) {
    if (ended) return;
    messagesOf(lines).forEach((message) => socket.send(message));
  }

  // Does not wait for the other side: it may be what has gone silent.
  function close() {
    end(1000);
    socket.close();
  }

  return { send, close };
}

export function messagesOf(lines) {
  const messages = [];
  let message = '';
  let used = 0;
  for (const line of lines) {
    const needed = byteCount(line) + LINE_END.length;
    if (message !== '' && used + needed > MESSAGE_BYTES_MAX) {
      messages.push(message);
      message = '';
      used = 0;
    }
    message += line + LINE_END;
    used += needed;
  }
  if (message !== '') messages.push(message);
  return messages;
}
