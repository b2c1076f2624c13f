import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inline, parse, safe } from '../markdown.js';

const kinds = (text) => parse(text).map((b) => b.kind);
const bare = (blocks) => JSON.parse(JSON.stringify(blocks, (k, v) => (k === 'src' ? undefined : v)));

test('blocks', () => {
  assert.deepEqual(kinds('# A\ntext\n\n- a\n- b\n\n1. x\n\n> q\n\n---\n\n```js\n1\n```\n|a|b|\n|-|-|\n|1|2|'),
    ['heading', 'paragraph', 'list', 'list', 'quote', 'rule', 'code', 'table']);
});

test('a fence that is still open reaches to the end', () => {
  assert.deepEqual(bare(parse('```go\nfunc main() {\n\n  # not a heading')),
    [{ kind: 'code', language: 'go', text: 'func main() {\n\n  # not a heading' }]);
});

test('lists nest and hold code', () => {
  const [list] = bare(parse('1. one\n   - inner\n2. two\n\n   ```\n   x\n   ```\n3. three'));
  assert.equal(list.items.length, 3);
  assert.equal(list.items[0][1].kind, 'list');
  assert.deepEqual(list.items[1][1], { kind: 'code', language: '', text: 'x' });
});

test('inline', () => {
  const cases = {
    'a **b** c': ['a ', { kind: 'strong', inline: ['b'] }, ' c'],
    '*a **b***': [{ kind: 'em', inline: ['a ', { kind: 'strong', inline: ['b'] }] }],
    '2 * 3 * 4': ['2 * 3 * 4'],
    'snake_case_name': ['snake_case_name'],
    '`a*b*`': [{ kind: 'code', text: 'a*b*' }],
    '`` a`b ``': [{ kind: 'code', text: 'a`b' }],
    '\\*a\\*': ['*a*'],
    '**open': ['**open'],
    'a\nb': ['a', { kind: 'break' }, 'b'],
    '[a](https://e.org/x)': [{ kind: 'link', href: 'https://e.org/x', inline: ['a'] }],
    'see https://e.org/a.': ['see ', { kind: 'link', href: 'https://e.org/a', inline: ['https://e.org/a'] }, '.'],
    '![p](https://e.org/p.png)': [{ kind: 'link', href: 'https://e.org/p.png', inline: ['p'] }],
    '<b>x</b>': ['<b>x</b>'],
  };
  for (const [text, want] of Object.entries(cases)) assert.deepEqual(bare(inline(text)), want, text);
});

test('links lead to the web and nowhere else', () => {
  for (const bad of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'vbscript:x', '/relative', 'file:///etc/passwd', '']) {
    assert.equal(safe(bad), '', bad);
    assert.equal(inline(`[x](${bad})`).some((n) => n.kind === 'link'), false, bad);
  }
});

test('no text is lost', () => {
  const text = 'One *two `three` [four](https://e.org) ~~five~~ __six__ \\a 7 < 8';
  const flat = (nodes) => nodes.map((n) => (typeof n === 'string' ? n : n.text ?? flat(n.inline ?? []))).join('');
  assert.equal(flat(inline(text)), 'One *two three four five six \\a 7 < 8');
});

test('hostile text takes no long time', () => {
  for (const piece of ['*', '**a', '`', '[', '[a](', '> ', '- ', '_a', '|', '![', '<', '~~', '*a **b ', '# ', '1. ', '\\', '((', '``a`']) {
    const start = performance.now();
    parse(piece.repeat(20_000));
    parse((piece + '\n').repeat(5_000));
    assert.ok(performance.now() - start < 1500, `${piece}: ${performance.now() - start} ms`);
  }
});
