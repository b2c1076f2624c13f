// SHA-256 of a file, whole and by part, without holding more of it than a part.

/** Bytes of each part of an upload but its last. */
export const PART = 8 << 20;

/**
 * Resolves to {sha256, parts}, in lower-case hex. progress gets the bytes read so
 * far. Browsers digest only what is in memory at once, so a file of more than a
 * part is read by a worker, which has a digest that takes one piece after another.
 */
export function digest(file, progress, signal) {
  return file.size <= PART && crypto.subtle ? inOne(file) : inPieces(file, progress, signal);
}

async function inOne(file) {
  const sha256 = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer())));
  return { sha256, parts: [sha256] };
}

function inPieces(file, progress, signal) {
  const worker = new Worker(new URL('digest-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.addEventListener('error', (event) => reject(new Error(event.message)));
    worker.addEventListener('message', ({ data }) => {
      if (data.error) reject(new Error(data.error));
      else if (data.sha256) resolve(data);
      else progress(data.read);
    });
    worker.postMessage({ file, part: PART });
  }).finally(() => worker.terminate());
}

/** Bytes in lower-case hex. */
export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
