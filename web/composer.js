// Where the user writes: sends, stops, and says what is left of the plan.

import * as api from './api.js';
import * as thread from './thread.js';
import { byId, show } from './dom.js';

const text = byId('text');
const touch = matchMedia('(pointer: coarse)');
let stopRunning = null; // stops the answer that runs
let edited = null; // the question that is being edited
let last = { text: '', key: '' }; // of the last send: the same text tried again keeps its key

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
  fill(message.text);
  text.focus();
}

function leaveEditing() {
  if (!edited) return;
  edited = null;
  byId('editing').hidden = true;
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

async function submit() {
  const question = text.value;
  if (stopRunning || byId('send').disabled || !question.trim()) return;
  if (last.text !== question) last = { text: question, key: api.newKey() };
  byId('send').disabled = true;
  complain(null);
  try {
    const beside = edited;
    await thread.send(question, beside, last.key);
    last = { text: '', key: '' };
    edited = null;
    byId('editing').hidden = true;
    if (text.value === question) fill('');
  } catch (problem) {
    if (problem.status >= 400 && problem.status < 500) last = { text: '', key: '' };
    complain(problem);
  } finally {
    byId('send').disabled = false;
  }
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
byId('stop').addEventListener('click', () => {
  byId('stop').disabled = true;
  stopRunning?.();
});
byId('leave-editing').addEventListener('click', leaveEditing);
text.addEventListener('input', grow);
text.addEventListener('keydown', (event) => {
  const send = event.key === 'Enter' && !event.shiftKey && !event.isComposing && !touch.matches;
  if (!send) return;
  event.preventDefault();
  submit();
});
