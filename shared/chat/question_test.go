package chat

import (
	"strings"
	"testing"

	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

func TestQuestionsAreValidated(t *testing.T) {
	limits := quota.Of(quota.Free, quota.Limits{})
	ulid := "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for name, c := range map[string]struct {
		q    Question
		code string
	}{
		"plain":           {Question{Text: "Hello"}, ""},
		"at the limit":    {Question{Text: strings.Repeat("ж", 4096*4)}, ""},
		"over the limit":  {Question{Text: strings.Repeat("ж", 4096*4+1)}, "text_too_long"},
		"blank":           {Question{Text: " \n\t\u00a0"}, "text_empty"},
		"bad chat":        {Question{Text: "x", Chat: "../x"}, "bad_id"},
		"parent, no chat": {Question{Text: "x", Parent: ulid}, "no_chat"},
		"key with space":  {Question{Text: "x", Key: "a b"}, "bad_key"},
		"key too long":    {Question{Text: "x", Key: strings.Repeat("k", 256)}, "bad_key"},
		"the model":       {Question{Text: "x", Model: model.Default}, ""},
		"other model":     {Question{Text: "x", Model: "gpt-9"}, "unknown_model"},
		"several":         {Question{Chat: "x"}, "invalid"},
	} {
		code := ""
		if e := problem.From(c.q.Validate(limits, model.Table{})); e != nil {
			code = e.Code
		}
		if code != c.code {
			t.Errorf("%s: %q, want %q", name, code, c.code)
		}
	}
}

func TestTitles(t *testing.T) {
	for text, want := range map[string]string{
		"  What is\n\tthe capital of  France? ":                                      "What is the capital of France?",
		"Explain to me in detail how a compiler turns source code into machine code": "Explain to me in detail how a compiler turns source code…",
		strings.Repeat("字", 70):                                                      strings.Repeat("字", 60) + "…",
	} {
		if got := title(text); got != want {
			t.Errorf("title(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDigestKeepsPartsApart(t *testing.T) {
	if digest("a", "bc") == digest("ab", "c") || digest("a", "") == digest("a") {
		t.Error("parts run into each other")
	}
}
