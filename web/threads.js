// A group's flat list of messages as a tree. Nothing but arithmetic.

// Returns the threads, the one with the newest message first; within a thread replies stand in the
// order in which they were posted. A node: { message, replies, depth }, a root also { size, newest } of
// what is heard. A thread in which nothing is heard is left out.
export function threadsOf(messages, isHeard) {
  const nodes = new Map(messages.map((message) => [message.id, { message, replies: [], depth: 0 }]));
  const roots = [];
  for (const node of nodes.values()) {
    const parent = nodes.get(node.message.parent);
    if (parent && parent !== node) parent.replies.push(node);
    else roots.push(node);
  }
  roots.forEach((root) => measure(root, isHeard));
  return roots.filter(({ size }) => size > 0).sort((one, other) => other.newest - one.newest);
}

function measure(root, isHeard) {
  const heard = nodesOf(root).filter(({ message }) => isHeard(message));
  root.size = heard.length;
  root.newest = heard.reduce((newest, { message }) => Math.max(newest, message.id), 0);
}

// A node and all below it, in reading order. Without recursion: replies may be thousands deep.
export function nodesOf(root) {
  const found = [];
  const open = [root];
  while (open.length > 0) {
    const node = open.pop();
    found.push(node);
    for (const reply of [...node.replies].reverse()) {
      reply.depth = node.depth + 1;
      open.push(reply);
    }
  }
  return found;
}
