// Shows Markdown as DOM nodes. Model text only ever becomes text nodes.

import { el, announce } from './dom.js';
import { parse } from './markdown.js';

/**
 * Shows a text in a node. Blocks that are already there stay as they are, so
 * that a text that grows is cheap and a selection survives.
 */
export function render(node, text) {
  const blocks = parse(text);
  const shown = node.children;
  blocks.forEach((b, at) => {
    if (shown[at]?.source === b.src) return;
    const fresh = block(b);
    fresh.source = b.src;
    if (shown[at]) shown[at].replaceWith(fresh);
    else node.append(fresh);
  });
  while (shown.length > blocks.length) node.lastElementChild.remove();
}

const BLOCKS = {
  heading: (b) => el('h' + Math.min(b.level + 2, 6), {}, ...inline(b.inline)),
  paragraph: (b) => el('p', {}, ...inline(b.inline)),
  rule: () => el('hr'),
  quote: (b) => el('blockquote', {}, ...b.blocks.map(block)),
  list: (b) => el(b.start === null ? 'ul' : 'ol', b.start > 1 ? { start: b.start } : {},
    ...b.items.map((blocks) => el('li', {}, ...item(blocks)))),
  table: (b) => el('div', { className: 'wide', tabIndex: 0 }, el('table', {},
    el('thead', {}, el('tr', {}, ...b.head.map((c) => el('th', { scope: 'col' }, ...inline(c))))),
    el('tbody', {}, ...b.rows.map((row) => el('tr', {}, ...row.map((c) => el('td', {}, ...inline(c)))))))),
  code: codeBlock,
};

const block = (b) => BLOCKS[b.kind](b);

// An item of one paragraph needs no paragraph of its own.
function item(blocks) {
  const [first, ...rest] = blocks;
  return first?.kind === 'paragraph' ? [...inline(first.inline), ...rest.map(block)] : blocks.map(block);
}

function codeBlock({ language, text }) {
  const copy = el('button', { type: 'button', className: 'copy' }, 'Copy');
  copy.addEventListener('click', () => copyText(text, copy));
  return el('div', { className: 'code' },
    el('div', { className: 'code-top' }, el('span', {}, language || 'code'), copy),
    el('pre', { tabIndex: 0 }, el('code', {}, text)));
}

const INLINE = {
  code: (n) => el('code', {}, n.text),
  strong: (n) => el('strong', {}, ...inline(n.inline)),
  em: (n) => el('em', {}, ...inline(n.inline)),
  del: (n) => el('del', {}, ...inline(n.inline)),
  break: () => el('br'),
  link: (n) => el('a', { href: n.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...inline(n.inline)),
};

const inline = (nodes) => nodes.map((n) => (typeof n === 'string' ? n : INLINE[n.kind](n)));

/** Copies a text and says so on the button for a moment. */
export async function copyText(text, button) {
  const before = button.textContent;
  let said = 'Copied';
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = 'Not allowed';
  }
  button.textContent = said;
  announce(said);
  setTimeout(() => { button.textContent = before; }, 1500);
}
