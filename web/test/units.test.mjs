import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '../sse.js';
import { Tree } from '../tree.js';

globalThis.addEventListener ??= () => {}; // what is imported next listens to its window
const { refusal } = await import('../upload.js');

test('the decoder takes events apart however they arrive', () => {
  const text = '\ufeff: hello\n\nid: 1\nevent: delta\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 2\ndata\n\ndata: lost';
  const want = [{ id: '1', name: 'delta', data: '{"a":\n1}' }, { id: '2', name: 'message', data: '' }];
  assert.deepEqual(new Decoder().push(text), want);
  for (const size of [1, 2, 3, 7]) {
    const decoder = new Decoder();
    const got = [];
    for (let at = 0; at < text.length; at += size) got.push(...decoder.push(text.slice(at, at + size)));
    assert.deepEqual(got, want, `in pieces of ${size}`);
  }
});

const message = (message_id, parent_id) => ({ message_id, parent_id });
const ids = (tree) => tree.path().map((m) => m.message_id).join('');

test('a tree shows one way through its messages', () => {
  const tree = new Tree();
  tree.add(message('a'), message('b', 'a'), message('c', 'b'), message('d', 'c'));
  assert.equal(ids(tree), 'abcd');
  tree.add(message('e', 'a')); // a regenerated reply
  assert.equal(ids(tree), 'ae');
  assert.deepEqual(tree.siblings('b'), ['b', 'e']);
  tree.select('b');
  assert.equal(ids(tree), 'abcd');
  tree.add(message('f'), message('g', 'f')); // the first question, edited
  tree.select('f');
  assert.equal(ids(tree), 'fg');
  assert.deepEqual(tree.siblings('f'), ['a', 'f']);
});

test('a page whose beginning is not loaded still shows its end', () => {
  const tree = new Tree();
  tree.add(message('y', 'x'), message('z', 'y'));
  assert.equal(ids(tree), 'yz');
  tree.add(message('x', 'w'));
  assert.equal(ids(tree), 'xyz');
});

test('what storage refuses is told apart by its word, not by its status alone', () => {
  const means = (status, code) => refusal(status, code && `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>m</Message></Error>`)?.code;
  assert.equal(means(200), undefined);
  assert.equal(means(412, 'PreconditionFailed'), undefined);
  assert.equal(means(400, 'BadDigest'), 'changed');
  assert.equal(means(400), 'changed');
  assert.equal(means(400, 'ExpiredToken'), 'url_ended');
  assert.equal(means(403, 'AccessDenied'), 'url_ended');
  assert.equal(means(400, 'RequestTimeout'), 'unreachable');
  assert.equal(refusal(400, '<Error><Code>RequestTimeout</Code></Error>').status, 408);
  assert.equal(means(409, 'ConditionalRequestConflict'), 'storage');
  assert.equal(means(503, 'SlowDown'), 'storage');
});
