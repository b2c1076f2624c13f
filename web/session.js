// The session: the access token lives in memory, the refresh token in
// localStorage, where the browser's tabs share it.
//
// A refresh token works once, and a second use ends the session. So a refresh
// happens under a lock that all tabs take, with the token that is newest then.

const KEY = 'parley.refresh';
const EARLY = 30_000; // ms before its end at which an access token is replaced

let access = '';
let expires = 0;
let refreshing = null; // the refresh that runs in this tab
const onEnd = [];

/** Whether somebody is logged in, as far as this browser knows. */
export const exists = () => localStorage.getItem(KEY) !== null;

/** Takes over the tokens of a sign-up, log-in or refresh. */
export function enter({ access_token, expires_in, refresh_token }) {
  localStorage.setItem(KEY, refresh_token);
  access = access_token;
  expires = Date.now() + expires_in * 1000;
}

/** Forgets the session and tells whoever asked to know; why is a sentence. */
export function leave(why = '') {
  access = '';
  localStorage.removeItem(KEY);
  for (const fn of onEnd) fn(why);
}

/** Calls fn when the session ends, here or in another tab. */
export function whenEnded(fn) { onEnd.push(fn); }

addEventListener('storage', (event) => {
  if (event.key !== KEY && event.key !== null) return;
  if (exists()) return;
  access = '';
  for (const fn of onEnd) fn('');
});

/** The refresh token, for a log-out. */
export const refreshToken = () => localStorage.getItem(KEY);

/**
 * An access token other than stale, the one that was refused. exchange turns a
 * refresh token into a new pair. Resolves to '' when nobody is logged in.
 */
export async function token(exchange, stale = '') {
  if (access && access !== stale && Date.now() < expires - EARLY) return access;
  refreshing ??= locked(() => refresh(exchange)).finally(() => { refreshing = null; });
  await refreshing;
  return access;
}

async function refresh(exchange) {
  const old = refreshToken();
  if (!old) {
    access = '';
    return;
  }
  try {
    enter(await exchange(old));
  } catch (error) {
    if (error.status === 401 || error.status === 403) leave(error.message);
    throw error;
  }
}

// Web Locks need a secure context; without one there is only this tab's turn.
function locked(fn) {
  return navigator.locks ? navigator.locks.request('parley.refresh', fn) : fn();
}
