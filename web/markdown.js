// A small subset of Markdown, parsed to plain data: no HTML goes in or out.
// render.js makes DOM nodes of it. The time is linear in the text's length.
//
// Blocks, each with the source `src` that it was made of:
//   {kind: 'heading', level, inline}   {kind: 'paragraph', inline}
//   {kind: 'code', language, text}     {kind: 'quote', blocks}
//   {kind: 'list', start|null, items: [blocks]}
//   {kind: 'table', head: [inline], rows: [[inline]]}   {kind: 'rule'}
// Inline: strings and {kind: 'code'|'strong'|'em'|'del'|'link'|'break', …}.

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])([ \t]+|$)/;
const QUOTE = /^ {0,3}> ?/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const DEEPEST = 8; // nesting that is still parsed

/** Parses a text into blocks. */
export const parse = (text) => blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);

function blocks(lines, depth) {
  const out = [];
  for (let at = 0; at < lines.length;) {
    if (lines[at].trim() === '') {
      at++;
      continue;
    }
    const [block, end] = read(lines, at, depth);
    block.src = lines.slice(at, end).join('\n');
    out.push(block);
    at = end;
  }
  return out;
}

// read takes one block; it returns the block and the line after it.
function read(lines, at, depth) {
  const line = lines[at];
  const heading = HEADING.exec(line);
  if (FENCE.test(line)) return fence(lines, at);
  if (heading) return [{ kind: 'heading', level: heading[1].length, inline: inline(heading[2].replace(/[ \t]+#+[ \t]*$/, '')) }, at + 1];
  if (RULE.test(line)) return [{ kind: 'rule' }, at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quote(lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return list(lines, at, depth);
  if (isTable(lines, at)) return table(lines, at);
  return paragraph(lines, at, depth);
}

// A fence that is still open, as in an answer that is being written, reaches to
// the end.
function fence(lines, at) {
  const [, mark, language] = FENCE.exec(lines[at]);
  const closes = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*$`);
  let end = at + 1;
  while (end < lines.length && !closes.test(lines[end])) end++;
  return [{ kind: 'code', language, text: lines.slice(at + 1, end).join('\n') }, Math.min(end + 1, lines.length)];
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  return [{ kind: 'quote', blocks: blocks(lines.slice(at, end).map((l) => l.replace(QUOTE, '')), depth + 1) }, end];
}

function list(lines, at, depth) {
  const ordered = /\d/.test(ITEM.exec(lines[at])[2]);
  const start = ordered ? parseInt(ITEM.exec(lines[at])[2], 10) : null;
  const items = [];
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (!item || RULE.test(lines[end]) || /\d/.test(item[2]) !== ordered) break;
    const width = item[1].length + item[2].length + Math.min(Math.max(item[3].length, 1), 4);
    const from = end;
    end = itemEnd(lines, end + 1, width);
    const body = [lines[from].slice(width), ...lines.slice(from + 1, end).map((l) => unindent(l, width))];
    items.push(blocks(body, depth + 1));
  }
  return [{ kind: 'list', start, items }, end];
}

// An item goes on while lines are indented to its text, over blank lines too,
// and through lines that merely continue its paragraph.
function itemEnd(lines, at, width) {
  for (; at < lines.length; at++) {
    const line = lines[at];
    if (line.trim() === '') {
      let next = at + 1;
      while (next < lines.length && lines[next].trim() === '') next++;
      if (next < lines.length && indent(lines[next]) >= Math.min(width, 2)) continue;
      if (next < lines.length && ITEM.test(lines[next])) return next;
      return at;
    }
    if (indent(line) < Math.min(width, 2) && starts(line)) return at;
  }
  return at;
}

const indent = (line) => /^ */.exec(line)[0].length;
const unindent = (line, width) => line.slice(Math.min(indent(line), width));
const starts = (line) => ITEM.test(line) || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line);

function isTable(lines, at) {
  return lines[at].includes('|') && at + 1 < lines.length && DELIMITERS.test(lines[at + 1]) &&
    lines[at + 1].includes('-') && cells(lines[at]).length === cells(lines[at + 1]).length;
}

function table(lines, at) {
  const head = cells(lines[at]).map((c) => inline(c));
  const rows = [];
  let end = at + 2;
  for (; end < lines.length && lines[end].includes('|') && !starts(lines[end]); end++) {
    const row = cells(lines[end]).slice(0, head.length).map((c) => inline(c));
    while (row.length < head.length) row.push([]);
    rows.push(row);
  }
  return [{ kind: 'table', head, rows }, end];
}

const cells = (line) => line.trim().replace(/^\|/, '').replace(/\|$/, '').split('|').map((c) => c.trim());

function paragraph(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== '' && !(starts(lines[end]) && depth < DEEPEST)) end++;
  return [{ kind: 'paragraph', inline: inline(lines.slice(at, end).map((l) => l.trimStart()).join('\n')) }, end];
}

const SPECIAL = /[\\`*_~[!<\n]|https?:\/\//g;
const PAIRS = [['**', 'strong'], ['__', 'strong'], ['~~', 'del'], ['*', 'em'], ['_', 'em']];
const PUNCTUATION = /[!-/:-@[-`{-~]/;

/** Parses the inside of a paragraph. */
export function inline(text, depth = 0) {
  const out = [];
  const dead = new Set(); // marks that nothing further on closes
  let plain = '';
  let at = 0;
  const put = (node) => {
    if (plain) out.push(plain);
    plain = '';
    out.push(node);
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = depth < DEEPEST ? SPECIAL.exec(text)?.index ?? text.length : text.length;
    plain += text.slice(at, next);
    if (next === text.length) break;
    const found = special(text, next, depth, dead);
    if (found.node) put(found.node);
    else plain += found.text;
    at = next + found.length;
  }
  if (plain) out.push(plain);
  return out;
}

// special reads what stands at a special character: a node, or just text.
function special(text, at, depth, dead) {
  const c = text[at];
  if (c === '\\' && PUNCTUATION.test(text[at + 1] ?? '')) return { text: text[at + 1], length: 2 };
  if (c === '\n') return lineEnd(text, at);
  const found = (c === '`' && code(text, at, dead)) || (c === '[' && link(text, at, depth, dead)) ||
    (c === '!' && text[at + 1] === '[' && image(text, at, depth, dead)) || (c === '<' && pointed(text, at)) ||
    (c === 'h' && bare(text, at)) || pair(text, at, depth, dead);
  return found || { text: c, length: 1 };
}

// Models end lines where they want them to end, so a line end is one.
function lineEnd(text, at) {
  return { node: { kind: 'break' }, length: 1 + /^[ \t]*/.exec(text.slice(at + 1, at + 20))[0].length };
}

function code(text, at, dead) {
  let width = 1;
  while (text[at + width] === '`') width++;
  const mark = '`'.repeat(width);
  const end = dead.has(mark) ? -1 : exactly(text, mark, at + width);
  if (end < 0) {
    dead.add(mark);
    return { text: mark, length: width };
  }
  const inside = text.slice(at + width, end).replace(/\n/g, ' ');
  const trimmed = /^ .*\S.* $/.test(inside) ? inside.slice(1, -1) : inside;
  return { node: { kind: 'code', text: trimmed }, length: end + width - at };
}

// exactly finds mark where it isn't part of a longer run.
function exactly(text, mark, from) {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at)) {
    let end = at;
    while (text[end] === mark[0]) end++;
    if (end - at === mark.length) return at;
    at = end;
  }
  return -1;
}

function pair(text, at, depth, dead) {
  for (const [mark, kind] of PAIRS) {
    if (!text.startsWith(mark, at) || dead.has(mark)) continue;
    if (!/\S/.test(text[at + mark.length] ?? '') || (mark[0] === '_' && /\w/.test(text[at - 1] ?? ''))) continue;
    const end = closing(text, mark, at + mark.length);
    if (end < 0) {
      dead.add(mark);
      continue;
    }
    return { node: { kind, inline: inline(text.slice(at + mark.length, end), depth + 1) }, length: end + mark.length - at };
  }
  return null;
}

function closing(text, mark, from) {
  for (let at = text.indexOf(mark, from + 1); at >= 0; at = text.indexOf(mark, at + mark.length)) {
    const single = mark.length === 1;
    if (single && text[at + 1] === mark) {
      at++;
      continue;
    }
    const inside = /\S/.test(text[at - 1]) && text[at - 1] !== '\\';
    if (inside && !(mark[0] === '_' && /\w/.test(text[at + mark.length] ?? ''))) return at;
  }
  return -1;
}

const TARGET = /\]\(<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:[ \t]+"[^"\n]*")?\)/y;
const LONGEST_LABEL = 1000;

function link(text, at, depth, dead) {
  const end = dead.has(']') ? -1 : text.indexOf('](', at);
  if (end < 0) dead.add(']');
  if (end < 0 || end - at > LONGEST_LABEL) return null;
  TARGET.lastIndex = end;
  const target = TARGET.exec(text.slice(0, end + 2100));
  const href = target && safe(target[1]);
  if (!href) return null;
  return { node: { kind: 'link', href, inline: inline(text.slice(at + 1, end), depth + 1) }, length: end + target[0].length - at };
}

// A picture would be fetched from wherever the text says, so it becomes a link.
function image(text, at, depth, dead) {
  const found = link(text, at + 1, depth, dead);
  return found && { node: found.node, length: found.length + 1 };
}

function pointed(text, at) {
  const found = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/.exec(text.slice(at, at + 2100));
  const href = found && safe(found[1]);
  return href && { node: { kind: 'link', href, inline: [found[1]] }, length: found[0].length };
}

function bare(text, at) {
  if (/\w/.test(text[at - 1] ?? '')) return null;
  const found = /^https?:\/\/[^\s<>"'`*]+/.exec(text.slice(at, at + 2100));
  if (!found) return null;
  const trimmed = found[0].replace(/[.,;:!?)\]]+$/, '');
  const href = safe(trimmed);
  return href && { node: { kind: 'link', href, inline: [trimmed] }, length: trimmed.length };
}

/** The address if a link may lead there, else ''. */
export function safe(address) {
  try {
    const url = new URL(address);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : '';
  } catch {
    return '';
  }
}
