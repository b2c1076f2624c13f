package main

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
)

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range commands() {
		var out bytes.Buffer
		if err := run(append(strings.Fields(c.name), "--help"), nil, &out, io.Discard); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.Contains(out.String(), "Usage: admin "+c.name) || !strings.Contains(out.String(), c.about) {
			t.Errorf("%s: help is\n%s", c.name, &out)
		}
	}
}

func TestBadCommandsAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"user shwo x":           `there is no command "user shwo x"`,
		"user show":             "usage: admin user show USER",
		"user show a b":         "usage: admin user show USER",
		"user show a --colour":  "flag provided but not defined",
		"reply requeue --json":  "usage: admin reply requeue",
		"user set-plan a --yes": "usage: admin user set-plan USER free|premium",
	} {
		var out bytes.Buffer
		if err := run(strings.Fields(line), nil, &out, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", line, err, want)
		}
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	yes, till := f.Bool("yes", false, ""), f.String("till", "", "")
	words, err := parse(f, strings.Fields("ada@example.com -yes premium --till 2026-12-31"))
	if diff := cmp.Diff([]string{"ada@example.com", "premium"}, words); diff != "" || err != nil || !*yes || *till != "2026-12-31" {
		t.Errorf("%v %v %v %s", err, *yes, *till, diff)
	}
}

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]error{"y\n": nil, "YES\n": nil, "\n": errNotConfirmed, "n\n": errNotConfirmed, "": errNotConfirmed} {
		d := desk{in: strings.NewReader(answer), ask: io.Discard}
		if err := d.confirm("Sure?"); err != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
	if err := (&desk{options: options{yes: true}}).confirm("Sure?"); err != nil {
		t.Error("--yes is asked:", err)
	}
}

func TestNamed(t *testing.T) {
	stuck := func() []chat.Prompt { return []chat.Prompt{{Reply: "a"}, {Reply: "b"}} }
	if all, err := named(stuck(), nil); err != nil || len(all) != 2 {
		t.Errorf("none named: %v, %v", all, err)
	}
	if one, err := named(stuck(), []string{"b"}); err != nil || len(one) != 1 || one[0].Reply != "b" {
		t.Errorf("b named: %v, %v", one, err)
	}
	if _, err := named(stuck(), []string{"b", "c"}); err == nil {
		t.Error("c is not stuck")
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("A\x1b[2Jd\u202ea\tx"); got != "A[2Jda\tx" {
		t.Errorf("got %q", got)
	}
}
