// Drives the page in a browser as its users do: signs up, asks, goes on elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as browser from './browser.mjs';
import { ANSWER, complaints, fillIn, listen, skip, url } from './browser.mjs';

const person = browser.somebody('Ada Page');
let chromium;
let context;
let page;

const ask = (text, of = page) => browser.ask(text, of);
const lastAnswer = (of = page) => browser.lastAnswer(of);
const complete = (of = page) => browser.complete(of);
const shoot = (name, of = page) => browser.shoot(name, of);

before(async () => {
  if (!skip) ({ browser: chromium, context, page } = await browser.launch());
});
after(() => chromium?.close());

test('sign up', { skip }, async () => {
  await page.goto(url);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await page.locator('#signup button.main').click();
  await page.locator('#signup .field-problem').first().waitFor(); // nothing was filled in
  await fillIn(page, person);
  assert.equal(await page.inputValue('#signup [name=country]'), 'GB');
  await shoot('signup');
  await page.locator('#signup button.main').click();
  await page.locator('#room').waitFor();
  await page.locator('#who').getByText('Ada').waitFor();
});

test('a question gets a streamed answer', { skip }, async () => {
  await page.evaluate(() => { // a short answer may be written faster than anybody looks
    new MutationObserver(() => {
      if (document.querySelector('article.assistant[aria-busy="true"] .body:not(:empty)')) window.seenWritten = true;
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await ask('What is the capital of France? Answer with one short sentence.');
  await lastAnswer().waitFor();
  await complete();
  assert.ok(await page.evaluate(() => window.seenWritten));
  assert.match(await lastAnswer().locator('.body').innerText(), /\w/);
  assert.match(page.url(), /#\/c\/\w{26}$/);
  assert.match(await page.locator('#limits').innerText(), /^\d+ of \d+ messages left/);
  await shoot('answer');
});

test('a reload finds everything again', { skip }, async () => {
  const text = await lastAnswer().locator('.body').innerText();
  await page.reload();
  await complete();
  assert.equal(await lastAnswer().locator('.body').innerText(), text);
  await page.locator('#chats li').waitFor(); // and no second one
});

test('a reply that runs is picked up by a reload and by a second tab, and stopped', { skip }, async () => {
  await ask('Write a very long story about a lighthouse, with many chapters.');
  await page.locator('article.assistant[aria-busy="true"] .body:not(:empty)').waitFor({ timeout: ANSWER });
  await page.reload();
  const other = listen(await context.newPage());
  await other.goto(page.url());
  for (const tab of [page, other]) await tab.locator('#stop').waitFor();
  await page.locator('#stop').click();
  for (const tab of [page, other]) await complete(tab);
  assert.match(await lastAnswer().locator('.note').innerText(), /Stopped/);
  assert.equal(await lastAnswer(other).locator('.body').innerText(), await lastAnswer().locator('.body').innerText());
  await other.close();
});

test('regenerate and edit stand beside what was there', { skip }, async () => {
  await lastAnswer().getByRole('button', { name: 'Regenerate' }).click();
  await page.locator('#stop').click();
  await complete();
  await page.getByText('2 of 2').waitFor();
  await lastAnswer().getByRole('button', { name: 'Earlier version' }).click();
  await page.getByText('1 of 2').waitFor();
  await page.locator('article.user').first().getByRole('button', { name: 'Edit' }).click();
  await ask('What is the capital of Italy? Answer with one short sentence.');
  await page.locator('article.user').getByText('2 of 2').waitFor();
  await complete();
  assert.equal(await page.locator('article').count(), 2);
  await lastAnswer().getByRole('button', { name: 'Good answer' }).click();
  await page.locator('[aria-pressed=true]').waitFor();
  await page.reload();
  await page.locator('[aria-pressed=true]').waitFor();
  await page.locator('article.user').getByText('2 of 2').waitFor();
});

test('chats are renamed, pinned and deleted', { skip }, async () => {
  const row = page.locator('#chats li').first();
  await row.hover();
  await row.getByRole('button', { name: /^Rename/ }).click();
  await page.fill('#ask-value', 'Capitals');
  await page.locator('#ask-yes').click();
  await page.locator('#chats').getByText('Capitals').waitFor();
  await row.hover();
  await row.getByRole('button', { name: /^Pin/ }).click();
  await page.locator('#chats li.pinned').waitFor();
  await row.hover();
  await row.getByRole('button', { name: /^Delete/ }).click();
  await page.locator('#ask-yes').click();
  await page.locator('#chats li').waitFor({ state: 'detached' });
  assert.match(page.url(), /#\/$/);
});

test('two tabs refresh without ending their session', { skip }, async () => {
  const tabs = await Promise.all([context.newPage(), context.newPage(), context.newPage()]);
  await Promise.all(tabs.map((tab) => listen(tab).goto(url)));
  for (const tab of tabs) await tab.locator('#who:not(:empty)').waitFor();
  await tabs[0].locator('#logout').click();
  for (const tab of [...tabs, page]) await tab.locator('#login').waitFor();
  await Promise.all(tabs.map((tab) => tab.close()));
});

const aws = process.env.AWS_ENDPOINT_URL; // the embedded AWS keeps the mails that it was told to send
const noMail = skip || (!aws && 'AWS_ENDPOINT_URL is not set');

// mailed resolves to the newest link of that kind that was mailed to the person.
async function mailed(kind) {
  for (let tries = 0; tries < 40; tries++) {
    const { messages } = await (await fetch(aws + '/_ministack/ses/messages')).json();
    const links = Object.values(messages).flat().filter((m) => m.To.includes(person.email))
      .map((m) => new RegExp(`#${kind}=\\S+`).exec(m.BodyText)?.[0]).filter(Boolean);
    if (links.length) return url + '/' + links.at(-1);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`no ${kind} link was mailed`);
}

test('mailed links reset the password and confirm the address', { skip: noMail }, async () => {
  const proof = await mailed('verify');
  await page.goto(proof);
  await page.locator('#entry-notice').getByText('is confirmed').waitFor();
  assert.doesNotMatch(page.url(), /verify/, 'the secret stays in the address');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.fill('#forgot [name=email]', person.email);
  await page.locator('#forgot button.main').click();
  await page.getByText('a link is on its way').waitFor();
  await page.goto(await mailed('reset'));
  person.password = 'a wholly new one 9';
  await page.fill('#reset [name=password]', person.password);
  await page.locator('#reset button.main').click();
  await page.getByText('Your password is set').waitFor();
  await page.fill('#login [name=email]', person.email);
  await page.fill('#login [name=password]', person.password);
  await page.locator('#login button.main').click();
  await page.locator('#who:not(:empty)').waitFor();
  assert.ok(await page.locator('#verify-notice').isHidden());
  await page.goto(proof); // which was used
  await page.locator('#room-notice').waitFor();
  await page.locator('#logout').click();
  await page.locator('#login').waitFor();
});

test('refusals are sentences', { skip }, async () => {
  await page.fill('#login [name=email]', person.email);
  await page.fill('#login [name=password]', 'not the password');
  await page.locator('#login button.main').click();
  await page.locator('#login .problem').waitFor();
  assert.match(await page.locator('#login .problem').innerText(), /\w+ .*\./);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await fillIn(page, person);
  await page.locator('#signup button.main').click();
  await page.locator('#signup .field-problem').waitFor();
  assert.equal(await page.getAttribute('#signup [name=email]', 'aria-invalid'), 'true');
  await shoot('taken');
});

test('the browser found nothing to complain about', { skip }, () => assert.deepEqual(complaints, []));
