package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One's own load is refused with words that say what is wrong.
func TestBadLoadsAreRefused(t *testing.T) {
	text := string(designed)
	for _, c := range []struct{ old, new, says string }{
		{`"share": 0.14`, `"share": 0.15`, "add up to 1.01"},
		{`"share": 0.14`, `"share": -0.14`, "share of 0 to 1"},
		{`"nearest": ["Virginia", "Oregon", "London", "São Paulo"]`, `"nearest": ["Oregon"]`, "no region that is no standby"},
		{`"nearest": ["Virginia", "Oregon", "London", "São Paulo"]`, `"nearest": ["Paris"]`, `no region "Paris"`},
		{`"file_bytes": 8388608`, `"file_bites": 8388608`, "unknown"},
		{`"average": 10200, "peak": 20400`, `"average": 10200, "peak": 10199`, "operations.send.free: the peak"},
		{`"average": 10200, "peak": 20400`, `"average": 10200, "peak": 102000`, "in a surge of 6 hours"},
		{`"average": 10200, "peak": 20400`, `"average": 0, "peak": 0`, "nobody sends"},
		{`"average": 10200, "peak": 20400`, `"average": 1e300, "peak": 1e300`, "operations.send.free"},
		{`"prompt_tokens": 2048`, `"prompt_tokens": 8192`, "plans.free: the average is above"},
		{`"prompt_tokens": 2048`, `"prompt_tokens": 0`, "plans.free"},
		{`"amplitude": 0.9`, `"amplitude": 1.1`, "amplitude"},
		{`"surge_hours": 6`, `"surge_hours": 0`, "surge_hours"},
		{`"standby": true`, `"standby": "yes"`, "standby"},
		{`"name": "London"`, `"name": "Virginia"`, "a name of its own"},
	} {
		if !strings.Contains(text, c.old) {
			t.Fatalf("load.json has no %s", c.old)
		}
		if _, err := decodeLoad([]byte(strings.Replace(text, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}

// A load of one's own in a file: another size, one region, no standby.
func TestALoadOfOnesOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "load.json")
	small := `{"about": "a small one", "regions": [{"name": "Ireland", "code": "eu-west-1"}],
		"places": [{"name": "Europe", "share": 1, "utc": 1, "nearest": ["Ireland"], "why": "all"}],
		"curve": {"amplitude": 0.8, "busiest_hour": 19, "surge_hours": 4},
		"plans": {"free": {"prompt_tokens": 900, "answer_tokens": 300, "most_tokens": 4096, "text_bytes": 4800},
			"premium": {"prompt_tokens": 4000, "answer_tokens": 500, "most_tokens": 8000, "text_bytes": 18000}},
		"file_bytes": 1000000, "history_messages": 30, "sign_up_part": 0.2,
		"operations": {"send": {"free": {"average": 0.2, "peak": 0.5}, "premium": {"average": 0.1, "peak": 0.3}}, "send_with_file": {"free": {}, "premium": {}},
			"sign_up_or_log_in": {"free": {}, "premium": {}}, "history": {"free": {}, "premium": {}}, "search": {"free": {}, "premium": {}}}}`
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, help bytes.Buffer
	if err := run([]string{"-load", path, "-docs", docs, "-svg", t.TempDir()}, &out, &help); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Ireland (eu-west-1) | Europe | 100.0 % | 0.3 |", ":30 | nowhere |", "One turn in 1 of the load"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") || strings.Contains(out.String(), "%!") {
		t.Error("the page has figures that are none")
	}
}

func TestFlags(t *testing.T) {
	var out, help bytes.Buffer
	if err := run([]string{"-help"}, &out, &help); err == nil || !strings.Contains(help.String(), "usage: go run ./scripts/plan") {
		t.Errorf("%v: %s", err, help.String())
	}
	for _, args := range [][]string{{"mine.json"}, {"-load", "there/is/none.json"}, {"-docs", t.TempDir()}, {"-lode", "x"}} {
		if err := run(args, &out, &help); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

// Whatever is in a file, it is refused or makes a curve that adds up.
func FuzzLoad(f *testing.F) {
	f.Add(designed)
	f.Add([]byte(`{"places":[{"share":1e-300}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := decodeLoad(b)
		if err != nil {
			return
		}
		for _, o := range l.operations() {
			for _, p := range bothPlans {
				r := o.rates.of(p)
				var sum hours
				for _, h := range l.byRegion(r, l.home) {
					sum = sum.plus(h, 1)
				}
				if mean := sum.mean(); mean < 0.999*r.Average-1e-9 || mean > 1.001*r.Average+1e-9 {
					t.Errorf("%s, %s: %v a second on average, want %v", o.name, p, mean, r.Average)
				}
			}
		}
	})
}
