package openai

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// The limits under which tests read, and a model that takes pictures.
var (
	roomy  = quota.Limits{MessagesPerHour: 40, TokensPerMessage: 4096}
	seeing = model.Model{Name: "m", Vision: true}
)

// asked decodes and validates as an endpoint and its sender do.
func asked(body string) (chat.Completion, error) {
	_, c, err := decode([]byte(body))
	if err == nil {
		err = c.Validate(roomy, seeing)
	}
	return c, err
}

const (
	hello   = `"messages":[{"role":"user","content":"Hello"}]`
	pixel   = `data:image/png;base64,iVBORw0KGgo=`
	weather = `{"type":"function","function":{"name":"get_weather","description":"Weather","parameters":{"type":"object"},"strict":true}}`
)

// What is taken goes to the engine as it came, in the engine's own words.
func TestDecode(t *testing.T) {
	for name, c := range map[string]struct{ body, messages, options string }{
		"plain": {`{"model":"m",` + hello + `}`, `[{"role":"user","content":"Hello"}]`, `{}`},
		"nulls": {`{"model":"m","temperature":null,"stop":null,"tools":null,"tool_choice":null,"response_format":null,"n":null,"logprobs":null,
			"max_tokens":null,"stream_options":null,"messages":[{"role":"user","content":"Hello","name":null,"tool_calls":null}]}`,
			`[{"role":"user","content":"Hello"}]`, `{}`},
		"settings": {`{"model":"m",` + hello + `,"temperature":0,"top_p":1,"seed":-7,"stop":"a","presence_penalty":-2,"frequency_penalty":2,
			"logit_bias":{"50256":-100},"top_k":5,"min_p":0.1,"repetition_penalty":1.1,"min_tokens":3,"ignore_eos":true}`,
			`[{"role":"user","content":"Hello"}]`,
			`{"temperature":0,"top_p":1,"top_k":5,"min_p":0.1,"presence_penalty":-2,"frequency_penalty":2,"repetition_penalty":1.1,"seed":-7,` +
				`"stop":["a"],"min_tokens":3,"ignore_eos":true,"logit_bias":{"50256":-100}}`},
		"what means nothing here": {`{"model":"m",` + hello + `,"user":"u","metadata":{"a":"b"},"service_tier":"auto","safety_identifier":"s",
			"prompt_cache_key":"k","prompt_cache_retention":"24h","reasoning_effort":"low","verbosity":"low","prediction":null,"modalities":["text"],"n":1,"logprobs":false}`,
			`[{"role":"user","content":"Hello"}]`, `{}`},
		"a reply sent back": {`{"model":"m","messages":[{"role":"developer","content":"D"},{"role":"user","content":"Q"},
			{"role":"assistant","content":"A","refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":null,"reasoning_content":"hm"},
			{"role":"user","content":"Q2"}]}`,
			`[{"role":"system","content":"D"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"Q2"}]`, `{}`},
		"text in parts": {`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
			`[{"role":"user","content":"a\nb"}]`, `{}`},
		"no text in parts": {`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":""}]},{"role":"user","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}]}`,
			`[{"role":"user","content":""},{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}]`, `{}`},
		"any JSON": {`{"model":"m",` + hello + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}}`,
			`[{"role":"user","content":"Hello"}]`, `{"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}}`},
		"image": {`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"` + pixel + `","detail":"low"}}]}]}`,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"` + pixel + `","detail":"low"}}]}]`, `{}`},
		"tools": {`{"model":"m","tools":[` + weather + `],"tool_choice":{"type":"function","function":{"name":"get_weather"}},"parallel_tool_calls":false,
			"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"rain"}]}`,
			`[{"role":"user","content":"Q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}}]},` +
				`{"role":"tool","content":"rain","tool_call_id":"c1"}]`,
			`{"tools":[` + weather + `],"tool_choice":{"type":"function","function":{"name":"get_weather"}},"parallel_tool_calls":false}`},
		"format": {`{"model":"m",` + hello + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"},"strict":true}}}`,
			`[{"role":"user","content":"Hello"}]`,
			`{"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"},"strict":true}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := asked(c.body)
			if err != nil {
				t.Fatal(err)
			}
			messages, err1 := json.Marshal(got.Messages)
			options, err2 := json.Marshal(got.Options)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if d := cmp.Diff(c.messages, string(messages)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.options, string(options)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What isn't taken is refused, with the name of the field and a code.
func TestDecodeRefuses(t *testing.T) {
	said := func(m string) string { return `{"model":"m","messages":[` + m + `]}` }
	with := func(field string) string { return `{"model":"m",` + hello + `,` + field + `}` }
	for body, want := range map[string]string{
		``:                                    "400  malformed_json",
		`[]`:                                  "400  malformed_json",
		`{"model":"m"`:                        "400  malformed_json",
		"{\"model\":\"\xff\"}":                "400  malformed_json",
		`{"model":"m",` + hello + `} {}`:      "400  malformed_json",
		`{` + hello + `}`:                     "400 model invalid_value",
		`{"model":"m"}`:                       "400 messages invalid_value",
		said(``):                              "400 messages invalid_value",
		`{"model":"m","messages":"Hello"}`:    "400 messages wrong_type",
		said(`"Hello"`):                       "400 messages[0] wrong_type",
		said(`{"role":"user"}`):               "400 messages[0].content invalid_value",
		said(`{"role":"user","content":7}`):   "400 messages[0].content wrong_type",
		said(`{"role":"user","content":[]}`):  "400 messages[0].content invalid_value",
		said(`{"role":"user","content":[7]}`): "400 messages[0].content[0] wrong_type",
		said(`{"role":"user","content":"a\u0000"}`):          "400 messages[0].content bad_character",
		said(`{"role":"boss","content":"a"}`):                "400 messages[0].role invalid_value",
		said(`{"role":"function","name":"f","content":"a"}`): "400 messages[0].role invalid_value",
		said(`{"role":"user","content":"a","colour":"b"}`):   "400 messages[0].colour unknown_field",
		said(`{"role":"user","content":"a","name":"a b"}`):   "400 messages[0].name invalid_value",
		said(`{"role":"tool","content":"a"}`):                "400 messages[0].tool_call_id invalid_value",
		said(`{"role":"assistant","content":"a"}`):           "400 messages invalid_value",
		said(`{"role":"user","content":"a","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":""}}]}`): "400 messages[0].tool_calls invalid_value",
		said(`{"role":"user","content":[{"type":"input_audio","text":"a"}]}`):                                                    "400 messages[0].content[0].type unsupported_value",
		said(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/latest"}}]}`):             "400 messages[0].content[0].image_url invalid_value",
		said(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,PHN2Zz4="}}]}`):        "400 messages[0].content[0].image_url invalid_value",
		said(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,!"}}]}`):                   "400 messages[0].content[0].image_url invalid_value",
		said(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}`):                           "400 messages[0].content invalid_value",
		said(`{"role":"user","content":"` + strings.Repeat("word ", 4000) + `"}`):                                                "400 messages context_length_exceeded",
		said(strings.TrimSuffix(strings.Repeat(`{"role":"user","content":"a"},`, 2049), ",")):                                    "400 messages invalid_value",
		with(`"tools":[{"type":"function","function":{"name":"f","description":"` + strings.Repeat("word ", 4000) + `"}}]`):      "400 messages context_length_exceeded",
		with(`"colour":"blue"`):                           "400 colour unknown_field",
		with(`"Temperature":1`):                           "400 Temperature unknown_field",
		with(`"temperature":1,"temperature":2`):           "400  malformed_json",
		with(`"temperature":2.1`):                         "400 temperature invalid_value",
		with(`"temperature":"hot"`):                       "400 temperature wrong_type",
		with(`"temperature":1e400`):                       "400 temperature wrong_type",
		with(`"top_p":-1`):                                "400 top_p invalid_value",
		with(`"seed":1.5`):                                "400 seed wrong_type",
		with(`"n":2`):                                     "400 n unsupported_value",
		with(`"logprobs":true`):                           "400 logprobs unsupported_value",
		with(`"top_logprobs":3`):                          "400 top_logprobs unsupported_value",
		with(`"modalities":["audio"]`):                    "400 modalities unsupported_value",
		with(`"audio":{"voice":"x"}`):                     "400 audio unsupported_value",
		with(`"functions":[]`):                            "400 functions unsupported_value",
		with(`"max_tokens":0`):                            "400 max_tokens invalid_value",
		with(`"max_completion_tokens":-1`):                "400 max_completion_tokens invalid_value",
		with(`"max_tokens":99999999`):                     "400 max_completion_tokens invalid_value",
		with(`"stream_options":{"include_usage":true}`):   "400 stream_options invalid_value",
		with(`"stream":"yes"`):                            "400 stream wrong_type",
		with(`"stop":["a","b","c","d","e"]`):              "400 stop invalid_value",
		with(`"stop":[""]`):                               "400 stop invalid_value",
		with(`"stop":7`):                                  "400 stop wrong_type",
		with(`"logit_bias":{"a":1}`):                      "400 logit_bias invalid_value",
		with(`"response_format":{"type":"xml"}`):          "400 response_format.type invalid_value",
		with(`"response_format":{"type":"json_schema"}`):  "400 response_format.json_schema invalid_value",
		with(`"tools":[{"type":"custom"}]`):               "400 tools[0].type unsupported_value",
		with(`"tools":[` + weather + `,` + weather + `]`): "400 tools[1].function.name invalid_value",
		with(`"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`):                                                              "400 tools[0].function.parameters invalid_value",
		with(`"tools":[{"type":"function","function":{"name":"f","parameters":{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}}}]`): "400 tools[0].function.parameters invalid_value",
		with(`"tool_choice":"required"`):                                                                                                       "400 tool_choice invalid_value",
		with(`"tools":[` + weather + `],"tool_choice":"sometimes"`):                                                                            "400 tool_choice invalid_value",
		with(`"tools":[` + weather + `],"tool_choice":{"type":"allowed_tools"}`):                                                               "400 tool_choice invalid_value",
		with(`"tools":[` + weather + `],"tool_choice":{"type":"function","function":{"name":"other"}}`):                                        "400 tool_choice invalid_value",
		`{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{"}]}`: "400 messages invalid_value",
	} {
		_, err := asked(body)
		if err == nil {
			t.Errorf("%.120s is taken", body)
			continue
		}
		status, f := describe(problem.From(err))
		param := ""
		if f.Error.Param != nil {
			param = *f.Error.Param
		}
		if got := strings.Join([]string{"400", param, f.Error.Code}, " "); status != 400 || got != want {
			t.Errorf("%.120s: %d %s, want %s", body, status, got, want)
		}
	}
}

// A model without eyes takes no pictures.
func TestPicturesNeedAModelThatSees(t *testing.T) {
	c, err := asked(`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if p := problem.From(c.Validate(roomy, model.Model{Name: "m"})); p == nil || p.Code != "unsupported_value" {
		t.Errorf("%v", p)
	}
}

func TestConstrained(t *testing.T) {
	for body, want := range map[string]bool{
		`{"model":"m",` + hello + `}`:                                                                 false,
		`{"model":"m",` + hello + `,"response_format":{"type":"text"}}`:                               false,
		`{"model":"m",` + hello + `,"response_format":{"type":"json_object"}}`:                        true,
		`{"model":"m",` + hello + `,"tools":[` + weather + `]}`:                                       true,
		`{"model":"m",` + hello + `,"tools":[` + weather + `],"tool_choice":"none"}`:                  false,
		`{"model":"m",` + hello + `,"tools":[` + weather + `],"tool_choice":"required"}`:              true,
		`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`: false,
	} {
		if c, err := asked(body); err != nil || c.Constrained() != want {
			t.Errorf("%s: %v, %v", body, c.Constrained(), err)
		}
	}
}

// Whatever comes is refused as the client's fault, or can be kept and read back.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m",` + hello + `}`, `{"model":"m",` + hello + `,"stop":["a"],"tools":[` + weather + `],"tool_choice":"auto"}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}]}`,
		`{"model":"m",` + hello + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}}`,
		`{"messages":[{"role":"assistant","tool_calls":[{}]}]}`, `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := asked(string(body))
		if err != nil {
			if status, _ := describe(problem.From(err)); status != 400 {
				t.Errorf("%d: %v", status, err)
			}
			return
		}
		kept, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := chat.DecodeCompletion(kept)
		if err != nil {
			t.Fatalf("%v: %s", err, kept)
		}
		again, err := back.Encode()
		if err != nil || again != kept || back.Constrained() != c.Constrained() {
			t.Errorf("%s comes back as %s, %v", kept, again, err)
		}
	})
}
