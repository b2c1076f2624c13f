package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/prompt"
	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/passage"
	"parley/shared/problem"
)

// shelf is users' files in memory. Its bytes are named by the file's id.
type shelf struct {
	mu     sync.Mutex
	rows   map[string]file.File // by user and id
	stale  map[string]bool      // ids that Some doesn't see yet
	bodies map[string]error     // what getting the contents of a file fails with
	calls  []string
}

func (s *shelf) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

func (s *shelf) Some(_ context.Context, user string, ids []string) (found []file.File, err error) {
	s.note("some %s", ids)
	for _, id := range ids {
		if f, ok := s.rows[user+"/"+id]; ok && !s.stale[id] {
			found = append(found, f)
		}
	}
	return found, s.bodies["table"]
}

func (s *shelf) File(_ context.Context, user, id string) (file.File, error) {
	s.note("file %s", id)
	f, ok := s.rows[user+"/"+id]
	if !ok {
		return f, file.ErrNoFile
	}
	return f, nil
}

func (s *shelf) Text(_ context.Context, sha, _ string) ([]byte, error) {
	s.note("text %s", sha)
	if err := s.bodies[sha]; err != nil {
		return nil, err
	}
	return passage.Encode(passage.Of(0, []passage.Page{{Text: "text of " + sha}}))
}

func (s *shelf) Picture(_ context.Context, sha string) ([]byte, string, error) {
	s.note("picture %s", sha)
	return []byte(sha), "image/jpeg", s.bodies[sha]
}

// put adds files of the user u: what begins with i is an image, with t a text.
func (s *shelf) put(user string, ids ...string) {
	for _, id := range ids {
		f := file.File{ID: id, Name: id, SHA256: id, Status: file.Ready, Kind: file.Other, Characters: 10}
		switch id[0] {
		case 'i':
			f.Kind = file.Image
		case 't':
			f.Kind = file.Text
		}
		s.rows[user+"/"+id] = f
	}
}

func newShelf() *shelf {
	return &shelf{rows: map[string]file.File{}, stale: map[string]bool{}, bodies: map[string]error{}}
}

func sent(id string, files ...string) chat.Message {
	m := chat.Message{ID: id, Role: chat.User, Text: "?"}
	for _, f := range files {
		a := file.Attachment{ID: f, Name: f, Kind: file.Text}
		if f[0] == 'i' {
			a.Kind = file.Image
		}
		m.Attachments = append(m.Attachments, a)
	}
	return m
}

// get has the files of a thread read by a worker that may know it before, in pages
// that are newest first.
func (s *shelf) get(t *testing.T, w *Worker, thread []chat.Message, pages ...[]chat.Message) (map[string]prompt.File, error) {
	t.Helper()
	if w == nil {
		w = s.worker()
	}
	j := &job{Worker: w, ref: chat.Ref{User: "u"}, log: slog.New(slog.DiscardHandler)}
	a := j.attached(t.Context())
	for _, p := range pages {
		a.want(p)
	}
	files, _, err := a.of(thread)
	return files, err
}

func (s *shelf) worker() *Worker {
	return &Worker{contents: newCache(cacheRoom), Parts: Parts{Files: s, Contents: s, Sees: func(string) bool { return true }}}
}

func lookOf(f prompt.File) string {
	switch {
	case f.Skipped:
		return "skipped"
	case f.Text != nil:
		return f.Text.Passages[0].Text
	}
	return f.Picture
}

func TestFilesOfAThread(t *testing.T) {
	s := newShelf()
	s.put("u", "t1", "i1", "o1", "t2", "t9")
	s.put("v", "tv")
	thread := []chat.Message{sent("1", "t1", "i1"), sent("2", "tv", "o1", "gone"), sent("3", "t2", "t1")}
	sibling := sent("4", "t9")
	got, err := s.get(t, nil, thread, []chat.Message{thread[2], sibling}, []chat.Message{thread[1], thread[0]})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for id, f := range got {
		all[id] = lookOf(f)
	}
	want := map[string]string{"t1": "text of t1", "t2": "text of t2", "i1": "data:image/jpeg;base64,aTE=", "o1": ""}
	if d := cmp.Diff(want, all); d != "" {
		t.Error(d)
	}
	if slices.Contains(s.calls, "text tv") || slices.Contains(s.calls, "text gone") {
		t.Errorf("another's file was read: %q", s.calls)
	}
}

// A reply names the files of its thread, so that those are there which were sent
// before what is read of the chat.
func TestFilesFromBeforeTheThread(t *testing.T) {
	s := newShelf()
	s.put("u", "t1", "t2", "t3")
	reply := chat.Message{ID: "2", Role: chat.Assistant, Sent: []string{"t1", "gone", "t2"}}
	thread := []chat.Message{reply, sent("3", "t3"), {ID: "4", Role: chat.Assistant, Sent: []string{"t1", "gone", "t2", "t3"}}, sent("5", "t2")}
	a := (&job{Worker: s.worker(), ref: chat.Ref{User: "u"}, log: slog.New(slog.DiscardHandler)}).attached(t.Context())
	a.want([]chat.Message{thread[3], thread[2]})
	a.want([]chat.Message{thread[1], thread[0]})
	files, before, err := a.of(thread)
	if d := cmp.Diff([]string{"t1", "gone"}, before); d != "" || err != nil || len(files) != 3 || lookOf(files["t1"]) != "text of t1" {
		t.Error(d, files, err)
	}
	if all, _ := sentIn(thread); !slices.Equal(all, []string{"t1", "gone", "t2", "t3"}) {
		t.Errorf("the next reply gets %q", all)
	}
}

// A worker reads the same bytes once; whose they are is asked each time.
func TestAContentIsReadOnce(t *testing.T) {
	s := newShelf()
	s.put("u", "t1")
	w, thread := s.worker(), []chat.Message{sent("1", "t1")}
	for range 3 {
		if got, err := s.get(t, w, thread, thread); err != nil || lookOf(got["t1"]) != "text of t1" {
			t.Error(got, err)
		}
	}
	if d := cmp.Diff([]string{"some [t1]", "text t1", "some [t1]", "some [t1]"}, s.calls); d != "" {
		t.Error(d)
	}
	delete(s.rows, "u/t1")
	if got, err := s.get(t, w, thread, thread); err != nil || len(got) > 0 {
		t.Errorf("a deleted file is still there: %v, %v", got, err)
	}
}

// Messages without files cost nothing, also where there is no access to any.
func TestMessagesWithoutFilesCostNothing(t *testing.T) {
	s := newShelf()
	thread := []chat.Message{sent("1"), sent("2")}
	if got, err := s.get(t, nil, thread, thread); err != nil || len(got) > 0 || len(s.calls) > 0 {
		t.Error(got, err, s.calls)
	}
	w := &Worker{contents: newCache(cacheRoom)}
	if _, err := s.get(t, w, thread, thread); err != nil {
		t.Error(err)
	}
	if _, err := s.get(t, w, thread, []chat.Message{sent("3", "t1")}); problem.From(err).Kind != problem.Unavailable {
		t.Errorf("a worker without files got %v", err)
	}
}

// A read that is behind doesn't make a file that was just sent a deleted one.
func TestAFileThatWasJustSentIsThere(t *testing.T) {
	s := newShelf()
	s.put("u", "t1", "t2")
	s.stale["t1"] = true
	thread := []chat.Message{sent("1", "t1", "t2")}
	got, err := s.get(t, nil, thread, thread)
	if err != nil || lookOf(got["t1"]) != "text of t1" {
		t.Error(got, err, s.calls)
	}
}

// What is away is asked for again later; what is missing or broken is named to the
// model; neither is left out in silence.
func TestFilesThatCanNotBeRead(t *testing.T) {
	away := problem.New(problem.Unavailable, "storage_unavailable", "")
	thread := []chat.Message{sent("1", "t1", "i1")}
	for name, c := range map[string]struct {
		at   string
		err  error
		want problem.Kind // empty: goes on
	}{
		"text away": {"t1", away, problem.Unavailable}, "picture away": {"i1", away, problem.Unavailable}, "table away": {"table", away, problem.Unavailable},
		"text missing": {"t1", file.ErrNoFile, ""}, "picture missing": {"i1", file.ErrNoFile, ""},
		"corrupt": {"t1", passage.ErrCorrupt, ""}, "of a later release": {"t1", passage.ErrLater, problem.Unavailable}, "else": {"t1", errors.New("?"), problem.Internal},
	} {
		s := newShelf()
		s.put("u", "t1", "i1")
		s.bodies[c.at] = c.err
		got, err := s.get(t, nil, thread, thread)
		if c.want == "" {
			if f, there := got[c.at]; err != nil || !there || f.Skipped || lookOf(f) != "" && f.Kind == file.Text {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		} else if err == nil || problem.From(err).Kind != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of very many files and of very long ones the newest are read, each time the same.
func TestTooManyFiles(t *testing.T) {
	s := newShelf()
	var thread []chat.Message
	for i := range 30 {
		var ids []string
		for k := range 10 {
			ids = append(ids, fmt.Sprintf("t%02d%d", i, k))
		}
		s.put("u", ids...)
		thread = append(thread, sent(fmt.Sprint(i), ids...))
	}
	long := s.rows["u/t250"]
	long.Characters = maxCharacters - 490
	s.rows["u/t250"] = long
	newest := slices.Clone(thread)
	slices.Reverse(newest)
	for range 5 {
		got, err := s.get(t, nil, thread, newest[:7], newest[7:20], newest[20:])
		if err != nil || len(got) != 300 {
			t.Fatal(len(got), err)
		}
		for id, f := range got {
			if want := id < "t250"; f.Skipped != want {
				t.Errorf("%s: skipped %v", id, f.Skipped)
			}
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(s.calls), func(c string) bool { return !strings.HasPrefix(c, "some") })); n > 15 {
		t.Errorf("%d calls for rows", n)
	}
}

// The newest pictures of the thread are read, however many others stand beside it.
func TestPicturesOfSiblings(t *testing.T) {
	s := newShelf()
	var ids, others []string
	for i := range 20 {
		ids, others = append(ids, fmt.Sprintf("i%02d", i)), append(others, fmt.Sprintf("ix%02d", i))
	}
	s.put("u", ids...)
	s.put("u", others...)
	thread := []chat.Message{sent("1", ids[:10]...), sent("2", ids[10:]...)}
	got, err := s.get(t, nil, thread, []chat.Message{sent("4", others[:10]...), sent("3", others[10:]...), thread[1], thread[0]})
	for i, id := range ids {
		if f := got[id]; (f.Picture != "") != (i >= 4) || f.Skipped != (i < 4) {
			t.Errorf("%s: %+v", id, f)
		}
	}
	if err != nil {
		t.Error(err)
	}
	blind := s.worker()
	blind.Sees, s.calls = nil, nil
	if _, err := s.get(t, blind, thread, []chat.Message{thread[1], thread[0]}); err != nil || len(s.calls) != 1 {
		t.Errorf("for a model that can't see: %q, %v", s.calls, err)
	}
}
