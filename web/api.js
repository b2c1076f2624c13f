// Parley's HTTP API. Every failure is a Problem whose message is a sentence for
// the user.

import * as session from './session.js';

/** What went wrong, as the server's problem document says. */
export class Problem extends Error {
  constructor(status, code, detail, { fields = [], retryAfter = 0 } = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.fields = fields; // of 422: [{field, code, detail}]
    this.retryAfter = retryAfter; // seconds; 0: not said
  }
}

/** A problem as a sentence, with the time to come back if it names one. */
export function sentence(problem) {
  if (!problem.retryAfter || problem.retryAfter < 2) return problem.message;
  const at = new Date(Date.now() + problem.retryAfter * 1000);
  const when = problem.retryAfter < 90 ? `in ${problem.retryAfter} seconds`
    : 'at ' + at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return `${problem.message} You can try again ${when}.`;
}

/** Tells of 'limits': {limit, left, seconds}, whenever an answer carries them. */
export const news = new EventTarget();

const TRIES = 4;
const LONGEST_WAIT = 10; // seconds; a longer Retry-After is the user's to know

export const signUp = (person) => open('/v1/signup', person);
export const logIn = (email, password) => open('/v1/login', { email, password });
export const verifyEmail = (token) => call('POST', '/v1/verify-email', { body: { token }, open: true });
export const resendVerification = () => call('POST', '/v1/verify-email/resend', { body: {} });
export const forgotPassword = (email) => call('POST', '/v1/reset-password', { body: { email }, open: true });
export const resetPassword = (token, password) =>
  call('POST', '/v1/reset-password', { body: { token, password }, open: true });
export const me = () => call('GET', '/v1/me');

/** Ends the session, also when the server can't be asked. */
export async function logOut() {
  const token = await session.token(exchange).catch(() => '');
  await session.end((refresh_token) => token && once('POST', '/v1/logout', { body: { refresh_token } }, token));
}

export const chats = (cursor = '') => call('GET', '/v1/chats' + query({ cursor }));
export const changeChat = (chat, changes) => call('PATCH', chatPath(chat), { body: changes });
export const deleteChat = (chat) => call('DELETE', chatPath(chat));
export const chat = (id) => call('GET', chatPath(id));
export const messages = (chat, cursor = '', limit = '') => call('GET', chatPath(chat) + '/messages' + query({ limit, cursor }));
export const message = (chat, id) => call('GET', messagePath(chat, id));

/** A page of the messages that fit: {q, cursor}. */
export const search = (asked, signal) => call('GET', '/v1/search' + query(asked), { signal });

/** Sends a question; the same key again is the same question. */
export const send = (question, key) => call('POST', '/v1/messages', { body: question, key });
export const regenerate = (chat, id, key) => call('POST', messagePath(chat, id) + '/regenerate', { key });
export const cancel = (chat, reply) => call('POST', messagePath(chat, reply) + '/cancel', { again: true });
export const rate = (chat, reply, rating) =>
  call('PUT', messagePath(chat, reply) + '/feedback', { body: { rating } });

/** Asks where to send a file. One that is asked for twice expires unused. */
export const createUpload = (file) => call('POST', '/v1/uploads', { body: file, again: true });
export const upload = (id) => call('GET', uploadPath(id));
export const completeUpload = (id) => call('POST', uploadPath(id) + '/complete', { body: {}, again: true });
export const file = (id) => call('GET', filePath(id));
export const deleteFile = (id) => call('DELETE', filePath(id), { again: true });

/** The small picture of a file, as a Blob. */
export const thumbnail = async (id) => (await call('GET', filePath(id) + '/thumbnail', { raw: true })).blob();

/**
 * A URL from which a file can be had for some minutes, without a token. It is where
 * the API redirects to: browsers don't tell that before they have gone there, which
 * they do without the token, as it is another origin.
 */
export async function contentLink(id) {
  const response = await call('GET', filePath(id) + '/content', { raw: true });
  response.body?.cancel().catch(() => {}); // the download asks again
  return response.url;
}

/** Opens the stream of a reply; resolves to the fetch Response. */
export const stream = (chat, reply, after, signal) => call('GET', messagePath(chat, reply) + '/stream', {
  headers: { Accept: 'text/event-stream', ...(after && { 'Last-Event-ID': after }) }, signal, raw: true,
});

/** A key that no other request has; crypto.randomUUID needs a secure context. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

const chatPath = (chat) => '/v1/chats/' + encodeURIComponent(chat);
const messagePath = (chat, id) => chatPath(chat) + '/messages/' + encodeURIComponent(id);
const uploadPath = (id) => '/v1/uploads/' + encodeURIComponent(id);
const filePath = (id) => '/v1/files/' + encodeURIComponent(id);

// query spells the parameters that have a value.
function query(parameters) {
  const given = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  return given.size ? '?' + given : '';
}

async function open(path, body) {
  await session.enter(await call('POST', path, { body, open: true }));
}

// call repeats what may be repeated: reads, and writes that carry a key.
async function call(method, path, options = {}) {
  const again = method === 'GET' || options.key || options.again;
  for (let attempt = 1; ; attempt++) {
    try {
      return await authorized(method, path, options);
    } catch (problem) {
      const busy = problem.status === 429 || problem.status >= 502 || problem.status === 0;
      if (!again || !busy || attempt === TRIES || problem.retryAfter > LONGEST_WAIT) throw problem;
      await pause(Math.max(problem.retryAfter * 1000, 250 * 2 ** attempt * (0.5 + Math.random() / 2)), options.signal);
    }
  }
}

async function authorized(method, path, options) {
  if (options.open) return once(method, path, options, '');
  const token = await session.token(exchange);
  try {
    return await once(method, path, options, token);
  } catch (problem) {
    if (problem.status !== 401 || !session.exists()) throw problem;
    return once(method, path, options, await session.token(exchange, token));
  }
}

const exchange = (refresh_token) => once('POST', '/v1/token', { body: { refresh_token } }, '');

async function once(method, path, { body, key, headers = {}, signal, raw }, token) {
  const request = { method, signal, headers: { ...headers }, cache: 'no-store', credentials: 'omit' };
  if (token) request.headers.Authorization = 'Bearer ' + token;
  if (key) request.headers['Idempotency-Key'] = key;
  if (body) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'unreachable', 'Parley can’t be reached. Check your connection and try again.');
  }
  tellLimits(response.headers);
  if (!response.ok) throw await problemOf(response);
  if (raw) return response;
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

async function problemOf(response) {
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  const doc = await response.json().catch(() => ({}));
  const detail = doc.detail || `The server answered ${response.status}. Please try again.`;
  return new Problem(response.status, doc.code ?? 'unknown', detail, { fields: doc.errors, retryAfter });
}

/** Reads a parameter of a structured field: `"messages";r=39;t=12`, 'r' → 39. */
export function parameter(field, name) {
  const found = new RegExp(`;\\s*${name}=(\\d+)`).exec(field ?? '');
  return found ? Number(found[1]) : null;
}

function tellLimits(headers) {
  const left = parameter(headers.get('RateLimit'), 'r');
  const limit = parameter(headers.get('RateLimit-Policy'), 'q');
  if (left === null || limit === null || !headers.get('RateLimit').startsWith('"messages"')) return;
  const seconds = parameter(headers.get('RateLimit'), 't');
  news.dispatchEvent(new CustomEvent('limits', { detail: { limit, left, seconds } }));
}

/** Waits; an abort ends the wait with its error. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
