import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pieces, typed } from '../highlight.js';

const marked = (text, places) => pieces(text, places).map((p) => (p.found ? `[${p.text}]` : p.text)).join('');

test('highlights count characters, not units or what is drawn', () => {
  assert.equal(marked('no place', []), 'no place');
  assert.equal(marked('', [[0, 1]]), '');
  assert.equal(marked('a fox and a fox', [[2, 5], [12, 15]]), 'a [fox] and a [fox]');
  assert.equal(marked('🦜🦜 parrot', [[0, 2], [3, 9]]), '[🦜🦜] [parrot]');
  assert.equal(marked('👩‍👩‍👧 cafe\u0301!', [[0, 5], [6, 11]]), '[👩‍👩‍👧] [cafe\u0301]!');
  assert.equal(marked('किताब 𝔣𝔬𝔵', [[6, 9]]), 'किताब [𝔣𝔬𝔵]');
});

test('every character is there once, whatever the places', () => {
  const text = 'x🦜y';
  for (const places of [[[0, 3]], [[2, 1]], [[0, 9]], [[-1, 2]], [[1, 2], [0, 1]], [[0, 2], [1, 3]], [[NaN, 1]], [['', 2]]]) {
    assert.equal(pieces(text, places).map((p) => p.text).join(''), text, JSON.stringify(places));
  }
});

test('the last word of what is typed may go on', () => {
  for (const [text, want] of [
    ['light', 'light*'], ['old light', 'old light*'], ['light ', 'light '], ['light*', 'light*'], ['"old light', '"old light'],
    ['"old light"', '"old light"'], ['"old light" kee', '"old light" kee*'], ['fox -ca', 'fox -ca'], ['-', '-'], ['?!', '?!'],
    ['государ', 'государ*'], ['„alt', '„alt'], ['v1.2', 'v1.2*'],
  ]) assert.equal(typed(text), want);
});
