// Files as messages show them, and words about files.

import * as api from './api.js';
import { announce, el, icon } from './dom.js';

const STAGES = {
  verify: 'Checking…', scan: 'Looking for malware…', store: 'Storing…', read: 'Reading…',
};

/** What is being done with a file, in words. */
export const stageOf = (stage) => STAGES[stage] ?? 'Processing…';

/** A number of bytes, in words. */
export function sizeOf(bytes) {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  let at = 0;
  for (; bytes >= 1000 && at < units.length - 1; at++) bytes /= 1024;
  return `${at === 0 || bytes >= 10 ? Math.round(bytes) : Math.max(bytes, 0.1).toFixed(1)} ${units[at]}`;
}

/** The list of a message's files: each downloads, and pictures are seen. */
export const listOf = (attachments) =>
  el('ul', { className: 'files', 'aria-label': 'Files' }, ...attachments.map((a) => el('li', {}, chip(a))));

function chip(attachment) {
  const words = el('span', { className: 'state' }, sizeOf(attachment.size));
  const button = el('button', { type: 'button', className: 'file', title: `Download ${attachment.name}`,
    'aria-label': `Download ${attachment.name}, ${sizeOf(attachment.size)}` },
  icon('page'), el('span', { className: 'about' }, el('span', { className: 'name' }, attachment.name), words));
  button.addEventListener('click', () => download(attachment).catch((problem) => {
    words.textContent = problem.status === 404 ? 'deleted' : problem.message;
    button.disabled = problem.status === 404;
    announce(`${attachment.name}: ${words.textContent}`);
  }));
  if (attachment.kind === 'image') seen.observe(button, () => preview(attachment, button).catch(() => {})); // it has a name as well
  return button;
}

// seen calls what belongs to a node when the user comes to see it.
const seen = {
  calls: new WeakMap(),
  observer: new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.observer.unobserve(target);
      seen.calls.get(target)();
    }
  }, { rootMargin: '200px' }),
  observe(node, call) {
    this.calls.set(node, call);
    this.observer.observe(node);
  },
};

async function preview({ file_id, name }, button) {
  const url = URL.createObjectURL(await api.thumbnail(file_id));
  const image = el('img', { alt: name, width: 160, height: 120 });
  image.addEventListener('load', () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
  button.classList.add('picture');
  button.querySelector('svg')?.replaceWith(image);
}

// download goes to where the bytes are: the browser saves them under the name that
// comes with them, without holding them.
async function download({ file_id }) {
  el('a', { href: await api.contentLink(file_id), rel: 'noreferrer' }).click();
}
