// Sign-up, log-in, and what mailed links lead to.

import * as api from './api.js';
import { countries, home } from './countries.js';
import { byId, el, show } from './dom.js';

const FORMS = ['login', 'signup', 'forgot', 'reset'];
let resetToken = '';

/** Shows the form of that name, log-in if there is none. */
export function open(name) {
  const wanted = FORMS.includes(name) && (name !== 'reset' || resetToken) ? name : 'login';
  document.title = 'Parley';
  byId('entry').hidden = false;
  if (wanted === 'signup') fillCountries();
  for (const form of FORMS) byId(form).hidden = form !== wanted;
  byId(wanted).elements[0].focus();
}

/** Hides all forms and forgets what was typed. */
export function close() {
  byId('entry').hidden = true;
  show(byId('entry-notice'), '');
  for (const form of FORMS) byId(form).reset();
}

/** Does what a mailed link asks for, 'verify' or 'reset'; resolves to what to say. */
export async function fromMail(name, token) {
  if (name === 'reset') {
    resetToken = token;
    byId('room').hidden = true;
    open('reset');
    return '';
  }
  try {
    await api.verifyEmail(token);
    return 'Thank you: your e-mail address is confirmed.';
  } catch (problem) {
    return problem.message;
  }
}

/** Says something beneath the forms. */
export function notice(text) { show(byId('entry-notice'), text); }

function fillCountries() {
  const select = byId('signup').elements.country;
  if (select.options.length) return;
  select.append(el('option', { value: '' }, 'Choose…'), ...countries().map(({ code, name }) => el('option', { value: code }, name)));
  select.value = home();
}

// handle connects a form to what it does; do gets the form's values.
function handle(name, what) {
  const form = byId(name);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button.main');
    complain(form, null);
    if (!complete(form)) return;
    button.disabled = true;
    try {
      await what(Object.fromEntries(new FormData(form)));
    } catch (problem) {
      complain(form, problem);
    } finally {
      button.disabled = false;
    }
  });
}

// complete points at the first field that is still to be filled in.
function complete(form) {
  const bad = [...form.elements].find((field) => field.willValidate && !field.checkValidity());
  if (!bad) return true;
  complain(form, { message: 'Something is still missing.', fields: [{ field: bad.name, detail: bad.validationMessage }] });
  return false;
}

// Which field a refusal is about, where its code says so.
const FIELD_OF = { email_taken: 'email', phone_taken: 'phone' };

function complain(form, problem) {
  for (const note of form.querySelectorAll('.field-problem')) note.remove();
  for (const field of form.elements) field.removeAttribute?.('aria-invalid');
  const fields = problem?.fields?.length ? problem.fields
    : FIELD_OF[problem?.code] ? [{ field: FIELD_OF[problem.code], detail: problem.message }] : [];
  const known = fields.filter(({ field }) => form.elements[field]);
  for (const { field, detail } of known) mark(form.elements[field], detail);
  form.elements[known[0]?.field]?.focus();
  show(form.querySelector('.problem'), problem && !known.length ? api.sentence(problem) : '');
}

function mark(input, detail) {
  input.setAttribute('aria-invalid', 'true');
  const id = `${input.form.id}-${input.name}-problem`;
  input.after(el('span', { className: 'field-problem', id }, detail));
  input.setAttribute('aria-describedby', id);
}

const enter = () => { location.hash = '#/'; };

handle('login', async ({ email, password }) => {
  await api.logIn(email, password);
  enter();
});
handle('signup', async (person) => {
  await api.signUp({ ...person, phone: person.phone.replace(/[\s().-]/g, '') });
  enter();
});
handle('forgot', async ({ email }) => {
  await api.forgotPassword(email);
  location.hash = '#login';
  notice('If there is an account with that address, a link is on its way to it.');
});
handle('reset', async ({ password }) => {
  await api.resetPassword(resetToken, password);
  resetToken = '';
  open('login');
  notice('Your password is set. Log in with it.');
});
