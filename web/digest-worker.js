// Digests a file piece by piece: gets {file, part}, tells {read} after each piece,
// then {sha256, parts}, or {error}. The digest is @noble/hashes 2.4.0 (MIT), whose
// files lie in vendor/ as they are published.

import { hex } from './digest.js';
import { sha256 } from './vendor/noble-hashes/sha2.js';

// Where there is no secure context there is no digest by the browser.
const one = async (bytes) => (crypto.subtle ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)) : sha256(bytes));

addEventListener('message', async ({ data: { file, part } }) => {
  try {
    const whole = sha256.create();
    const parts = [];
    for (let at = 0; at < file.size; at += part) {
      const bytes = new Uint8Array(await file.slice(at, at + part).arrayBuffer());
      const ofPart = one(bytes); // by another thread, meanwhile
      whole.update(bytes);
      parts.push(hex(await ofPart));
      postMessage({ read: at + bytes.length });
    }
    postMessage({ sha256: hex(whole.digest()), parts });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
