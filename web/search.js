// The search field: finds what was said in all chats while one types.

import * as api from './api.js';
import { pieces, typed } from './highlight.js';
import { byId, el, announce, show } from './dom.js';

const REST = 180; // ms without a key after which is searched

const field = byId('search-text');
const list = byId('hits');
const side = byId('side');
let current = { asked: null, abort: new AbortController() }; // the search whose hits are shown
let timer = 0;

/** Empties the field and shows the list of chats again. */
export function leave() {
  field.value = '';
  stop();
  side.classList.remove('searching');
  list.replaceChildren();
  show(byId('search-state'), '');
  byId('more-hits').hidden = true;
}

// stop ends what was asked for but isn't there yet: nobody waits for it any more.
function stop() {
  clearTimeout(timer);
  current.abort.abort();
  current = { asked: null, abort: new AbortController() };
}

// soon searches once the fingers rest.
function soon() {
  if (!field.value.trim()) return leave();
  stop();
  timer = setTimeout(() => search({ q: typed(field.value) }), REST);
}

function now() {
  stop();
  if (field.value.trim()) search({ q: field.value });
}

async function search(asked) {
  const mine = current;
  mine.asked = asked;
  try {
    const page = await api.search(asked, mine.abort.signal);
    if (mine !== current) return;
    if (!asked.cursor) list.replaceChildren();
    list.append(...page.hits.map(item));
    mine.next = page.next_cursor;
    side.classList.add('searching');
    byId('more-hits').hidden = !mine.next;
    tell(count(page) + (page.partial ? ' A part of your chats could not be searched; try again in some minutes.' : ''));
  } catch (problem) {
    if (mine !== current || problem.name === 'AbortError') return;
    if (!asked.cursor) list.replaceChildren();
    byId('more-hits').hidden = !asked.cursor;
    side.classList.add('searching');
    tell(api.sentence(problem));
  }
}

function tell(text) {
  show(byId('search-state'), text);
  announce(text);
}

// count says how many hits there are: while there are more than are shown, about.
function count(page) {
  const shown = list.children.length;
  if (!shown) return 'Nothing was found.';
  return page.next_cursor ? `${shown} of about ${Math.max(page.total, shown + 1)} found.` : `${shown} found.`;
}

function item(hit) {
  const link = el('a', { href: `#/c/${hit.chat_id}/${hit.message_id}` },
    el('span', { className: 'of' }, hit.chat_title || 'Untitled'),
    el('span', { className: 'about' }, about(hit)),
    el('span', { className: 'text' }, ...pieces(hit.snippet, hit.highlights).map((p) => (p.found ? el('mark', {}, p.text) : p.text))));
  link.addEventListener('click', (event) => {
    if (link.hash !== location.hash || event.ctrlKey || event.metaKey || event.shiftKey) return;
    dispatchEvent(new HashChangeEvent('hashchange')); // it is open, but perhaps not in sight
  });
  return el('li', {}, link);
}

function about({ role, file, created_at }) {
  const when = new Date(created_at).toLocaleDateString([], { dateStyle: 'medium' });
  const who = role === 'user' ? 'You' : 'Parley';
  return `${who}, ${when}` + (file ? ` · ${file.name}${file.page ? `, page ${file.page}` : ''}` : '');
}

// Arrows go from the field through the hits and back.
function step(event) {
  const links = [...list.querySelectorAll('a')];
  const at = links.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1);
  if (at < -1 || at >= links.length) return;
  event.preventDefault();
  (links[at] ?? field).focus();
}

function pressed(event) {
  if (event.isComposing) return;
  if (/^Arrow(Down|Up)$/.test(event.key) && event.target.closest('#search, #hits')) step(event);
  if (event.key !== 'Escape' || !(field.value || side.classList.contains('searching'))) return;
  event.preventDefault();
  event.stopPropagation(); // on a narrow screen the next one hides the list
  leave();
  field.focus();
}

field.addEventListener('input', (event) => { if (!event.isComposing) soon(); });
field.addEventListener('compositionend', soon);
side.addEventListener('keydown', pressed);
byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  now();
});
byId('more-hits').addEventListener('click', () => {
  const { asked, next } = current;
  if (next) search({ ...asked, cursor: next });
});
