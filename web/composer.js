// Where the user writes: sends, stops, and says what is left of the plan.

import * as api from './api.js';
import * as attach from './attach.js';
import * as thread from './thread.js';
import { byId, show } from './dom.js';

const text = byId('text');
const touch = matchMedia('(pointer: coarse)');
let stopRunning = null; // stops the answer that runs
let edited = null; // the question that is being edited
let last = { text: '', key: '' }; // of the last send: the same question tried again keeps its key
let waiting = false; // for files, to send then

/** No answer runs: a question may be sent. */
export function ready() {
  stopRunning = null;
  byId('send').hidden = false;
  byId('stop').hidden = true;
  leaveEditing();
  if (!touch.matches && !byId('room').hidden) text.focus();
}

/** An answer runs; stop stops it. */
export function running(stop) {
  stopRunning = stop;
  byId('send').hidden = true;
  byId('stop').hidden = false;
  byId('stop').disabled = false;
  complain(null);
}

/** Shows what went wrong, or with null nothing. */
export function complain(problem) {
  show(byId('trouble'), problem ? api.sentence(problem) : '');
}

/** Puts an earlier question into the box; sending makes a version of it. */
export function edit(message) {
  edited = message;
  byId('editing').hidden = false;
  attach.keep(message.attachments ?? []);
  fill(message.text);
  text.focus();
}

function leaveEditing() {
  if (!edited) return;
  edited = null;
  byId('editing').hidden = true;
  attach.clear();
  fill('');
}

function fill(value) {
  text.value = value;
  grow();
}

function grow() {
  text.style.height = 'auto';
  text.style.height = text.scrollHeight + 2 + 'px';
}

/** Forgets what was written: it is somebody else's turn. */
export function clear() {
  leaveEditing();
  fill('');
  attach.leave();
  complain(null);
  show(byId('limits'), '');
}

/** Says how many messages are left: {limit, left, seconds to the next hour}. */
export function showLimits({ limit, left, seconds }) {
  const until = new Date();
  if (seconds) until.setSeconds(until.getSeconds() + seconds);
  const more = left === 0 && seconds ? `; more at ${until.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}` : '';
  show(byId('limits'), `${left} of ${limit} messages left this hour${more}`);
}

api.news.addEventListener('limits', ({ detail }) => showLimits(detail));

// submit sends what is written, as soon as its files are ready.
async function submit() {
  const question = text.value;
  if (stopRunning || byId('send').disabled || !question.trim()) return;
  if (attach.pending()) return wait(!waiting);
  wait(false);
  const refused = attach.refused();
  if (refused) return show(byId('trouble'), `“${refused}” can’t be sent. Try it again, or remove it.`);
  const files = attach.attachments();
  const asked = JSON.stringify([question, files.map((f) => f.file_id)]);
  if (last.text !== asked) last = { text: asked, key: api.newKey() };
  byId('send').disabled = true;
  complain(null);
  try {
    const beside = edited;
    await thread.send(question, files, beside, last.key);
    last = { text: '', key: '' };
    edited = null;
    byId('editing').hidden = true;
    attach.clear();
    if (text.value === question) fill('');
  } catch (problem) {
    if (problem.status >= 400 && problem.status < 500) last = { text: '', key: '' };
    complain(problem);
  } finally {
    byId('send').disabled = false;
  }
}

// wait shows whether the question goes by itself when its files are ready.
function wait(on) {
  if (waiting === on) return;
  waiting = on;
  byId('send').textContent = on ? 'Don’t send' : 'Send';
  show(byId('waiting'), on ? 'Your question is sent as soon as its files are ready.' : '');
}

attach.onChange(() => {
  if (!waiting || attach.pending()) return;
  wait(false);
  submit();
});

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
byId('stop').addEventListener('click', () => {
  byId('stop').disabled = true;
  stopRunning?.();
});
byId('leave-editing').addEventListener('click', leaveEditing);
text.addEventListener('input', () => {
  wait(false); // what is still being written isn't sent
  grow();
});
text.addEventListener('keydown', (event) => {
  const send = event.key === 'Enter' && !event.shiftKey && !event.isComposing && !touch.matches;
  if (!send) return;
  event.preventDefault();
  submit();
});
