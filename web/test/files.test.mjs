import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digest, hex } from '../digest.js';
import { sha256 } from '../vendor/noble-hashes/sha2.js';

const expected = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bytes = (length) => Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 8));

test('a digest that is fed in pieces is that of the whole', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 100_003]) {
    for (const size of [1, 63, 64, 65, 4096]) {
      const whole = bytes(length);
      const sum = sha256.create();
      for (let at = 0; at < length; at += size) sum.update(whole.subarray(at, at + size));
      assert.equal(hex(sum.digest()), expected(whole), `${length} bytes in pieces of ${size}`);
    }
  }
});

test('a small file is digested at once', async () => {
  const file = new Blob([bytes(10_000)]);
  const sha256 = expected(bytes(10_000));
  assert.deepEqual(await digest(file, () => {}, new AbortController().signal), { sha256, parts: [sha256] });
});

test('a large file is digested by part and as a whole, in order', async () => {
  const told = [];
  const listeners = {};
  globalThis.addEventListener = (name, fn) => { listeners[name] = fn; };
  globalThis.postMessage = (data) => told.push(data);
  await import('../digest-worker.js');
  const whole = bytes(2_500);
  await listeners.message({ data: { file: new Blob([whole]), part: 1000 } });
  const parts = [0, 1000, 2000].map((at) => expected(whole.subarray(at, at + 1000)));
  assert.deepEqual(told, [{ read: 1000 }, { read: 2000 }, { read: 2500 }, { sha256: expected(whole), parts }]);
  const unreadable = { size: 10, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('moved')) }) };
  await listeners.message({ data: { file: unreadable, part: 1000 } });
  assert.deepEqual(told.at(-1), { error: 'Error: moved' });
});
