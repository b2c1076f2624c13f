// Drives the page in a browser as somebody who has files to ask about.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as browser from './browser.mjs';
import { ANSWER, complaints, skip, url } from './browser.mjs';

const PROCESSED = 60_000; // ms within which a file is processed
const PART = 8 << 20;
let chromium;
let page;
let folder; // of files of this test
let storage = ''; // origin
const sent = []; // requests to storage

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), 'parley-page-'));
  ({ browser: chromium, page } = await browser.launch());
  await page.goto(url);
  storage = /connect-src 'self' (\S+?);/.exec((await page.request.get(url)).headers()['content-security-policy'])[1];
  page.on('filechooser', () => {}); // from now on, choosers come to the test
  page.on('request', (request) => { if (request.url().startsWith(storage)) sent.push(request); });
  await page.getByRole('link', { name: 'Sign up' }).click();
  await browser.fillIn(page, browser.somebody('Grace Files'));
  await page.locator('#signup button.main').click();
  await page.locator('#room').waitFor();
});
after(async () => {
  await chromium?.close();
  if (folder) await rm(folder, { recursive: true });
});

const chip = (name) => page.locator('#tray .file').filter({ hasText: name });
const ready = (name) => chip(name).and(page.locator('[data-state="ready"]')).waitFor({ timeout: PROCESSED });
const choose = (...files) => page.setInputFiles('#file-input', files);
const puts = () => sent.filter((request) => request.method() === 'PUT').length;

// picture draws a PNG in the page.
async function picture(width, height) {
  const data = await page.evaluate(([w, h]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h });
    const paint = canvas.getContext('2d');
    paint.fillStyle = 'teal';
    paint.fillRect(0, 0, w, h);
    paint.fillStyle = 'gold';
    paint.fillRect(w / 4, h / 4, w / 2, h / 2);
    return canvas.toDataURL();
  }, [width, height]);
  return Buffer.from(data.split(',')[1], 'base64');
}

test('a text file is attached by drag and drop, sent, seen and downloaded', { skip }, async () => {
  const text = `The harbour master of Port Eynon is called Ottoline.\n${Date.now()}\n`;
  const dropped = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], 'harbour notes.txt', { type: 'text/plain' }));
    return data;
  }, text);
  await page.dispatchEvent('body', 'dragover', { dataTransfer: dropped });
  await page.locator('.drop-here').waitFor();
  await page.dispatchEvent('body', 'drop', { dataTransfer: dropped });
  await ready('harbour notes.txt');
  await page.locator('.drop-here').waitFor({ state: 'hidden' });
  await browser.ask('Who is the harbour master of Port Eynon? Answer with one short sentence.', page);
  const shown = page.locator('article.user').last().getByRole('button', { name: 'Download harbour notes.txt' });
  await shown.waitFor();
  assert.equal(await page.locator('#tray .file').count(), 0);
  await browser.complete(page);
  await browser.shoot('file', page);
  await page.reload();
  const [download] = await Promise.all([page.waitForEvent('download'), shown.click()]);
  assert.equal(download.suggestedFilename(), 'harbour notes.txt');
  assert.equal(await readFile(await download.path(), 'utf8'), text);
  assert.match(page.url(), /#\/c\/\w{26}$/, 'the download left the page');
  await page.locator('article.user').getByRole('button', { name: 'Edit' }).click();
  await ready('harbour notes.txt'); // it belongs to the question
  await page.locator('#leave-editing').click();
  assert.equal(await page.locator('#tray .file').count(), 0);
});

test('pictures are chosen by keyboard, pasted and seen', { skip }, async () => {
  await page.locator('#new-chat').click();
  await page.locator('#text:focus').waitFor();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.press('#attach', 'Enter')]);
  await chooser.setFiles([{ name: 'square.png', mimeType: 'image/png', buffer: await picture(900, 600) }]);
  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], 'pasted.png', { type: 'image/png' }));
    document.querySelector('#text').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...await picture(30, 20)]);
  for (const name of ['square.png', 'pasted.png']) {
    await ready(name);
    assert.ok(await chip(name).locator('img').evaluate((image) => image.naturalWidth > 0), 'no preview');
  }
  await browser.ask('What do you see?', page); // the model doesn't see
  await page.locator('#trouble').waitFor();
  assert.match(await page.locator('#trouble').innerText(), /\w+ .*\./);
  assert.equal(await page.locator('#tray .file').count(), 2);
  const [gone] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'DELETE' && response.status() === 204),
    page.getByRole('button', { name: 'Remove pasted.png' }).click(),
  ]);
  assert.match(gone.url(), /\/v1\/files\/\w{26}$/);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Remove square.png');
});

// To a model that sees, if there is one; the page leaves the choice to the server.
test('the thumbnail of a picture is seen in its message', { skip }, async (t) => {
  const seeing = process.env.MODELS && JSON.parse(process.env.MODELS).find((model) => model.vision);
  if (!seeing) return t.skip('MODELS has no model that sees');
  await page.route('**/v1/messages', (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), model: seeing.name }) }));
  await browser.ask('What do you see?', page);
  const image = page.locator('article.user').last().getByAltText('square.png');
  const loaded = (width) => page.waitForFunction((w) => document.querySelector('article.user img')?.naturalWidth === w, width);
  await image.waitFor();
  await loaded(320); // made smaller by the server
  await browser.shoot('picture', page);
  await page.unroute('**/v1/messages');
  await page.locator('#stop').click();
  await page.reload();
  await loaded(320);
});

test('a question waits for its files', { skip }, async () => {
  await page.locator('#new-chat').click();
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route(storage + '/**', async (route) => {
    await held;
    await route.continue();
  });
  await choose({ name: 'slow.txt', mimeType: 'text/plain', buffer: Buffer.from(`slow ${Date.now()}`) });
  await browser.ask('Say hello.', page);
  await page.locator('#waiting').waitFor();
  await page.locator('#send').click(); // not now
  await page.locator('#waiting').waitFor({ state: 'hidden' });
  await page.locator('#send').click();
  await page.locator('#waiting').waitFor();
  assert.equal(await page.locator('article').count(), 0);
  release();
  await page.locator('article.user').getByRole('button', { name: 'Download slow.txt' }).waitFor({ timeout: PROCESSED });
  await page.unroute(storage + '/**');
  await page.locator('#stop').click({ timeout: ANSWER }).catch(() => {}); // or it has answered
  await browser.complete(page);
});

test('an upload that breaks off goes on where it stopped, even after the page was closed', { skip }, async () => {
  const big = { name: 'big.bin', mimeType: 'application/octet-stream', buffer: randomBytes(2 * PART + 12_345) };
  const later = /partNumber=[23]\b/;
  await page.route(later, (route) => route.abort('connectionreset'));
  const first = puts();
  await choose(big);
  await page.waitForFunction(() => /Uploading, [45]\d %/.test(document.querySelector('#tray .state')?.textContent));
  await browser.shoot('broken', page);
  await page.reload();
  await page.unroute(later);
  assert.ok(puts() - first > 2, 'parts were not tried again');
  const before = sent.length;
  await choose(big);
  await ready('big.bin');
  const again = sent.slice(before).filter((request) => request.method() === 'PUT').map((request) => /partNumber=(\d)/.exec(request.url())[1]);
  assert.deepEqual(again.sort(), ['2', '3']);
  await page.getByRole('button', { name: 'Remove big.bin' }).click();
});

test('what can’t be sent is tried again when the user says so', { skip }, async () => {
  const answers = [403, 400]; // the URL has ended; the bytes of the next are refused
  await page.route(storage + '/**', (route) => route.fulfill({ status: answers.shift(), headers: { 'Access-Control-Allow-Origin': '*' } }));
  const fresh = page.waitForResponse((response) => /\/v1\/uploads\/\w{26}$/.test(response.url()) && response.ok());
  await choose({ name: 'again.txt', mimeType: 'text/plain', buffer: Buffer.from(`again ${Date.now()}`) });
  await fresh;
  await chip('again.txt').and(page.locator('[data-state="failed"]')).waitFor();
  assert.deepEqual(answers, []);
  await browser.ask('Say hello.', page);
  assert.match(await page.locator('#trouble').innerText(), /again\.txt/);
  await page.unroute(storage + '/**');
  await page.getByRole('button', { name: 'Try again to send again.txt' }).click();
  await ready('again.txt');
  await page.getByRole('button', { name: 'Remove again.txt' }).click();
});

test('a file that the user has already is there at once, and stays when it is taken from the question', { skip }, async () => {
  const twice = { name: 'twice.txt', mimeType: 'text/plain', buffer: Buffer.from(`twice ${Date.now()}`) };
  await choose(twice);
  await ready('twice.txt');
  const before = puts();
  const deleted = [];
  const note = (request) => { if (request.method() === 'DELETE') deleted.push(request.url()); };
  page.on('request', note);
  await choose({ ...twice, name: 'again the same.txt' });
  await page.waitForFunction(() => document.querySelectorAll('#tray [data-state="ready"]').length === 2);
  assert.equal(puts(), before);
  await page.getByRole('button', { name: 'Remove again the same.txt' }).click();
  assert.deepEqual(deleted, []);
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'DELETE' && response.status() === 204),
    page.getByRole('button', { name: 'Remove twice.txt' }).click(),
  ]);
  page.off('request', note);
});

test('what the server says of a file is shown', { skip }, async () => {
  const looks = [{ status: 'processing', stage: 'scan' }, { status: 'rejected', reason: { code: 'malware', detail: 'Malware was found in this file.' } }];
  let looked;
  await page.route('**/v1/files/*', async (route) => {
    if (route.request().method() === 'DELETE') return route.continue();
    await new Promise((resolve) => { looked = resolve; }); // until the test has seen what was said before
    return route.fulfill({ json: looks.shift() });
  });
  const saying = (words) => chip('bad.txt').locator('.state').getByText(words).waitFor();
  const look = async () => { // lets the page's next look be answered
    while (!looked) await page.waitForTimeout(20);
    looked();
    looked = undefined;
  };
  await choose({ name: 'bad.txt', mimeType: 'text/plain', buffer: Buffer.from(`bad ${Date.now()}`) });
  await saying('Processing…');
  await look();
  await saying('Looking for malware…');
  await look();
  await saying('Malware was found in this file.');
  assert.ok(await chip('bad.txt').locator('progress').isHidden());
  await browser.ask('Say hello.', page);
  assert.match(await page.locator('#trouble').innerText(), /bad\.txt/);
  await page.unroute('**/v1/files/*');
  await page.getByRole('button', { name: 'Remove bad.txt' }).click();
});

test('files that nobody can send are refused at once', { skip }, async () => {
  const huge = join(folder, 'huge.bin');
  const file = await open(huge, 'w');
  await file.truncate(600 << 20);
  await file.close();
  const before = sent.length;
  await page.setInputFiles('#file-input', huge);
  await page.locator('#trouble').getByText('“huge.bin” is too large, with 600 MB: a file can have at most 512 MB.').waitFor();
  await choose({ name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await page.locator('#trouble').getByText('“empty.txt” is empty').waitFor();
  await choose(...Array.from({ length: 11 }, (_, n) => ({ name: `n${n}.txt`, mimeType: 'text/plain', buffer: Buffer.from(`${n} ${Date.now()}`) })));
  await page.locator('#trouble').getByText('at most 10 files').waitFor();
  assert.equal(await page.locator('#tray .file').count(), 10);
  assert.equal(sent.slice(before).filter((request) => /huge|empty/.test(request.url())).length, 0);
  await page.locator('#logout').click();
  await page.locator('#login').waitFor();
  assert.equal(await page.locator('#tray .file').count(), 0);
  assert.equal(await page.evaluate(() => localStorage.getItem('parley.uploads')), null);
});

test('storage never got the user’s token', { skip }, async () => {
  assert.ok(sent.some((request) => request.method() === 'GET') && puts() > 0);
  for (const request of sent) {
    const headers = await request.allHeaders();
    assert.equal(headers.authorization, undefined, request.url());
    assert.ok(!headers.referer, request.url());
  }
});

test('the browser found nothing to complain about', { skip }, () => assert.deepEqual(complaints, []));
