// The list of chats.

import * as api from './api.js';
import * as composer from './composer.js';
import { byId, el, ask, announce, icon } from './dom.js';

let items = [];
let cursor = '';
let open = ''; // id of the open chat

// Tabs tell each other when the list has changed.
const others = new BroadcastChannel('parley.chats');
others.addEventListener('message', () => load().catch(() => {}));

/** Calls fn when another tab has changed something. */
export const whenChangedElsewhere = (fn) => others.addEventListener('message', fn);

/** Loads the newest chats; those loaded further down are dropped. */
export async function load() {
  const page = await api.chats();
  items = page.items;
  cursor = page.next_cursor;
  draw();
}

/** Empties the list: it is somebody else's turn. */
export function clear() {
  items = [];
  cursor = '';
  draw();
}

/** Loads the list again, here and in other tabs. */
export async function changed() {
  others.postMessage('changed');
  await load();
}

/** Marks that chat as the open one. */
export function mark(id) {
  open = id;
  draw();
  fold(false);
}

function draw() {
  const shown = items.filter((chat) => !chat.archived);
  shown.sort((a, b) => Number(b.pinned) - Number(a.pinned)); // stable: activity decides the rest
  byId('chats').replaceChildren(...shown.map(row));
  byId('more-chats').hidden = !cursor;
}

function row(chat) {
  const link = el('a', { href: '#/c/' + chat.chat_id }, chat.title || 'Untitled');
  if (chat.chat_id === open) {
    link.setAttribute('aria-current', 'page');
    byId('title').textContent = chat.title;
    document.title = chat.title + ' – Parley';
  }
  const action = (picture, what, fn) => {
    const button = el('button', { type: 'button', className: 'icon', title: what, 'aria-label': `${what}: ${chat.title}` }, icon(picture));
    button.addEventListener('click', () => fn(chat).catch(composer.complain));
    return button;
  };
  return el('li', { className: chat.pinned ? 'pinned' : '' }, link, el('span', { className: 'actions' },
    action('star', chat.pinned ? 'Unpin' : 'Pin', pin), action('pen', 'Rename', rename), action('bin', 'Delete', remove)));
}

async function pin(chat) {
  await api.changeChat(chat.chat_id, { pinned: !chat.pinned });
  announce(chat.pinned ? 'Unpinned' : 'Pinned');
  await changed();
}

async function rename(chat) {
  const title = await ask('Rename this chat', 'Rename', chat.title);
  if (!title || title === chat.title) return;
  await api.changeChat(chat.chat_id, { title });
  await changed();
}

async function remove(chat) {
  if (!await ask(`Delete “${chat.title}” for good?`, 'Delete')) return;
  await api.deleteChat(chat.chat_id);
  announce('Deleted');
  if (chat.chat_id === open) location.hash = '#/';
  await changed();
}

// fold shows or hides the list on a narrow screen.
function fold(shown) {
  document.body.classList.toggle('side-open', shown);
  byId('open-side').setAttribute('aria-expanded', String(shown));
}

byId('open-side').addEventListener('click', () => {
  fold(true);
  byId('new-chat').focus();
});
byId('close-side').addEventListener('click', () => {
  fold(false);
  byId('open-side').focus();
});
byId('new-chat').addEventListener('click', () => fold(false));
addEventListener('keydown', (event) => { if (event.key === 'Escape') fold(false); });
byId('more-chats').addEventListener('click', async () => {
  try {
    const page = await api.chats(cursor);
    items.push(...page.items.filter((c) => !items.some((i) => i.chat_id === c.chat_id)));
    cursor = page.next_cursor;
    draw();
  } catch (problem) {
    composer.complain(problem);
  }
});
