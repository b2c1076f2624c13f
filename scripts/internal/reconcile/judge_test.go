package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/object"
	"parley/shared/store"
)

var (
	noon  = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	past  = noon.Add(-48 * time.Hour)
	isOld = func(t time.Time) bool { return noon.Sub(t) >= 24*time.Hour }
)

func TestBlobsAreJudged(t *testing.T) {
	ready := func(size int64) ref { return ref{Size: size, Counted: true, Ready: true, Made: past} }
	read := func(kind file.Kind, made time.Time) []ref {
		return []ref{{Size: 5, Counted: true, Ready: true, Made: made, Kind: kind, Type: "text/csv"}}
	}
	made := func(hidden bool, names ...string) (all []thing) {
		for _, name := range names {
			all = append(all, thing{Key: "derived/s/" + name, Since: past, Hidden: hidden})
		}
		return all
	}
	row := func(refs int) store.Blob { return store.Blob{SHA: "s", Refs: refs, Changes: 1} }
	there, young := &thing{Size: 5, Since: past}, &thing{Size: 5, Since: noon}
	for name, c := range map[string]struct {
		state blobState
		want  []Kind
	}{
		"as it should be":          {blobState{row: true, count: row(2), files: []ref{ready(5), ready(5)}, blob: there, made: made(false, "text/text/csv")}, nil},
		"counted too often":        {blobState{row: true, count: row(3), files: []ref{ready(5)}, blob: there}, []Kind{WrongRefs}},
		"a file that isn't stored": {blobState{row: true, count: row(1), files: []ref{ready(5), {Made: past}}, blob: there}, nil},
		"no row":                   {blobState{files: []ref{ready(5)}, blob: there}, []Kind{WrongRefs}},
		"nobody's, and a row":      {blobState{row: true, count: row(0), blob: there}, []Kind{Unreferenced}},
		"nobody's, counted":        {blobState{row: true, count: row(1), blob: there}, []Kind{WrongRefs}},
		"nobody's, young":          {blobState{blob: young}, nil},
		"nobody's, old and young":  {blobState{blob: there, made: []thing{*young}}, nil},
		"made of nothing":          {blobState{made: made(false, "picture")}, []Kind{Unreferenced}},
		"being removed":            {blobState{row: true, count: store.Blob{Dying: noon.Add(-time.Hour)}}, nil},
		"removed for two days":     {blobState{row: true, count: store.Blob{Dying: past}}, []Kind{Unreferenced}},
		"lost":                     {blobState{row: true, count: row(1), files: []ref{ready(5)}}, []Kind{Missing}},
		"not there yet":            {blobState{row: true, count: row(1), files: []ref{{Size: 5, Counted: true, Made: past}}}, nil},
		"ready, but young":         {blobState{row: true, count: row(1), files: []ref{{Size: 5, Counted: true, Ready: true, Made: noon}}}, nil},
		"hidden":                   {blobState{row: true, count: row(1), files: []ref{ready(5)}, blob: &thing{Size: 5, Since: past, Hidden: true}}, []Kind{Hidden}},
		"of another size":          {blobState{row: true, count: row(1), files: []ref{ready(6)}, blob: there}, []Kind{Damaged}},
		"a text":                   {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, past), blob: there, made: made(false, "text/text/csv")}, nil},
		"an image":                 {blobState{sha: "s", row: true, count: row(1), files: read(file.Image, past), blob: there, made: made(false, "picture", "thumbnail")}, nil},
		"no text":                  {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, past), blob: there}, []Kind{Unmade}},
		"the text of another type": {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, past), blob: there, made: made(false, "text/text/plain")}, []Kind{Unmade}},
		"a text that is hidden":    {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, past), blob: there, made: made(true, "text/text/csv")}, []Kind{Unmade}},
		"half of an image":         {blobState{sha: "s", row: true, count: row(1), files: read(file.Image, past), blob: there, made: made(false, "picture")}, []Kind{Unmade}},
		"no text, but young":       {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, noon), blob: there}, nil},
		"no text of lost bytes":    {blobState{sha: "s", row: true, count: row(1), files: read(file.Text, past)}, []Kind{Missing}},
	} {
		check(t, name, c.want, c.state.differences(isOld))
	}
}

func TestUsersAreJudged(t *testing.T) {
	held := func(s file.Status, chats int) store.Counted {
		return store.Counted{File: file.File{ID: "f", Status: s, CreatedAt: past, ExpiresAt: past.Add(24 * time.Hour)}, Bytes: 5, Chats: chats}
	}
	resting := func(until time.Time) store.Counted {
		f := held(file.Deleted, 1)
		f.Rests = until
		return f
	}
	sent := []object.Object{{Key: "k", File: file.File{ID: "f"}, Since: past}}
	place := []store.Attached{{Chat: "c", File: "f", Bytes: 5}}
	for name, c := range map[string]struct {
		file     store.Counted
		totals   int64
		room     int64
		attached []store.Attached
		incoming []object.Object
		want     []Kind
	}{
		"as it should be":        {file: held(file.Ready, 1), totals: 5, room: 5, attached: place},
		"counted wrong":          {file: held(file.Ready, 1), totals: 6, room: 5, attached: place, want: []Kind{WrongTotals}},
		"a chat counted wrong":   {file: held(file.Ready, 1), totals: 5, room: 4, attached: place, want: []Kind{WrongRoom}},
		"says another chat":      {file: held(file.Ready, 2), totals: 5, room: 5, attached: place, want: []Kind{WrongChats}},
		"a place of nothing":     {file: held(file.Ready, 0), totals: 5, room: 5, attached: []store.Attached{{Chat: "c", File: "g", Bytes: 5}}, want: []Kind{NoFile}},
		"a tombstone":            {file: held(file.Deleted, 1), totals: 5, want: []Kind{Tombstone}},
		"its row rests":          {file: resting(noon), totals: 5},
		"its row has rested":     {file: resting(past), totals: 5, want: []Kind{Tombstone}},
		"processed for two days": {file: held(file.Processing, 0), totals: 5, incoming: sent, want: []Kind{Stuck}},
		"sent, and ready":        {file: held(file.Ready, 0), totals: 5, incoming: sent, want: []Kind{Leftover}},
		"sent, but too late":     {file: held(file.Uploading, 0), totals: 5, incoming: sent, want: []Kind{Leftover}},
		"just sent":              {file: held(file.Ready, 0), totals: 5, incoming: []object.Object{{File: file.File{ID: "g"}, Since: noon}}},
	} {
		s := newUserState("u")
		s.files["f"], s.totals.Bytes, s.attached, s.incoming = c.file, c.totals, c.attached, c.incoming
		if c.room > 0 {
			s.dialogues["c"] = c.room
		}
		check(t, name, c.want, s.differences(isOld))
	}
}

func check(t *testing.T, name string, want []Kind, all []Difference) {
	t.Helper()
	var got []Kind
	for _, d := range all {
		got = append(got, d.Kind)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

func TestSpool(t *testing.T) {
	s, err := newSpool[userNote](t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"a", "b", "a"} {
		if err := s.add(user, userNote{User: user, Totals: &store.Totals{User: user}}); err != nil {
			t.Fatal(err)
		}
	}
	together := 0
	for shard := range shards {
		n := map[string]int{}
		if err := s.each(shard, func(v userNote) { n[v.User]++ }); err != nil {
			t.Fatal(err)
		}
		together += n["a"] / 2
	}
	if together != 1 {
		t.Error("what has one key is not together")
	}
	s.close()
	if err := s.each(0, func(userNote) {}); err == nil {
		t.Error("a closed spool is read")
	}
	if _, err := newSpool[userNote]("/nowhere", "x"); err == nil {
		t.Error("a spool is made in no folder")
	}
}
