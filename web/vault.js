// Where the refresh token is kept: IndexedDB, which all tabs see alike. What one
// tab writes to localStorage reaches the others a moment later, too late for a
// token that works once. Only a mark that there is a session stands there,
// because tabs are told when it goes.

const MARK = 'parley.session';

let database = null;

function open() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('parley', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('session');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return database;
}

// run does one thing with the store and resolves when it is there for everybody.
async function run(mode, what) {
  const transaction = (await open()).transaction('session', mode);
  const request = what(transaction.objectStore('session'));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Whether there is a session, as far as this tab knows. */
export const exists = () => localStorage.getItem(MARK) !== null;

/** Resolves to the refresh token, undefined if there is none. */
export const read = () => run('readonly', (store) => store.get('refresh'));

/** Keeps a refresh token. */
export async function keep(token) {
  await run('readwrite', (store) => store.put(token, 'refresh'));
  localStorage.setItem(MARK, 'yes');
}

/** Forgets the refresh token. */
export async function forget() {
  localStorage.removeItem(MARK);
  await run('readwrite', (store) => store.delete('refresh'));
}

/** Calls fn when another tab has forgotten it. */
export function whenForgotten(fn) {
  addEventListener('storage', (event) => {
    if ((event.key === MARK || event.key === null) && !exists()) fn();
  });
}
