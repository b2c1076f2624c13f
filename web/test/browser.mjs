// What tests of the page share: a real browser before a running Parley.
// PARLEY_URL says where that is, CHROMIUM which browser (otherwise one that is
// found on the PATH), and CHROMIUM_LIBS a folder with libraries of its own, if it
// needs one. SCREENSHOTS names a folder for pictures of what the test saw.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const { chromium } = await import('playwright-core').catch(() => ({}));
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const executablePath = process.env.CHROMIUM ?? process.env.PATH.split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name))).find((file) => existsSync(file));

export const url = process.env.PARLEY_URL;

/** Why there is nothing to test with, or false. */
export const skip = !url ? 'PARLEY_URL is not set' : !chromium ? 'playwright-core is not installed: npm ci in web/test'
  : !executablePath ? 'no Chromium: install one or set CHROMIUM' : false;

export const ANSWER = 120_000; // ms within which a small model on two cores has answered

export const complaints = []; // of the browser: script errors, refused resources

/** Starts the browser; resolves to it and to a context with a page of its own. */
export async function launch() {
  const libs = process.env.CHROMIUM_LIBS;
  const browser = await chromium.launch({ executablePath, env: libs ? { ...process.env, LD_LIBRARY_PATH: libs } : process.env,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = listen(await context.newPage());
  page.setDefaultTimeout(20_000);
  return { browser, context, page };
}

/** Has what a page complains of collected. */
export function listen(to) {
  to.on('pageerror', (error) => complaints.push(String(error)));
  to.on('console', (m) => { if (/Content.Security.Policy|Refused to/i.test(m.text())) complaints.push(m.text()); });
  return to;
}

/** Somebody whom nobody else is. */
export function somebody(name) {
  const unique = Date.now().toString(36) + Math.random().toString(36).slice(2, 6);
  return { name, email: `${unique}@example.com`, password: 'wide open sesame 7',
    phone: '+447' + String(Date.now() + Math.floor(Math.random() * 1e6)).slice(-9) };
}

export async function fillIn(page, person) {
  for (const name of ['name', 'email', 'phone', 'password']) await page.fill(`#signup [name=${name}]`, person[name]);
}

export async function ask(text, page) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

export const lastAnswer = (page) => page.locator('article.assistant').last();
export const complete = (page) => page.locator('#messages:not(:has([aria-busy="true"])) article.assistant').last().waitFor({ timeout: ANSWER });
export const shoot = (name, page) => process.env.SCREENSHOTS && page.screenshot({ path: join(process.env.SCREENSHOTS, name + '.png') });
