// A group's messages as threads: read in place, answered in place.

import { byId, element, hidden, icon, keep, nameOf, say, set } from './dom.js';
import { inlineForm } from './forms.js';
import { sameName } from './lines.js';
import { nodesOf } from './threads.js';
import { isolated } from './texts.js';
import { counted, secondsNow, timeLeft } from './times.js';
import { groupSentence } from './view-groups.js';
import { postForm } from './view-post-form.js';
import { textNodes } from './view-text.js';

// Deeper replies stand no further in: a phone has no room for it.
const DEPTH_SHOWN_MAX = 5;

export function createBoardView({ chatter, go, now }) {
  const { board, groups, session } = chatter;
  const panel = byId('board');
  const list = panel.querySelector('.threads');
  const empty = panel.querySelector('.empty');
  const makePlace = panel.querySelector('.make');
  const title = byId('board-title');
  const write = tool('plus', 'New message', () => (makePlace.firstChild ? closeWrite() : openWrite()));
  const readAll = tool(null, 'Mark all read', board.readAll);
  const leave = tool(null, 'Leave', () => {
    groups.leave();
    go('groups');
  });
  // Ids of the messages that stand open.
  const open = new Set();

  byId('board-tools').append(write, readAll, leave);
  byId('board-back').append(icon('back'));
  byId('board-back').addEventListener('click', () => go('groups'));
  groups.joined.listen(() => {
    open.clear();
    makePlace.replaceChildren();
  });

  function tool(name, text, onclick) {
    return element('button', { type: 'button', class: 'quiet', onclick }, name ? icon(name) : null, text);
  }

  function openWrite() {
    const form = postForm({ parent: null, post: board.post, onClose: closeWrite });
    makePlace.replaceChildren(form.node);
    form.focus();
  }

  function closeWrite() {
    makePlace.replaceChildren();
    write.focus();
  }

  function show() {
    const name = groups.state.current;
    title.replaceChildren(name === null ? 'No group' : nameOf(name));
    say(byId('board-facts'), groupSentence(groups.group(), groups.state.listedAt, now()));
    write.hidden = name === null;
    leave.hidden = name === null;
    readAll.hidden = board.unread() === 0;
    keep(list, board.state.threads, (root) => root.message.id, makeThread);
    empty.hidden = board.state.threads.length > 0;
    say(empty, emptySentence(name));
  }

  function emptySentence(name) {
    if (name === null) return 'Join a group from the list to read and write in it.';
    if (!board.state.isListed) return 'One moment …';
    if (board.state.list.length > 0) return 'All that has been posted here is from people whom you ignore.';
    return 'Nothing has been posted here yet. Write the first message.';
  }

  function makeThread() {
    const posts = element('ol', { class: 'posts' });
    const node = element('li', { class: 'thread' }, posts);
    function update(root) {
      const nodes = isShownThread(root) ? heardNodesOf(root) : [root];
      keep(posts, nodes, ({ message }) => message.id, () => makePost());
    }
    return { node, update };
  }

  function isShownThread(root) {
    return open.has(root.message.id) || !board.isHeard(root.message);
  }

  function heardNodesOf(root) {
    return nodesOf(root).filter(({ message }) => board.isHeard(message));
  }

  function makePost() {
    const dot = element('span', { class: 'dot' }, hidden('unread '));
    const name = nameOf('', { class: 'post-name' });
    const facts = element('span', { class: 'facts' });
    const badge = element('span', { class: 'badge' });
    const head = element('button', { type: 'button', class: 'post-head', onclick: () => toggle() },
      element('span', { class: 'post-title' }, dot, name, badge), facts);
    const body = element('div', { class: 'post-body' });
    const below = element('div', { class: 'below' });
    const node = element('li', { class: 'post' }, head, body, below);
    let current = null;
    let bodyShown = null;

    function toggle() {
      const { id } = current.message;
      if (open.has(id)) open.delete(id);
      else {
        open.add(id);
        board.read(id);
      }
      show();
    }

    function update(treeNode) {
      current = treeNode;
      const { message, depth } = treeNode;
      const isOpen = open.has(message.id);
      node.className = `post depth-${Math.min(depth, DEPTH_SHOWN_MAX)}`;
      set(node, 'aria-level', depth + 1);
      set(head, 'aria-expanded', String(isOpen));
      dot.hidden = !board.isUnread(message);
      node.classList.toggle('unread', board.isUnread(message));
      say(name, message.name);
      say(facts, postFacts(treeNode));
      showBadge(treeNode, isOpen);
      body.hidden = !isOpen;
      below.hidden = !isOpen;
      if (isOpen) showBody(message);
    }

    // On a closed thread: how much in it is unread.
    function showBadge(treeNode, isOpen) {
      const unread = treeNode.depth === 0 && !isOpen ? nodesOf(treeNode).filter(({ message }) => board.isUnread(message)).length : 0;
      badge.hidden = unread < 2;
      badge.replaceChildren(String(unread), hidden(' unread in this thread'));
    }

    function showBody(message) {
      const known = board.state.texts.get(message.id);
      if (known && known === bodyShown) return;
      bodyShown = known ?? null;
      if (!known) return body.replaceChildren(element('p', { class: 'hint' }, 'One moment …'));
      if (known.problem) return body.replaceChildren(element('p', { class: 'problem', role: 'alert' }, known.problem));
      const text = known.text === '' ? element('p', { class: 'hint' }, 'No text.') : element('p', { class: 'post-text', dir: 'auto' }, ...textNodes(known.text));
      body.replaceChildren(text, actionsOf(message));
    }

    function actionsOf(message) {
      const reply = element('button', { type: 'button', class: 'quiet', onclick: () => answer(message, reply) }, icon('reply'), 'Reply');
      const rest = tool(null, 'Open the rest', openRest);
      const remove = element('button', { type: 'button', class: 'quiet', onclick: () => askRemove(message, remove) }, icon('trash'), 'Remove');
      const mayRemove = [message.owner, groups.group()?.owner].some((owner) => owner && sameName(owner, session.state.name));
      return element('div', { class: 'actions' }, reply, current.depth === 0 && current.size > 1 ? rest : null, mayRemove ? remove : null);
    }

    function openRest() {
      heardNodesOf(current).forEach(({ message }) => {
        if (open.has(message.id)) return;
        open.add(message.id);
        board.read(message.id);
      });
      show();
    }

    function answer(message, button) {
      const form = postForm({ parent: message, post: board.post, onClose: () => {
        below.replaceChildren();
        button.focus();
      } });
      below.replaceChildren(form.node);
      form.part('text').input.focus();
    }

    function askRemove(message, button) {
      const form = inlineForm({
        title: `Remove ${message.name}`,
        fields: [],
        action: message.replies > 0 ? 'Remove it and all replies' : 'Remove it',
        cancel: 'Keep',
        danger: true,
        act: () => board.remove(message.id),
        onClose: (isDone) => {
          below.replaceChildren();
          (isDone ? title : button).focus();
        },
      });
      below.replaceChildren(form.node);
      form.focus();
    }

    return { node, update };
  }

  function postFacts({ message, depth, size }) {
    const facts = [`by ${isolated(message.owner)}`];
    if (depth === 0) facts.push(size > 1 ? counted(size - 1, 'reply', 'replies') : 'no replies');
    if (depth === 0) facts.push(timeLeft(secondsNow(message.seconds, board.state.listedAt, now())));
    return facts.join(' · ');
  }

  board.changed.listen(show);
  groups.changed.listen(show);
  return { show };
}
