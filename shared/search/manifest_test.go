package search_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/search"
)

var segmentName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// A manifest is what it was, corrupt, or of a later release; whatever it says, its names
// lead to nothing but segments.
func FuzzDecodeManifest(f *testing.F) {
	one := "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	g := search.Segment{Name: strings.Repeat("0a", 32), Bytes: 9, Docs: 1, Tokens: 1, First: one, Last: one}
	whole, err := search.Manifest{Upto: one, Segments: []search.Segment{g}, Retired: []search.Retired{{Name: g.Name, At: time.UnixMilli(1).UTC()}},
		Build: &search.Build{Upto: one, Chat: one, Segments: []search.Segment{g}, Anew: true}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`{"v":2,"shards":[]}`))
	f.Add([]byte(`{"v":1,"segments":[{"name":"../../x","bytes":1,"docs":1}]}`))
	f.Add([]byte(`{"v":1,"v":2}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := search.DecodeManifest(in)
		if err != nil {
			if !errors.Is(err, search.ErrCorrupt) && !errors.Is(err, search.ErrLater) {
				t.Error(err)
			}
			return
		}
		names := []string{}
		for _, g := range m.Segments {
			names = append(names, g.Name)
		}
		if m.Build != nil {
			for _, g := range m.Build.Segments {
				names = append(names, g.Name)
			}
		}
		for _, r := range m.Retired {
			names = append(names, r.Name)
		}
		for _, name := range names {
			if !segmentName.MatchString(name) {
				t.Errorf("a segment is named %q", name)
			}
		}
		out, err := m.Encode()
		if err != nil {
			t.Fatalf("%s is read, but can't be written: %v", in, err)
		}
		again, err := search.DecodeManifest(out)
		again.Version = m.Version
		if d := cmp.Diff(m, again); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	})
}
