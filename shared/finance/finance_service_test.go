//go:build service

package finance_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"parley/shared/finance"
	"parley/shared/object/objecttest"
	"parley/shared/store"
)

func TestBucket(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := finance.New(client, name)
	if _, err := b.Open(t.Context(), "settings.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, key := range []string{"lines/2026/11/22/12/b", "lines/2026/11/22/12/a", "lines/2026/11/23/00/c"} {
		if err := b.Put(t.Context(), key, "text/plain", []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	before, err := b.List(t.Context(), "lines/2026/11/22/")
	if err != nil || len(before) != 2 || before[0].Name != "lines/2026/11/22/12/a" || before[0].Size != 21 || before[0].Tag == "" {
		t.Fatalf("%+v, %v", before, err)
	}
	in, err := b.Open(t.Context(), before[1].Name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if text, err := io.ReadAll(in); err != nil || string(text) != before[1].Name {
		t.Errorf("%s, %v", text, err)
	}
	if err := b.Put(t.Context(), before[1].Name, "text/plain", []byte(strings.Repeat("x", 21))); err != nil {
		t.Fatal(err)
	}
	if after, err := b.List(t.Context(), "lines/2026/11/22/"); err != nil || after[0] != before[0] || after[1].Tag == before[1].Tag {
		t.Errorf("%+v, %v: what has changed has another tag", after, err)
	}
	gone := finance.New(client, name+"-gone")
	if _, err := gone.Open(t.Context(), "settings.json"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: a bucket that is gone is no missing file", err)
	}
	if _, err := gone.List(t.Context(), ""); err == nil {
		t.Error("a bucket that is gone is empty")
	}
}

// The functions of the stack that the test was started beside have their cost centre.
func TestFunctions(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := finance.NewFunctions(cfg).Functions(t.Context())
	if err != nil || len(all) < 10 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, f := range all {
		if strings.Contains(f.Name, "SendMessageFunction") && f.Centre == "parley" && f.Region == cfg.Region && f.Architecture != "" {
			return
		}
	}
	t.Errorf("%+v", all)
}
