package searchapi

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/shared/problem"
	"parley/shared/search"
)

func TestOneAnswerNamesAllThatIsWrong(t *testing.T) {
	for query, want := range map[string]string{
		"q=fox":                                       "",
		"q=fox&from=2026-11-27&to=":                   "",
		"q=fox&from=2026-11-27t09:00:00z":             "",
		"q=fox&has=file&role=user&chat_id=":           "",
		"":                                            "no_words",
		"from=27.11.2026&has=legs&q=-a":               "bad_time bad_has only_without",
		"to=1969-12-30&role=me&q=fox":                 "bad_time bad_role",
		"from=10000-01-01&chat_id=x&q=fox":            "bad_time bad_chat",
		"from=2026-11-28&to=2026-11-27":               "no_words bad_range",
		"from=2026-11-27T23:59:59Z&to=2026-11-27&q=a": "",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var c problem.Check
		r := read(q, &c)
		r.Limit = search.DefaultPage
		r.Check(&c)
		var codes []string
		if e := problem.From(c.Err()); e != nil {
			for _, f := range e.Fields {
				codes = append(codes, f.Code)
			}
		}
		if got := strings.Join(codes, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestDaysAreWhole(t *testing.T) {
	var c problem.Check
	r := read(url.Values{"from": {"2026-11-27"}, "to": {"2026-11-27"}}, &c)
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	if f := r.Filter; c.Err() != nil || !f.From.Equal(day) || !f.To.Equal(day.Add(24*time.Hour)) {
		t.Errorf("%v to %v, %v", f.From, f.To, c.Err())
	}
}
