// The open chat: its messages, and the answer that runs in it.

import * as api from './api.js';
import * as chats from './chats.js';
import * as composer from './composer.js';
import { MessageView, ended } from './message.js';
import { follow } from './reply.js';
import { Tree } from './tree.js';
import { byId, announce } from './dom.js';

let chat = ''; // id; empty: the next question begins one
let tree = new Tree();
let cursor = ''; // of earlier messages
let views = new Map();
let running = null; // {id, abort} of the reply that is followed
let here = new AbortController(); // aborted when another chat is opened
let first = Promise.resolve(); // settles when its newest page is there

/**
 * Opens a chat, or with '' a new one. One that is open stays as it is, but for the
 * message that is to be in sight.
 */
export async function open(id, message = '') {
  const known = id && id === chat;
  if (!known) begin(id);
  if (!id || (known && !message)) return;
  const { signal } = here;
  byId('messages').setAttribute('aria-busy', 'true');
  try {
    if (!known) first = earlier(signal);
    await first;
    if (signal.aborted) return;
    if (message) await reveal(message, signal);
    else toEnd();
    if (!signal.aborted) pickUp();
  } catch (problem) {
    if (problem.name !== 'AbortError') composer.complain(problem);
  } finally {
    byId('messages').removeAttribute('aria-busy');
  }
}

// begin shows a chat without its messages.
function begin(id) {
  close();
  chat = id;
  byId('title').textContent = 'New chat';
  document.title = 'Parley';
  byId('welcome').hidden = Boolean(id);
  composer.ready();
}

/** Leaves the open chat; its answer goes on without a listener. */
export function close() {
  here.abort();
  here = new AbortController();
  running?.abort.abort();
  running = null;
  chat = '';
  tree = new Tree();
  cursor = '';
  views = new Map();
  byId('messages').replaceChildren();
  byId('earlier').hidden = true;
}

// earlier loads a page and shows it, the newest one first.
async function earlier(signal) {
  if (await load(signal)) draw();
}

// load adds an earlier page to the tree; false if nobody waits for it any more.
async function load(signal, limit) {
  const page = await api.messages(chat, cursor, limit);
  if (signal.aborted) return false;
  tree.add(...page.items);
  cursor = page.next_cursor;
  return true;
}

// reveal shows a message, with the versions around it to which it belongs. Ids sort by
// time: what is newer than the cursor and not there was deleted.
async function reveal(id, signal) {
  while (!tree.get(id) && cursor && cursor >= id) {
    if (!await load(signal, 100)) return;
  }
  if (!tree.path().some((m) => m.message_id === id)) tree.select(id);
  draw();
  if (!views.has(id)) return composer.complain({ message: 'This message isn’t there any more.' });
  const { node } = views.get(id);
  stuck = false;
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
  node.scrollIntoView({ block: 'start' });
}

/** Shows what another tab has added to the open chat. */
export async function catchUp() {
  if (!chat || running) return;
  const from = here;
  try {
    const page = await api.messages(chat);
    if (from !== here || running || tree.get(page.items.at(-1)?.message_id)) return;
    tree.add(...page.items);
    tree.select(page.items.at(-1).message_id);
    draw();
    pickUp();
  } catch (problem) {
    if (from === here) composer.complain(problem);
  }
}

// draw brings the page in line with the tree; nodes that stay are not touched.
function draw() {
  const box = byId('messages');
  const path = tree.path();
  const kept = new Map();
  path.forEach((m, at) => {
    const siblings = tree.siblings(m.message_id);
    let view = views.get(m.message_id);
    if (!view) view = new MessageView(m, siblings, actions);
    else if (view.message !== m || view.siblings.length !== siblings.length) view.update(m, siblings);
    view.siblings = [...siblings];
    kept.set(m.message_id, view);
    if (box.children[at] !== view.node) box.insertBefore(view.node, box.children[at] ?? null);
  });
  while (box.children.length > path.length) box.lastElementChild.remove();
  views = kept;
  byId('earlier').hidden = !cursor;
  byId('welcome').hidden = path.length > 0 || chat !== '';
}

const actions = {
  edit: (m) => composer.edit(m),
  drawn: () => { if (stuck) toEnd(); },
  select: (id) => {
    tree.select(id);
    draw();
    views.get(id)?.node.scrollIntoView({ block: 'nearest' });
    pickUp();
  },
  regenerate: async (m) => {
    try {
      started(await api.regenerate(chat, m.message_id, api.newKey()), tree.get(m.parent_id));
    } catch (problem) {
      composer.complain(problem);
    }
  },
  rate: async (m, rating) => {
    try {
      await api.rate(chat, m.message_id, rating);
      change(m.message_id, { feedback: { rating } });
      announce('Thank you');
    } catch (problem) {
      composer.complain(problem);
    }
  },
};

/** Sends a question with files; with edited, beside that question. Throws a Problem. */
export async function send(text, attachments, edited, key) {
  const question = { text };
  if (attachments.length) question.attachments = attachments.map((a) => a.file_id);
  if (chat) question.chat_id = chat;
  const parent = edited ? edited.parent_id || chat : tree.leaf !== tree.newest ? tree.leaf : '';
  if (parent) question.parent_id = parent;
  const from = here;
  const accepted = await api.send(question, key);
  chats.changed().catch(() => {});
  if (from !== here) return; // the user has gone to another chat meanwhile
  const before = edited ? edited.parent_id ?? '' : tree.leaf;
  if (!chat) adopt(accepted.chat_id);
  started(accepted, { message_id: accepted.message_id, parent_id: before, role: 'user', status: 'done', text, attachments });
}

// adopt gives the new chat on the page its id, without opening it anew.
function adopt(id) {
  chat = id;
  history.pushState(null, '', '#/c/' + id);
  chats.mark(id);
}

// started shows a question and the reply that it waits for.
function started(accepted, question) {
  tree.add(question, { message_id: accepted.reply_id, parent_id: question.message_id, role: 'assistant', status: 'queued', text: '' });
  tree.select(accepted.reply_id);
  draw();
  toEnd();
  listen(accepted.reply_id, accepted.queue);
}

// pickUp follows the reply at the end of what is shown, if it still runs.
function pickUp() {
  const last = tree.path().at(-1);
  if (last && !ended(last) && running?.id !== last.message_id) listen(last.message_id);
}

async function listen(id, queue) {
  running?.abort.abort();
  const mine = { id, abort: new AbortController() };
  running = mine;
  composer.running(() => stop(id));
  waiting(id, queue);
  try {
    for await (const event of follow(chat, id, mine.abort.signal)) {
      if (running !== mine) return;
      EVENTS[event.name]?.(id, event);
    }
  } catch (problem) {
    if (running !== mine || mine.abort.signal.aborted) return;
    composer.complain(problem);
  }
  if (running !== mine) return;
  running = null;
  composer.ready();
}

const EVENTS = {
  status: (id, { status, queue, reset }) => {
    const m = tree.get(id);
    if (reset) m.text = '';
    m.status = status ?? m.status;
    views.get(id)?.text(m.text);
    waiting(id, queue);
  },
  delta: (id, { text }) => {
    const m = tree.get(id);
    if (!m.text) views.get(id)?.remark('');
    m.text += text;
    views.get(id)?.text(m.text);
  },
  done: (id, { status, finish_reason, usage }) => {
    change(id, { status: status ?? (finish_reason === 'cancelled' ? 'cancelled' : 'done'), finish_reason, usage });
    announce(finish_reason === 'cancelled' ? 'The answer was stopped' : 'The answer is complete');
  },
  error: (id, { code, detail }) => {
    change(id, { status: 'failed', error: { code, detail } });
    announce(detail);
  },
};

// change replaces a message by one that has those values.
function change(id, values) {
  tree.add({ ...tree.get(id), ...values });
  draw();
}

function waiting(id, queue) {
  const m = tree.get(id);
  if (m.text || !queue?.ahead) return;
  const eta = Math.ceil(queue.eta_seconds ?? 0);
  views.get(id)?.remark(`${queue.ahead} before you${eta ? `, about ${eta} s` : ''}…`);
}

async function stop(id) {
  try {
    await api.cancel(chat, id); // the stream tells the rest
  } catch (problem) {
    composer.complain(problem);
  }
}

// While the user is at the end, the page stays there.
const scroll = byId('scroll');
let stuck = true;
scroll.addEventListener('scroll', () => {
  stuck = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
}, { passive: true });

new ResizeObserver(() => { if (stuck) toEnd(); }).observe(scroll);

function toEnd() {
  stuck = true;
  scroll.scrollTop = scroll.scrollHeight;
}

byId('earlier').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  const below = scroll.scrollHeight - scroll.scrollTop;
  try {
    await earlier(here.signal);
    scroll.scrollTop = scroll.scrollHeight - below;
  } catch (problem) {
    composer.complain(problem);
  } finally {
    target.disabled = false;
  }
});
