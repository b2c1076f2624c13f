// The chat page. Tour, bottom up:
//
//   vault.js, session.js   tokens; api.js: every call, its errors and its repeats
//   sse.js, reply.js       the stream of an answer, resumed where it broke
//   markdown.js, render.js text of a model to data, data to DOM nodes
//   tree.js                edits and regenerated answers
//   digest.js, upload.js   a file on its way to storage; attach.js: those beside the
//                          question; file.js: those in messages
//   message.js, thread.js  the open chat; composer.js asks in it
//   highlight.js           queries while they are typed; search.js: what they find
//   chats.js, entry.js     the list of chats; sign-up, log-in, mailed links
//
// The address says what is open: #/ a new chat, #/c/<id> a chat, #/c/<id>/<id> a
// message in it; #login, #signup, #forgot; #verify=<token> and #reset=<token> come
// from mails.

import * as api from './api.js';
import * as chats from './chats.js';
import * as composer from './composer.js';
import * as entry from './entry.js';
import * as search from './search.js';
import * as session from './session.js';
import * as thread from './thread.js';
import { byId, show } from './dom.js';

let user = null; // /me of who is logged in

async function route() {
  show(byId('room-notice'), '');
  const [, name, token] = /^#(verify|reset)=(.+)$/.exec(location.hash) ?? [];
  if (name) {
    history.replaceState(null, '', '#' + (session.exists() ? '/' : 'login')); // the secret is not for the history
    const said = await entry.fromMail(name, decodeURIComponent(token));
    if (name === 'reset') return;
    user = null;
    show(byId('room-notice'), said);
    entry.notice(said);
  }
  if (!session.exists()) return leaveRoom();
  await enterRoom();
}

function leaveRoom() {
  user = null;
  thread.close();
  chats.clear();
  search.leave();
  composer.clear();
  show(byId('who'), '');
  byId('verify-notice').hidden = true;
  byId('room').hidden = true;
  entry.open(location.hash.slice(1));
}

async function enterRoom() {
  entry.close();
  byId('room').hidden = false;
  const [, id = '', message] = /^#\/c\/(\w+)(?:\/(\w+))?$/.exec(location.hash) ?? [];
  const opening = thread.open(id, message);
  if (!user) await welcome();
  chats.mark(id);
  await opening;
}

async function welcome() {
  try {
    user = await api.me();
  } catch (problem) {
    if (problem.status === 401) return;
    composer.complain(problem);
    return;
  }
  const { user: person, limits, used } = user;
  show(byId('who'), person.name);
  byId('verify-notice').hidden = person.email_verified !== false;
  composer.showLimits({ limit: limits.messages_per_hour, left: Math.max(limits.messages_per_hour - used.messages_this_hour, 0),
    seconds: used.resets_in_seconds });
  await chats.load();
}

byId('logout').addEventListener('click', () => api.logOut().catch(() => {}));
byId('resend').addEventListener('click', async ({ target }) => {
  target.disabled = true;
  try {
    await api.resendVerification();
    target.textContent = 'Sent';
  } catch (problem) {
    target.disabled = false;
    composer.complain(problem);
  }
});

session.whenEnded((why) => {
  history.replaceState(null, '', '#login');
  leaveRoom();
  if (why) entry.notice(why);
});
chats.whenChangedElsewhere(thread.catchUp);
addEventListener('hashchange', route);
addEventListener('visibilitychange', () => {
  if (!document.hidden && user) chats.load().catch(() => {});
});
route();
