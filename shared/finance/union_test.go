package finance_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"parley/shared/finance"
)

// memory is a bucket.
type memory map[string]string

func (m memory) List(_ context.Context, prefix string) (names []string, _ error) {
	for name := range m {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m memory) Get(_ context.Context, name string) ([]byte, error) { return []byte(m[name]), nil }

func TestUnionIsAllBuckets(t *testing.T) {
	u := finance.Union{memory{"usage/a": "east", "other": ""}, memory{"usage/a": "west", "usage/#1": "odd"}}
	names, err := u.List(t.Context(), "usage/")
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	got := ""
	for _, name := range names {
		b, err := u.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got += string(b) + " "
	}
	if got != "east odd west " {
		t.Error(got)
	}
	for _, name := range []string{"usage/a", "usage/a#2", "usage/a#-1", "usage/a#x", ""} {
		if _, err := u.Get(t.Context(), name); err == nil {
			t.Errorf("there is a file %q", name)
		}
	}
}

func TestParseBucket(t *testing.T) {
	for s, want := range map[string]string{"us-east-1=parley-usage": "us-east-1 parley-usage", "ap-southeast-3=a.b-c": "ap-southeast-3 a.b-c",
		"parley-usage": "", "us-east-1=": "", "=x": "", "us-east-1=A": "", "us-east-1=a b": ""} {
		region, name, err := finance.ParseBucket(s)
		if got := strings.TrimSpace(region + " " + name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}
