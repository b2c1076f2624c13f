// One file on its way to the server: digested, sent in parts straight to storage,
// processed there. What breaks off goes on where it stopped, also when the same
// file is chosen again after the page was closed.

import * as api from './api.js';
import { PART, digest } from './digest.js';

/** The most bytes that a file can have. */
export const MAX_SIZE = 512 << 20;

const SIDE_BY_SIDE = 3; // parts that are sent at once
const TRIES = 5; // of a part, before the upload is interrupted
const ROUNDS = 6; // of sending what storage doesn't have; URLs work for an hour
const STALL = 30_000; // ms without a byte after which a part is sent again
const FIRST_LOOK = 400; // ms until the first look at a file that is processed
const LONGEST_LOOK = 4_000;

/**
 * A file that is being attached. state is one of
 *   reading → uploading → processing → ready | rejected
 * or failed, with problem, from where start() goes on.
 */
export class Upload {
  #stop = new AbortController();
  #sums = null; // {sha256, parts}
  #sent = new Map(); // number of a part → bytes of it that have left
  #mine = false; // its id was made for it: the user had no such file before
  #removed = false;

  /** changed is called whenever there is something new to show. */
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.name = file.name;
    this.size = file.size;
    this.id = '';
    this.facts = {}; // the server's, of a file that it has
    this.#become('reading');
  }

  /** Bytes that are read or sent, for the state that it is in. */
  get done() { return this.state === 'reading' ? this.read ?? 0 : [...this.#sent.values()].reduce((sum, n) => sum + n, 0); }

  /** Whether nothing more happens by itself. */
  get settled() { return ['ready', 'rejected', 'failed'].includes(this.state); }

  /** Does what is left to do; resolves when the file is settled. */
  async start() {
    this.problem = null;
    this.#become(this.#sums ? 'uploading' : 'reading');
    try {
      this.#sums ??= await this.#digest();
      this.#become('uploading');
      await this.#send(await this.#begin());
      await this.#processed();
    } catch (problem) {
      if (this.#removed) this.#discard(); // it may have got an id meanwhile
      if (this.#stop.signal.aborted) return;
      this.problem = problem;
      this.#become('failed');
    }
  }

  /** Gives it up. A file that was sent only for this is deleted. */
  remove() {
    this.#removed = true;
    this.#stop.abort(new DOMException('removed', 'AbortError'));
    this.#discard();
  }

  /** Stops, and leaves with the server what it has. */
  leave() { this.#stop.abort(new DOMException('left', 'AbortError')); }

  // discard has the server forget it, whatever it has of it.
  async #discard() {
    forget(this.#key);
    if (this.#mine) await api.deleteFile(this.id).catch(() => {}); // then it is among the user's files
  }

  get #key() { return this.#sums && `${this.#sums.sha256} ${this.name}`; }

  #become(state) {
    this.state = state;
    this.changed(this);
  }

  async #digest() {
    try {
      return await digest(this.file, (read) => { this.read = read; this.changed(this); }, this.#stop.signal);
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      throw new api.Problem(0, 'unreadable', 'Your browser can’t read this file. Is it a folder, or has it been moved?');
    }
  }

  // begin resolves to what the server has of the file and what it wants. An upload
  // that was begun before goes on; one that has ended since is not this one's.
  async #begin() {
    const before = this.id || remembered(this.#key);
    const progress = before && await api.upload(before).catch((problem) => {
      if (problem.status !== 404) throw problem;
    });
    if (progress?.status === 'uploading') this.#owns(before);
    if (progress && this.id) return progress;
    forget(this.#key);
    this.id = '';
    const { sha256, parts } = this.#sums;
    const made = await api.createUpload({
      name: this.name, size: this.size, content_type: this.file.type || 'application/octet-stream', sha256, parts_sha256: parts,
    });
    this.#owns(made.file_id);
    if (made.deduplicated) this.#mine = false;
    return made;
  }

  #owns(id) {
    this.id = id;
    this.#mine = true;
    if (!this.#stop.signal.aborted) remember(this.#key, id);
  }

  // send sends what is missing until nothing is, in rounds: the URLs of one may end
  // before it does.
  async #send(progress) {
    for (let round = 1; progress.status === 'uploading'; round++) {
      this.#sent = new Map((progress.received ?? []).map(({ number, size }) => [number, size]));
      try {
        await this.#parts([...progress.parts ?? []]);
        progress = await api.completeUpload(this.id);
      } catch (problem) {
        if (round === ROUNDS || !['url_ended', 'parts_missing'].includes(problem.code)) throw problem;
        progress = await api.upload(this.id);
      }
    }
    forget(this.#key);
  }

  // parts sends those; when one fails, those that are under way are the last.
  async #parts(queue) {
    const lane = async () => {
      for (let part = queue.shift(); part; part = queue.shift()) await this.#part(part);
    };
    const lanes = Array.from({ length: SIDE_BY_SIDE }, () => lane().catch((problem) => {
      queue.length = 0;
      throw problem;
    }));
    await Promise.allSettled(lanes);
    await Promise.all(lanes);
  }

  async #part(part) {
    const from = (part.number - 1) * PART;
    const bytes = this.file.slice(from, from + PART); // without a type: only what was signed is said
    const { signal } = this.#stop;
    for (let attempt = 1; ; attempt++) {
      try {
        await put(part, bytes, signal, (sent) => { this.#sent.set(part.number, sent); this.changed(this); });
        return;
      } catch (problem) {
        this.#sent.delete(part.number);
        const passes = problem.status === 0 || [408, 409, 429].includes(problem.status) || problem.status >= 500;
        if (!passes || attempt === TRIES) throw problem;
        await api.pause(400 * 2 ** attempt * (0.5 + Math.random() / 2), signal);
      }
    }
  }

  async #processed() {
    this.#become('processing');
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 1.5, LONGEST_LOOK)) {
      this.facts = await api.file(this.id);
      if (this.facts.status === 'ready' || this.facts.status === 'rejected') break;
      this.changed(this);
      await api.pause(wait, this.#stop.signal);
    }
    this.#stop.signal.throwIfAborted();
    this.#become(this.facts.status);
  }
}

// put sends one part; fetch can't tell how far it is.
function put(part, bytes, signal, progress) {
  signal.throwIfAborted();
  const request = new XMLHttpRequest();
  const abort = () => request.abort();
  let stalled;
  const watch = () => {
    clearTimeout(stalled);
    stalled = setTimeout(abort, STALL);
  };
  signal.addEventListener('abort', abort);
  return new Promise((resolve, reject) => {
    const broken = () => reject(signal.aborted ? signal.reason
      : new api.Problem(0, 'unreachable', 'The connection broke off. What was sent is kept.'));
    request.open('PUT', part.url);
    for (const [name, value] of Object.entries(part.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded }) => { watch(); progress(loaded); });
    request.addEventListener('error', broken);
    request.addEventListener('abort', broken);
    request.addEventListener('load', () => {
      const problem = refusal(request.status, request.responseText);
      if (problem) reject(problem);
      else progress(bytes.size), resolve();
    });
    watch();
    request.send(bytes);
  }).finally(() => {
    clearTimeout(stalled);
    signal.removeEventListener('abort', abort);
  });
}

/**
 * What storage's answer means for a part; null: it has arrived. An only part can be
 * put once: 412 is that it was, by an attempt whose answer got lost. S3 says 400 also
 * where a connection stood still, or where who signed the URL may no longer.
 */
export function refusal(status, text) {
  if (status >= 200 && status < 300 || status === 412) return null;
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
  if (code === 'RequestTimeout') return new api.Problem(408, 'unreachable', 'The connection broke off. What was sent is kept.');
  if (status === 403 || status === 404 || code === 'ExpiredToken') return new api.Problem(status, 'url_ended', 'The upload took too long. Please try again.');
  if (status === 400) return new api.Problem(400, 'changed', 'The file has changed while it was sent. Remove it and attach it again.');
  return new api.Problem(status, 'storage', 'The file can’t be stored at the moment. Please try again.');
}

// Uploads that are under way, so that a file that is chosen again goes on: its
// digest and name → its id. Somebody else's is not found, and forgotten.
const KEPT = 'parley.uploads';

const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? '{}');
const remembered = (key) => kept()[key];
const remember = (key, id) => localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [key]: id }));

function forget(key) {
  const { [key]: mine, ...others } = kept();
  if (mine) localStorage.setItem(KEPT, JSON.stringify(others));
}

/** Forgets all uploads: it is somebody else's turn. */
export const forgetAll = () => localStorage.removeItem(KEPT);
