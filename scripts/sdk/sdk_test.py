"""OpenAI's library for Python against Parley, with nothing set but what it reads
from the environment itself: OPENAI_BASE_URL and OPENAI_API_KEY."""

import json
import os
import unittest
from typing import Literal

import openai
import pydantic

MODEL = os.environ["MODEL"]
QUESTION = [{"role": "system", "content": "You are a helpful AI assistant."}, {"role": "user", "content": "What is the capital of France?"}]
# What makes a model this small call a tool.
TOOL_QUESTION = [{"role": "system", "content": "Answer with <tool_call> only."}, {"role": "user", "content": "What is the weather in Paris? Begin with <tool_call>"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"], "additionalProperties": False}}}


class Answer(pydantic.BaseModel):
    city: Literal["Paris", "London", "Rome"]
    sure: bool


class SDK(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def ask(self, **options):
        options = {"model": MODEL, "messages": QUESTION, "temperature": 0, "max_tokens": 24} | options
        return self.client.chat.completions.create(**options)

    def test_models(self):
        self.assertIn(MODEL, [m.id for m in self.client.models.list()])

    def test_answer(self):
        a = self.ask(seed=7)
        self.assertIn("Paris", a.choices[0].message.content)
        self.assertEqual((a.choices[0].message.role, a.model, a.object), ("assistant", MODEL, "chat.completion"))
        self.assertEqual(a.usage.total_tokens, a.usage.prompt_tokens + a.usage.completion_tokens)
        self.assertEqual(self.ask(seed=7).choices[0].message.content, a.choices[0].message.content)

    def test_stream(self):
        chunks = list(self.ask(stream=True, stream_options={"include_usage": True}))
        *said, last = chunks
        text = "".join(c.choices[0].delta.content or "" for c in said)
        self.assertEqual(text, self.ask().choices[0].message.content)
        self.assertEqual((said[0].choices[0].delta.role, len({c.id for c in chunks})), ("assistant", 1))
        self.assertIn(said[-1].choices[0].finish_reason, ("stop", "length"))
        self.assertTrue(all(c.usage is None for c in said))
        self.assertEqual(last.choices, [])
        self.assertGreater(last.usage.completion_tokens, 2)

    def test_limits_of_an_answer(self):
        short = self.ask(max_completion_tokens=3, max_tokens=openai.NOT_GIVEN)
        self.assertEqual((short.choices[0].finish_reason, short.usage.completion_tokens), ("length", 3))
        cut = self.ask(stop=["Paris"])
        self.assertEqual(cut.choices[0].finish_reason, "stop")
        self.assertNotIn("Paris", cut.choices[0].message.content)

    def test_structured_output(self):
        a = self.client.chat.completions.parse(
            model=MODEL, messages=QUESTION, temperature=0, max_tokens=64, response_format=Answer)
        self.assertIsInstance(a.choices[0].message.parsed, Answer)

    def test_tools(self):
        a = self.ask(messages=TOOL_QUESTION, tools=[TOOL], tool_choice="required", parallel_tool_calls=False, max_tokens=200).choices[0]
        self.assertIn(a.finish_reason, ("tool_calls", "length"))  # how many calls it makes is up to the model
        self.assertEqual(a.message.tool_calls[0].function.name, "get_weather")
        self.assertIn("city", json.loads(a.message.tool_calls[0].function.arguments))

    def test_rate_limit_headers(self):
        raw = self.client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION, max_tokens=1)
        self.assertEqual(raw.headers["x-ratelimit-limit-requests"], "1000")
        self.assertLess(int(raw.headers["x-ratelimit-remaining-requests"]), 1000)
        self.assertTrue(raw.headers["x-request-id"])

    def test_errors(self):
        with self.assertRaises(openai.AuthenticationError) as wrong:
            self.client.with_options(api_key="parley_nonsense").models.list()
        self.assertEqual(wrong.exception.code, "invalid_api_key")
        with self.assertRaises(openai.NotFoundError) as missing:
            self.ask(model="gpt-9")
        self.assertEqual((missing.exception.code, missing.exception.param), ("model_not_found", "model"))
        with self.assertRaises(openai.BadRequestError) as hot:
            self.ask(temperature=9)
        self.assertEqual(hot.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError):
            self.ask(messages=[])
        poor = self.client.with_options(api_key=os.environ["USED_UP_KEY"])
        ask = {"model": MODEL, "messages": QUESTION, "max_tokens": 1}
        poor.chat.completions.create(**ask)
        with self.assertRaises(openai.RateLimitError) as full:
            poor.chat.completions.create(**ask)
        self.assertEqual((full.exception.code, full.exception.response.headers["x-should-retry"]), ("rate_limit_exceeded", "false"))

    def test_zz_going_away(self):
        """Last: whoever runs this looks at what became of this chat."""
        long = [{"role": "user", "content": "Write a long story about a lighthouse, its keeper and the sea."}]
        with self.ask(messages=long, max_tokens=1000, stream=True, store=True) as stream:
            for _, _ in zip(range(4), stream):
                pass


if __name__ == "__main__":
    unittest.main()
