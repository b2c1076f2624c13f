package object

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVersionsOfOneKeyOnSeveralPages(t *testing.T) {
	early := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	late := early.Add(time.Hour)
	var got []Object
	g := group{fn: func(o Object) error { got = append(got, o); return nil }}
	for _, o := range []Object{
		{Key: "a", Size: 3, Since: early, Versions: 1},
		{Key: "b", Since: late, Hidden: true, Versions: 1}, // a page ends here
		{Key: "b", Size: 7, Since: early, Versions: 1},
		{Key: "b", Size: 9, Since: early, Versions: 1},
	} {
		if err := g.add(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.end(); err != nil {
		t.Fatal(err)
	}
	want := []Object{{Key: "a", Size: 3, Since: early, Versions: 1}, {Key: "b", Size: 7, Since: late, Hidden: true, Versions: 3}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	empty := group{fn: func(Object) error { t.Error("called for nothing"); return nil }}
	if err := empty.end(); err != nil {
		t.Error(err)
	}
}
