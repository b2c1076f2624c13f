// The session: the access token lives in memory, the refresh token in the vault,
// which the browser's tabs share.
//
// A refresh token works once, and a second use ends the session. So whatever uses
// it happens under a lock that all tabs take, with the token that is newest then.

import * as vault from './vault.js';

const EARLY = 30_000; // ms before its end at which an access token is replaced

let access = '';
let expires = 0;
let refreshing = null; // the refresh that runs in this tab
const onEnd = [];

export { exists } from './vault.js';

/** Takes over the tokens of a sign-up or log-in. */
export const enter = (tokens) => locked(() => keep(tokens));

async function keep({ access_token, expires_in, refresh_token }) {
  await vault.keep(refresh_token);
  access = access_token;
  expires = Date.now() + expires_in * 1000;
}

/** Ends the session; tell gets its refresh token and may tell the server. */
export const end = (tell) => locked(async () => {
  try {
    const token = await vault.read();
    if (token) await tell(token);
  } finally {
    await leave('');
  }
});

async function leave(why) {
  await vault.forget();
  ended(why);
}

function ended(why) {
  access = '';
  for (const fn of onEnd) fn(why);
}

/** Calls fn when the session ends, here or in another tab, with a sentence or ''. */
export function whenEnded(fn) { onEnd.push(fn); }

vault.whenForgotten(() => ended(''));

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
  const old = await vault.read();
  if (!old) {
    await leave('');
    return;
  }
  try {
    await keep(await exchange(old));
  } catch (error) {
    if (error.status === 401 || error.status === 403) await leave(error.message);
    throw error;
  }
}

// Web Locks need a secure context; without one there is only this tab's turn.
function locked(fn) {
  return navigator.locks ? navigator.locks.request('parley.refresh', fn) : fn();
}
