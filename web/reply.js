// Follows a reply from its first event to its last over any number of
// connections.

import * as api from './api.js';
import { Decoder } from './sse.js';

const SILENCE = 40_000; // ms; the server says something every 15 s
const DROPS = 8; // connections in a row that bring nothing

/**
 * Yields {name, ...data} for every event of a reply: status, delta, and at the
 * end done or error. Ends early only by the signal or by throwing a Problem.
 */
export async function* follow(chat, reply, signal) {
  let after = '';
  for (let drop = 0; drop < DROPS; drop++) {
    try {
      for await (const event of connection(chat, reply, after, signal)) {
        after = event.id;
        drop = 0;
        yield { ...JSON.parse(event.data), name: event.name };
        if (event.name === 'done' || event.name === 'error') return;
      }
    } catch (error) {
      if (signal.aborted || (error.status && error.status < 500)) throw error;
    }
    await api.pause(Math.min(250 * 2 ** drop, 5000), signal);
  }
  throw new api.Problem(0, 'stream_lost', 'The connection to the answer broke. Reload the page to see it.');
}

// connection yields the events of one connection. One that falls silent is
// given up, so that a laptop that slept finds its answer again.
async function* connection(chat, reply, after, signal) {
  const silent = new AbortController();
  const either = AbortSignal.any([signal, silent.signal]);
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const response = await api.stream(chat, reply, after, either);
    const decoder = new Decoder();
    decoder.id = after;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      yield* decoder.push(part.value);
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}
