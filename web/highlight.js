// What is typed into the search field as a query, and what comes back as pieces.

/**
 * A text that is still being typed, as a query: its last word may go on. A phrase
 * that isn't closed, and what is not to be found, stand as they are.
 */
export function typed(text) {
  const last = /\S+$/u.exec(text)?.[0] ?? '';
  const within = (text.match(/["“”„«»「」『』]/gu) ?? []).length % 2 === 1;
  return within || /^-|["”»」』*]$/u.test(last) || !/[\p{L}\p{N}]/u.test(last) ? text : text + '*';
}

/**
 * Takes a text apart at its highlights, [from, to] each, in order, which count
 * characters (code points) as the server does and not the units of a string.
 * Returns {text, found} pieces; places that can't be are left out.
 */
export function pieces(text, highlights) {
  const characters = Array.from(text);
  const all = [];
  const add = (from, to, found) => { if (to > from) all.push({ text: characters.slice(from, to).join(''), found }); };
  let at = 0;
  for (const [from, to] of highlights) {
    if (!(from >= at && to > from && to <= characters.length)) continue;
    add(at, from, false);
    add(from, to, true);
    at = to;
  }
  add(at, characters.length, false);
  return all;
}
