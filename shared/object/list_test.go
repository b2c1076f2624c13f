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
	for _, o := range []version{
		{Object: Object{Key: "a", Size: 3, Since: early, Versions: 1}},
		{Object: Object{Key: "b", Since: late, Hidden: true, Versions: 1}, marker: true}, // a page ends here
		{Object: Object{Key: "b", Size: 7, Since: early, Versions: 1}},
		{Object: Object{Key: "b", Size: 9, Since: early, Versions: 1}},
		{Object: Object{Key: "c", Since: late, Hidden: true, Versions: 1}, marker: true}, // nothing is under it
		{Object: Object{Key: "d", Since: late, Versions: 1}},                             // no bytes, and still a version
	} {
		if err := g.add(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.end(); err != nil {
		t.Fatal(err)
	}
	want := []Object{{Key: "a", Size: 3, Since: early, Versions: 1}, {Key: "b", Size: 7, Since: late, Hidden: true, Versions: 3},
		{Key: "d", Since: late, Versions: 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	empty := group{fn: func(Object) error { t.Error("called for nothing"); return nil }}
	if err := empty.end(); err != nil {
		t.Error(err)
	}
}
