// The files beside the question that is being written: chosen, dropped or pasted,
// each on its way to the server while the user writes.

import { Upload, MAX_SIZE, forgetAll } from './upload.js';
import { announce, byId, el, icon, show } from './dom.js';
import { sentence } from './api.js';
import { sizeOf, stageOf } from './file.js';

const MAX_FILES = 10; // of a message
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/; // by every browser

const tray = byId('tray');
const input = byId('file-input');
const chips = new Map(); // Upload, or attachment of an edited question → Chip
let whenChanged = () => {};

/** Calls fn whenever a file comes, goes or settles. */
export const onChange = (fn) => { whenChanged = fn; };

/** The attachments that can be sent, each once though it may have been chosen twice. */
export const attachments = () =>
  [...new Map([...chips.values()].map((chip) => chip.attachment).filter(Boolean).map((a) => [a.file_id, a])).values()];

/** Whether a file is still on its way. */
export const pending = () => [...chips.keys()].some((item) => item.settled === false);

/** The first file that can't be sent, by name, or undefined. */
export const refused = () => [...chips.keys()].find((item) => item.state === 'rejected' || item.state === 'failed')?.name;

/** Takes these files; says what is wrong with those that it doesn't take. */
export function add(files) {
  const problems = [];
  for (const file of files) {
    const problem = chips.size === MAX_FILES ? `A question can have at most ${MAX_FILES} files.` : fault(file);
    if (problem) problems.push(problem);
    else attach(file);
  }
  show(byId('trouble'), [...new Set(problems)].join('\n'));
  whenChanged();
}

function fault(file) {
  if (file.size > MAX_SIZE) return `“${file.name}” is too large, with ${sizeOf(file.size)}: a file can have at most ${sizeOf(MAX_SIZE)}.`;
  if (file.size === 0) return `“${file.name}” is empty, or a folder.`;
  return '';
}

function attach(file) {
  const upload = new Upload(file, (u) => chips.get(u)?.draw());
  const chip = new Chip(upload, SHOWN.test(file.type) ? URL.createObjectURL(file) : '');
  chips.set(upload, chip);
  tray.append(chip.node);
  tray.hidden = false;
  run(upload);
}

async function run(upload) {
  await upload.start();
  const chip = chips.get(upload);
  if (!chip) return;
  announce(`${upload.name}: ${chip.said}`);
  whenChanged();
}

/** Shows the attachments of a question that is edited. */
export function keep(those) {
  clear();
  for (const attachment of those) {
    const item = { name: attachment.name, size: attachment.size, state: 'ready', settled: true, attachment };
    const chip = new Chip(item, '');
    chips.set(item, chip);
    tray.append(chip.node);
  }
  tray.hidden = chips.size === 0;
  whenChanged();
}

/** Empties the tray; what was sent stays with the server. */
export function clear() {
  for (const [item, chip] of chips) {
    item.leave?.();
    chip.end();
  }
  chips.clear();
  tray.hidden = true;
  whenChanged();
}

/** Empties the tray of somebody who leaves. */
export function leave() {
  clear();
  forgetAll();
}

// Chip is one file in the tray.
class Chip {
  constructor(item, preview) {
    this.item = item;
    this.preview = preview;
    this.words = el('span', { className: 'state' });
    this.bar = el('progress', { max: item.size, 'aria-label': `Progress of ${item.name}` });
    this.again = button('Try again', `Try again to send ${item.name}`, () => run(item));
    const remove = el('button', { type: 'button', className: 'icon', title: 'Remove', 'aria-label': `Remove ${item.name}` }, '✕');
    remove.addEventListener('click', () => this.remove());
    const face = preview ? el('img', { src: preview, alt: '', width: 40, height: 40 }) : icon('page');
    face.onerror = () => face.replaceWith(icon('page'));
    this.node = el('li', { className: 'file' }, face,
      el('span', { className: 'about' }, el('span', { className: 'name', title: item.name }, item.name), this.words, this.bar), this.again, remove);
    this.draw();
  }

  /** What is said of the file. */
  get said() { return describe(this.item); }

  /** The file as a message has it; undefined until it is ready. */
  get attachment() {
    const { state, id, facts, attachment } = this.item;
    if (attachment) return attachment;
    return state === 'ready' ? { file_id: id, name: facts.name, content_type: facts.content_type, size: facts.size, kind: facts.kind } : undefined;
  }

  draw() {
    const { state, done } = this.item;
    this.node.dataset.state = state;
    this.words.textContent = this.said;
    this.bar.hidden = this.item.settled;
    if (state === 'processing') this.bar.removeAttribute('value');
    else this.bar.value = done ?? 0;
    this.again.hidden = state !== 'failed';
  }

  remove() {
    const next = this.node.nextElementSibling ?? this.node.previousElementSibling;
    chips.delete(this.item);
    this.end();
    tray.hidden = chips.size === 0;
    (next?.querySelector('button.icon') ?? byId('attach')).focus();
    announce(`${this.item.name} is removed`);
    if ([...chips.keys()].some((other) => other.id && other.id === this.item.id)) this.item.leave?.(); // chosen twice
    else this.item.remove?.();
    whenChanged();
  }

  end() {
    this.node.remove();
    if (this.preview) URL.revokeObjectURL(this.preview);
  }
}

function button(face, label, fn) {
  const node = el('button', { type: 'button', 'aria-label': label }, face);
  node.addEventListener('click', fn);
  return node;
}

function describe({ state, size, done, facts, problem }) {
  const percent = () => `${Math.floor(100 * done / size)} %`;
  switch (state) {
    case 'reading': return `Reading, ${percent()}`;
    case 'uploading': return `Uploading, ${percent()} of ${sizeOf(size)}`;
    case 'processing': return stageOf(facts.stage);
    case 'rejected': return facts.reason?.detail ?? 'This file was refused.';
    case 'failed': return sentence(problem);
    default: return facts?.note ? `${sizeOf(size)}. ${facts.note.detail}` : sizeOf(size);
  }
}

// The ways in which files come.

byId('attach').addEventListener('click', () => input.click());
input.addEventListener('change', () => {
  add(input.files);
  input.value = ''; // so that the same file can be chosen again
});

// Text that is copied from a document comes with a picture of it; the text is meant.
byId('text').addEventListener('paste', (event) => {
  const { files, types } = event.clipboardData;
  if (!files.length || types.includes('text/plain')) return;
  event.preventDefault();
  add(files);
});

const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
const room = byId('room');
addEventListener('dragover', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault(); // else the browser opens what is dropped beside
  room.classList.add('dropping');
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) room.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  room.classList.remove('dropping');
  if (!room.hidden) add(event.dataTransfer.files);
});
addEventListener('online', () => {
  for (const item of chips.keys()) if (item.state === 'failed' && item.problem.status === 0) run(item);
});
