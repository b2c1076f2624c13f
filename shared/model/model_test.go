package model_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

const three = `[
	{"name": "small", "engine": "http://10.0.0.7:8000/", "context": 8192, "price": {"prompt": 0.05, "completion": 0.2}},
	{"name": "org/Large-2.1", "engine": "https://engine.example", "engine_model": "large:awq", "vision": true, "plans": ["premium"]},
	{"name": "lab", "plans": ["premium", "free"]}]`

func parse(t *testing.T, text string) model.Table {
	t.Helper()
	table, err := model.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestParse(t *testing.T) {
	both := []quota.Plan{quota.Free, quota.Premium}
	want := []model.Model{
		{Name: "small", Engine: "http://10.0.0.7:8000", EngineModel: "small", Context: 8192, Plans: both, Price: model.Price{Prompt: 0.05, Completion: 0.2}},
		{Name: "org/Large-2.1", Engine: "https://engine.example", EngineModel: "large:awq", Vision: true, Plans: []quota.Plan{quota.Premium}},
		{Name: "lab", EngineModel: "lab", Plans: []quota.Plan{quota.Premium, quota.Free}},
	}
	if d := cmp.Diff(want, parse(t, three).All()); d != "" {
		t.Error(d)
	}
	for _, unset := range []string{"", " \n"} {
		all := parse(t, unset).All()
		if len(all) != 1 || all[0].Name != model.Default {
			t.Errorf("%q: %+v", unset, all)
		}
	}
}

func TestFind(t *testing.T) {
	table := parse(t, three)
	only := parse(t, `[{"name":"large","plans":["premium"]}]`)
	for _, tc := range []struct {
		table model.Table
		name  string
		plan  quota.Plan
		want  string
		err   error
	}{
		{table, "", quota.Free, "small", nil},
		{table, "lab", quota.Free, "lab", nil},
		{table, "org/Large-2.1", quota.Premium, "org/Large-2.1", nil},
		{table, "org/Large-2.1", quota.Free, "", model.ErrNotAllowed},
		{table, "Small", quota.Free, "", model.ErrUnknown},
		{table, strings.Repeat("x", 1<<20), quota.Free, "", model.ErrUnknown},
		{only, "", quota.Premium, "large", nil},
		{only, "", quota.Free, "", model.ErrNotAllowed},
		{model.Table{}, "", quota.Free, model.Default, nil},
		{model.Table{}, model.Default, quota.Free, model.Default, nil},
		{model.Table{}, "small", quota.Free, "", model.ErrUnknown},
	} {
		m, err := tc.table.Find(tc.name, tc.plan)
		if m.Name != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("Find(%.20q, %s) = %q, %v; want %q, %v", tc.name, tc.plan, m.Name, err, tc.want, tc.err)
		}
		if known := !errors.Is(tc.err, model.ErrUnknown); tc.table.Known(tc.name) != known {
			t.Errorf("Known(%.20q) = %v", tc.name, !known)
		}
	}
	if got := table.Of(quota.Free); len(got) != 2 || got[0].Name != "small" || got[1].Name != "lab" {
		t.Errorf("models of free: %+v", got)
	}
}

func TestRefusalsSayWhatAUserMayKnow(t *testing.T) {
	if e := problem.From(model.ErrUnknown); e.Kind != problem.Invalid || len(e.Fields) != 1 || e.Fields[0].Field != "model" {
		t.Errorf("%+v", e)
	}
	if e := problem.From(model.ErrNotAllowed); e.Kind != problem.Forbidden {
		t.Errorf("%+v", e)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, word := range map[string]string{
		`[`:                                               "can't be read",
		`{"name":"x"}`:                                    "can't be read",
		`[{"name":"x"}] x`:                                "can't be read",
		`[{"name":"x","nome":"y"}]`:                       "nome",
		`[{"name":"x","name":"y"}]`:                       "duplicate",
		`[{"Name":"x"}]`:                                  "Name",
		`[{"name":1}]`:                                    "can't be read",
		`[{"name":"x","context":"8k"}]`:                   "context",
		`[{"name":"x","price":{"input":1}}]`:              "input",
		`[]`:                                              "empty",
		`null`:                                            "empty",
		`[null]`:                                          "name",
		`[{"name":""}]`:                                   "name",
		`[{"name":"a b"}]`:                                "name",
		`[{"name":"ä"}]`:                                  "name",
		`[{"name":"x","engine_model":"\n"}]`:              "engine_model",
		`[{"name":"x"},{"name":"x"}]`:                     "same name",
		`[{"name":"x","context":255}]`:                    "context",
		`[{"name":"x","context":-1}]`:                     "context",
		`[{"name":"x","context":99999999999}]`:            "context",
		`[{"name":"x","plans":[]}]`:                       "plans",
		`[{"name":"x","plans":["gold"]}]`:                 "plans",
		`[{"name":"x","plans":["free","free"]}]`:          "plans",
		`[{"name":"x","price":{"prompt":-1}}]`:            "price",
		`[{"name":"x","price":{"completion":10001}}]`:     "price",
		`[{"name":"x","engine":"10.0.0.7:8000"}]`:         "engine",
		`[{"name":"x","engine":"ftp://engine"}]`:          "engine",
		`[{"name":"x","engine":"http://"}]`:               "engine",
		`[{"name":"x","engine":"http://:8000"}]`:          "engine",
		`[{"name":"x","engine":"http://e/v1/"}]`:          "engine",
		`[{"name":"x","engine":"http://u:p@engine"}]`:     "engine",
		`[{"name":"x","engine":"http://engine?key=1"}]`:   "engine",
		`[{"name":"x","engine":"http://engine#part"}]`:    "engine",
		`[{"name":"` + strings.Repeat("x", 101) + `"}]`:   "name",
		`[{"name":"x"}` + strings.Repeat(" ", 4096) + `]`: "4096",
	} {
		table, err := model.Parse(text)
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%.60s: %v; want a word of %q", text, err, word)
		}
		if all := table.All(); len(all) != 1 || all[0].Name != model.Default {
			t.Errorf("%.60s left %+v", text, all)
		}
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	_, err := model.Parse(`[{"name":"a","context":1,"plans":["gold"]},{"name":"b"},{"name":"c","engine":"x"}]`)
	for _, word := range []string{`model 1 ("a")`, "context", "plans", `model 3 ("c")`, "engine"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v doesn't name %s", err, word)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(three)
	f.Add(`[{"name":"x","price":{"prompt":1e308}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		table, err := model.Parse(text)
		if err != nil {
			return
		}
		for _, m := range table.All() {
			if !table.Known(m.Name) || m.EngineModel == "" || len(m.Plans) == 0 {
				t.Errorf("%q was read as %+v", text, m)
			}
			for _, p := range m.Plans {
				if got, err := table.Find(m.Name, p); err != nil || got.Name != m.Name {
					t.Errorf("%q: %q isn't found for %s: %v", text, m.Name, p, err)
				}
			}
		}
	})
}

func TestRoute(t *testing.T) {
	table := parse(t, three)
	for url, want := range map[string][]string{
		"http://10.0.0.7:8000/v1": {"small", "lab"},
		"https://engine.example/": {"org/Large-2.1", "lab"},
		"http://elsewhere":        {"lab"},
	} {
		var names []string
		for _, m := range table.On(url) {
			names = append(names, m.Name)
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%s: %s", url, d)
		}
		for _, m := range table.All() {
			if got, ok := table.Route(m.Name, quota.Premium, url); ok != slices.Contains(want, m.Name) || got.Name != m.Name {
				t.Errorf("%s at %s: %q, %v", m.Name, url, got.Name, ok)
			}
		}
	}
	if m, ok := (model.Table{}).Route("", quota.Free, "http://any"); !ok || m.Name != model.Default {
		t.Errorf("%+v, %v", m, ok)
	}
	if _, ok := table.Route("later", quota.Premium, "http://elsewhere"); ok {
		t.Error("a model of another release is routed here")
	}
}
