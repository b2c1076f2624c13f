// OpenAI's library for Node against Parley, with nothing set but what it reads from
// the environment itself: OPENAI_BASE_URL and OPENAI_API_KEY.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const model = process.env.MODEL;
const messages = [{ role: 'system', content: 'You are a helpful AI assistant.' }, { role: 'user', content: 'What is the capital of France?' }];
const client = new OpenAI({ maxRetries: 0 });
const ask = (options) => client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 24, ...options });

test('models are listed', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  assert.ok(ids.includes(model), ids.join());
});

test('what is streamed is what comes at once', async () => {
  const whole = await ask({ seed: 7 });
  assert.match(whole.choices[0].message.content, /Paris/);
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
  const runner = client.chat.completions.stream({ model, messages, temperature: 0, max_tokens: 24, seed: 7, stream_options: { include_usage: true } });
  let text = '';
  runner.on('content', (delta) => (text += delta));
  const final = await runner.finalChatCompletion();
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(final.choices[0].message.content, text);
  assert.equal(final.choices[0].finish_reason, whole.choices[0].finish_reason);
  assert.equal((await runner.totalUsage()).completion_tokens, whole.usage.completion_tokens);
});

test('an answer ends where it is told to', async () => {
  const short = await ask({ max_tokens: undefined, max_completion_tokens: 3 });
  assert.deepEqual([short.choices[0].finish_reason, short.usage.completion_tokens], ['length', 3]);
  const cut = await ask({ stop: 'Paris' });
  assert.equal(cut.choices[0].finish_reason, 'stop');
  assert.doesNotMatch(cut.choices[0].message.content, /Paris/);
});

test('a schema governs the answer', async () => {
  const schema = { type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'], additionalProperties: false };
  const { choices } = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema } } });
  assert.ok(['Paris', 'Rome'].includes(JSON.parse(choices[0].message.content).city));
});

test('the library runs a tool that the model calls', async () => {
  const asked = [];
  const parameters = { type: 'object', properties: { city: { type: 'string', maxLength: 12 } }, required: ['city'], additionalProperties: false };
  const weather = { name: 'get_weather', description: 'Weather of a city', parameters, parse: JSON.parse, function: ({ city }) => (asked.push(city), 'It rains.') };
  const eager = [ // what makes a model this small call a tool
    { role: 'system', content: 'Answer with <tool_call> only.' },
    { role: 'user', content: 'What is the weather in Paris? Begin with <tool_call>' },
  ];
  const runner = client.chat.completions.runTools(
    { model, messages: eager, temperature: 0, max_tokens: 200, stream: true, tool_choice: 'required', parallel_tool_calls: false, tools: [{ type: 'function', function: weather }] },
    { maxChatCompletions: 1 },
  );
  await runner.done();
  assert.equal(typeof asked[0], 'string', JSON.stringify(runner.messages));
});

test('errors have their classes', async () => {
  const is = (kind, code) => (e) => e instanceof kind && e.code === code;
  await assert.rejects(client.withOptions({ apiKey: 'parley_nonsense' }).models.list(), is(OpenAI.AuthenticationError, 'invalid_api_key'));
  await assert.rejects(ask({ model: 'gpt-9' }), is(OpenAI.NotFoundError, 'model_not_found'));
  await assert.rejects(ask({ top_p: 2 }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'top_p');
  const poor = client.withOptions({ apiKey: process.env.USED_UP_KEY });
  await poor.chat.completions.create({ model, messages, max_tokens: 1 });
  await assert.rejects(poor.chat.completions.create({ model, messages, max_tokens: 1 }), is(OpenAI.RateLimitError, 'rate_limit_exceeded'));
});

// Last: whoever runs this looks at what became of this chat.
test('a client goes away', async () => {
  const story = [{ role: 'user', content: 'Write a long story about a lighthouse, its keeper and the sea.' }];
  const stream = await ask({ messages: story, max_tokens: 1000, stream: true, store: true });
  let chunks = 0;
  for await (const _ of stream) if (++chunks === 4) stream.controller.abort();
  assert.equal(chunks, 4);
});
