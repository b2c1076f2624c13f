// Drives the search field in a browser: as somebody who looks for what was said.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as browser from './browser.mjs';
import { complaints, skip, url } from './browser.mjs';

let chromium;
let page;
const QUESTION = 'Was the keeper’s parrot 🦜 called <b>Zebulon</b><img src=x onerror=alert(1)>? Say yes.';

before(async () => {
  if (skip) return;
  ({ browser: chromium, page } = await browser.launch());
  await page.goto(url);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await browser.fillIn(page, browser.somebody('Ida Search'));
  await page.locator('#signup button.main').click();
  await page.locator('#room').waitFor();
});
after(() => chromium?.close());

const field = () => page.getByRole('searchbox', { name: 'Search all chats and files' });
const hits = () => page.locator('#hits a');
const state = (text) => page.locator('#search-state').getByText(text).waitFor();
const focused = () => page.evaluate(() => document.activeElement.id);

// asked asks and doesn't wait for the whole of an answer.
async function asked(text) {
  await browser.ask(text, page);
  await page.locator('#stop').click();
  await browser.complete(page);
}

test('words are found while they are typed, in another chat', { skip }, async () => {
  await asked(QUESTION);
  await asked('Say no.');
  await page.locator('#new-chat').click();
  await asked('Name a mountain.');
  await field().pressSequentially('zebu', { delay: 30 });
  await hits().first().waitFor();
  const found = hits().filter({ hasText: 'onerror' }).first();
  assert.equal(await found.locator('.text mark').first().innerText(), 'Zebulon');
  assert.match(await found.locator('.text').innerText(), /parrot 🦜 called <b>Zebulon<\/b><img src=x/);
  assert.equal(await found.locator('b, img').count(), 0, 'what was said became markup');
  assert.match(await page.locator('#search-state').innerText(), /^\d+ found\.$/);
  assert.equal(await page.locator('#news').innerText(), await page.locator('#search-state').innerText());
  assert.ok(await page.locator('#chats').isHidden());
  await browser.shoot('search', page);
});

test('a hit opens its chat at the message, however early that was', { skip }, async () => {
  // Pages of one message stand for a long chat.
  await page.route(/\/v1\/chats\/\w+\/messages(\?|$)/, (route) => {
    const to = new URL(route.request().url());
    to.searchParams.set('limit', '1');
    return route.continue({ url: String(to) });
  });
  await field().press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(/#\/c\/\w{26}\/\w{26}$/);
  const id = 'm-' + page.url().slice(-26);
  await page.waitForFunction((want) => document.activeElement.id === want, id);
  const box = await page.locator('#' + id).boundingBox();
  assert.ok(box.y >= 0 && box.y < 700, `the message stands at ${box.y}`);
  assert.ok(await page.locator('article').count() > 1, 'the rest of the chat is there, too');
  await page.unroute(/\/v1\/chats\/\w+\/messages(\?|$)/);
  await page.locator('#text').focus();
  await hits().first().click(); // it is open already
  await page.waitForFunction((want) => document.activeElement.id === want, id);
  await page.reload();
  await page.waitForFunction((want) => document.activeElement.id === want, id);
});

test('Escape goes back to the list', { skip }, async () => {
  await field().fill('mountain');
  await hits().first().waitFor();
  await field().press('ArrowDown');
  assert.notEqual(await focused(), 'search-text');
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'search-text');
  assert.equal(await field().inputValue(), '');
  await page.locator('#chats li').nth(1).waitFor();
  assert.equal(await hits().count(), 0);
});

test('Enter looks for what is written, and refusals are sentences', { skip }, async () => {
  await field().fill('zebu');
  await hits().first().waitFor();
  await field().press('Enter'); // no word is zebu
  await state('Nothing was found.');
  await field().fill('-zebulon');
  await state('A query needs a word that is to be found');
  await field().fill('');
  await page.locator('#chats li').first().waitFor();
});

test('an earlier search is given up for the one after it', { skip }, async () => {
  const ended = [];
  page.on('requestfailed', (request) => ended.push(request.url()));
  await page.route(/search\?q=zebulon/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue().catch(() => {});
  });
  const first = page.waitForRequest(/search\?q=zebulon/);
  await field().fill('zebulon');
  await first;
  await field().fill('mountain');
  await hits().filter({ hasText: 'mountain' }).first().waitFor();
  await page.waitForTimeout(2000);
  assert.equal(await hits().filter({ hasText: 'Zebulon' }).count(), 0);
  assert.equal(ended.filter((one) => one.includes('q=zebulon')).length, 1, `gave up ${ended}`);
});

test('the browser found nothing to complain about', { skip }, () => assert.deepEqual(complaints, []));
