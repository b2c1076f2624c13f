//go:build service

package search_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/problem"
	"parley/shared/search"
)

// lose removes a segment of a user.
func (w *world) lose(user string, g search.Segment) {
	w.t.Helper()
	key := aws.String("segments/" + user + "/" + g.Name)
	if _, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: &w.bucket, Key: key}); err != nil {
		w.t.Fatal(err)
	}
}

// put keeps other bytes under a segment's name.
func (w *world) put(user string, g search.Segment, body []byte) {
	w.t.Helper()
	key := aws.String("segments/" + user + "/" + g.Name)
	if _, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &w.bucket, Key: key, Body: bytes.NewReader(body)}); err != nil {
		w.t.Fatal(err)
	}
}

// A segment that is lost or isn't what was kept is searched without, and built again.
func TestABrokenSegmentIsMended(t *testing.T) {
	for name, harm := range map[string]func(*world, search.Segment){
		"lost":  func(w *world, g search.Segment) { w.lose(w.ada, g) },
		"other": func(w *world, g search.Segment) { w.put(w.ada, g, bytes.Repeat([]byte{7}, int(g.Bytes))) },
		"cut":   func(w *world, g search.Segment) { w.put(w.ada, g, []byte("PK")) },
		"empty": func(w *world, g search.Segment) { w.put(w.ada, g, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			one := w.say(w.ada, "", "What do otters eat?", "Fish. "+filler(enough))
			w.pass(lag + time.Minute)
			w.run(search.Job{User: w.ada})
			two := w.say(w.ada, "", "Where do otters sleep?", "Afloat. "+filler(enough))
			w.pass(lag + time.Minute)
			w.run(search.Job{User: w.ada})
			three := w.say(w.ada, "", "Are otters loud?", "At times.")
			w.want(w.ada, "otter -eat", two.question, three.question)

			segments := w.manifest(w.ada).Segments
			harm(w, segments[0])
			w.Segments = w.machine()
			for n := range 25 { // as somebody types, and goes on later
				if n%10 == 9 {
					w.pass(2 * time.Minute)
				}
				p := w.look(w.ada, "otters")
				if got := found(p); !p.Partial || !slices.Contains(got, two.question) || !slices.Contains(got, three.question) || slices.Contains(got, one.question) {
					t.Errorf("without a segment: partial %t, %q", p.Partial, got)
				}
			}
			jobs := w.queued()
			if want := (search.Job{User: w.ada, Broken: segments[0].Name}); len(jobs) != 3 || jobs[0] != want {
				t.Fatalf("queued are %+v, want %+v", jobs, want)
			}
			for i, j := range jobs {
				if done := w.run(j); (done.Docs > 0) != (i == 0) {
					t.Errorf("job %d did %+v", i, done)
				}
			}
			w.want(w.ada, `"otters eat"`, one.question)
			w.want(w.ada, "fish", one.reply)
			w.want(w.ada, "afloat", two.reply)
			w.want(w.ada, "loud", three.question)
		})
	}
}

// A merge that comes upon a broken segment builds all anew.
func TestAMergeMendsWhatItFindsBroken(t *testing.T) {
	w := newWorld(t)
	first := w.say(w.ada, "", "What do otters eat?", "Fish. "+filler(enough))
	for range 4 {
		w.pass(lag + time.Minute)
		w.run(search.Job{User: w.ada})
		if m := w.manifest(w.ada); len(m.Segments) == 3 {
			w.lose(w.ada, m.Segments[1])
		}
		w.say(w.ada, "", "Hello?", filler(enough))
	}
	w.Segments = w.machine()
	w.want(w.ada, "fish", first.reply)
	if m := w.manifest(w.ada); len(m.Segments) != 1 {
		t.Errorf("%d segments", len(m.Segments))
	}
}

// What names segments may itself be broken: then the table is searched, and all built
// anew, once.
func TestABrokenManifestIsMended(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":           "{",
		"no version":        "{}",
		"another's key":     `{"v":1,"segments":[{"name":"../01ARZ3NDEKTSV4RRFFQ69G5FAV/x","bytes":1,"docs":1,"tokens":1,"first":"01ARZ3NDEKTSV4RRFFQ69G5FAV","last":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}]}`,
		"as large as a row": `{"v":1,"upto":"` + strings.Repeat("x", 300<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.say(w.ada, "", "What do otters eat?", "Fish. "+filler(enough))
			w.pass(lag + time.Minute)
			w.run(search.Job{User: w.ada})
			w.replace(w.ada, body)
			for range 2 {
				w.pass(2 * time.Minute)
				if p := w.look(w.ada, "fish"); !p.Partial || len(p.Hits) != 1 || p.Hits[0].Message != r.reply {
					t.Errorf("found %+v", p)
				}
			}
			jobs := w.queued()
			for i, j := range jobs {
				if done := w.run(j); (done.Docs > 0) != (i == 0) {
					t.Errorf("job %d, %+v, did %+v", i, j, done)
				}
			}
			w.want(w.ada, "fish", r.reply)
			if m := w.manifest(w.ada); len(jobs) != 2 || len(m.Segments) != 1 {
				t.Errorf("%d jobs, %d segments", len(jobs), len(m.Segments))
			}
		})
	}
}

// replace puts anything in the place of a manifest.
func (w *world) replace(user, body string) {
	w.t.Helper()
	_, times, err := w.chats.Indexed(w.t.Context(), user)
	if err == nil {
		_, err = w.chats.SetIndexed(w.t.Context(), user, []byte(body), times)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// A later release's manifest is neither searched nor replaced.
func TestALaterManifestIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.say(w.ada, "", "What do otters eat?", "Fish. "+filler(enough))
	w.pass(lag + time.Minute)
	later := fmt.Sprintf(`{"v":%d,"shards":[1]}`, search.FormatVersion+1)
	w.replace(w.ada, later)
	_, err := w.Search(t.Context(), search.Request{User: w.ada, Query: "fish", Limit: 10})
	if !errors.Is(err, search.ErrLater) || problem.From(err).Kind != problem.Unavailable {
		t.Errorf("search: %v", err)
	}
	for _, j := range []search.Job{{User: w.ada}, {User: w.ada, Anew: true}} {
		if _, err := w.indexer.Run(t.Context(), j); !errors.Is(err, search.ErrLater) {
			t.Errorf("index: %v", err)
		}
	}
	if body, _, err := w.chats.Indexed(t.Context(), w.ada); string(body) != later || err != nil {
		t.Errorf("the manifest is %s, %v", body, err)
	}
}

// While the bucket is away nobody is told that there is nothing, and nothing is built
// anew; when it is back all is as it was.
func TestStorageAwayAndBack(t *testing.T) {
	w := newWorld(t)
	r := w.say(w.ada, "", "What do otters eat?", "Fish. "+filler(enough))
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	w.Segments = w.machine()
	away := func(is bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.away = is
	}
	away(true)
	_, err := w.Search(t.Context(), search.Request{User: w.ada, Query: "fish", Limit: 10})
	if problem.From(err).Kind != problem.Unavailable || errors.Is(err, search.ErrCorrupt) {
		t.Errorf("search: %v", err)
	}
	before := w.manifest(w.ada)
	w.say(w.ada, "", "Hello?", filler(enough))
	w.pass(lag + time.Minute)
	for _, j := range []search.Job{{User: w.ada}, {User: w.ada, Broken: before.Segments[0].Name}} {
		if _, err := w.indexer.Run(t.Context(), j); problem.From(err).Kind != problem.Unavailable {
			t.Errorf("index: %v", err)
		}
	}
	if jobs := w.queued(); len(jobs) != 0 || w.manifest(w.ada).Times != before.Times {
		t.Errorf("queued are %+v, or the manifest has changed", jobs)
	}
	away(false)
	w.want(w.ada, "fish", r.reply)
	w.run(search.Job{User: w.ada})
	w.want(w.ada, "fish", r.reply)
}

// A rest that is too large for one search is searched from its newest chats on, and
// indexed.
func TestALargeRestIsPartlySearched(t *testing.T) {
	w := newWorld(t)
	old := w.say(w.ada, "", "What do otters eat?", "Fish.")
	for range 30 {
		w.say(w.ada, "", "Hello?", strings.Repeat(filler(3<<10), 100))
	}
	w.pass(time.Hour)
	last := w.say(w.ada, "", "Where do otters sleep?", "Afloat.")
	p := w.look(w.ada, "afloat")
	if !p.Partial || !slices.Equal(found(p), []string{last.reply}) {
		t.Errorf("partial %t, found %q", p.Partial, found(p))
	}
	jobs := w.queued()
	if len(jobs) != 1 || jobs[0] != (search.Job{User: w.ada}) {
		t.Fatalf("queued are %+v", jobs)
	}
	w.run(jobs[0])
	w.want(w.ada, "fish", old.reply)
	w.want(w.ada, "afloat", last.reply)
}

// Half of that is searched as a whole, and indexed as well.
func TestAMiddlingRestIsSearchedAndIndexed(t *testing.T) {
	w := newWorld(t)
	said := w.say(w.ada, "", "What do otters eat?", "Fish.")
	for range 8 {
		w.say(w.ada, "", "Hello?", strings.Repeat(filler(3<<10), 100))
	}
	w.pass(time.Hour)
	for range 2 {
		w.want(w.ada, "fish", said.reply)
		if p := w.look(w.ada, "fish"); p.Partial {
			t.Errorf("partial: %+v", p)
		}
	}
	if jobs := w.queued(); len(jobs) != 1 || jobs[0] != (search.Job{User: w.ada}) {
		t.Fatalf("queued are %+v", jobs)
	}
}
