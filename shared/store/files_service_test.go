//go:build service

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// cabinet is a desk with the table of its files, and a clock for them.
type cabinet struct {
	*desk
	t      *testing.T
	files  *store.Files
	ledger *meter

	mu sync.Mutex
	at time.Time
}

const plenty = int64(1) << 40 // bytes of storage

func newCabinet(t *testing.T) *cabinet {
	t.Helper()
	_, _, chats := storetest.Tables(t)
	return cabinetOver(t, chats)
}

// cabinetOver is a new user's, with an empty table of files.
func cabinetOver(t *testing.T, chats string) *cabinet {
	t.Helper()
	m, db := &meter{}, storetest.Client(t)
	table := storetest.Table(t, db, "files")
	db = m.meter(db)
	d := deskOver(store.NewChats(db, nil, chats, "").WithFiles(table), chats)
	d.Sender.Files = d.chats
	c := &cabinet{desk: d, t: t, files: store.NewFiles(db, table, chats), ledger: m, at: time.Now().UTC().Truncate(time.Millisecond)}
	c.files.Now = c.clock
	return c
}

func (c *cabinet) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *cabinet) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func hash(n int) string { return fmt.Sprintf("%064x", n) }

// upload is a file as its upload begins.
func (c *cabinet) upload(user string, size int64, sha string) file.File {
	at := c.clock()
	return file.File{ID: id.New(at), User: user, Name: "a.txt", Size: size, ContentType: "text/plain", SHA256: sha,
		Status: file.Uploading, CreatedAt: at, ExpiresAt: at.Add(file.UploadLife)}
}

func (c *cabinet) create(f file.File) file.File {
	c.t.Helper()
	c.must(c.files.Create(c.t.Context(), f, plenty))
	return f
}

func (c *cabinet) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// process takes a file through all stages.
func (c *cabinet) process(f file.File) file.File {
	c.t.Helper()
	f = c.arrive(f)
	c.must(c.files.Hold(c.t.Context(), f))
	f.Kind, f.Malware = file.Text, file.NotScanned
	c.must(c.files.Ready(c.t.Context(), f))
	return c.file(f)
}

func (c *cabinet) arrive(f file.File) file.File {
	c.t.Helper()
	f, err := c.files.Arrived(c.t.Context(), f.User, f.ID, "v1")
	c.must(err)
	return f
}

func (c *cabinet) ready(user string, size int64, sha string) file.File {
	c.t.Helper()
	return c.process(c.create(c.upload(user, size, sha)))
}

func (c *cabinet) file(f file.File) file.File {
	c.t.Helper()
	f, err := c.files.File(c.t.Context(), f.User, f.ID)
	c.must(err)
	return f
}

func (c *cabinet) want(want error, err error) {
	c.t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		c.t.Errorf("%v, want %v", err, want)
	}
}

// send asks something with files in a chat, and answers it, so that the chat is free
// again.
func (c *cabinet) send(chatID string, files ...file.File) string {
	c.t.Helper()
	q := chat.Question{Chat: chatID, Text: "What is this?"}
	for _, f := range files {
		q.Attachments = append(q.Attachments, f.ID)
	}
	r := c.mustAsk(c.t, q)
	c.answer(c.t, r, "a file")
	return r.Chat
}

// rows is the whole table.
func (c *cabinet) rows() (all []store.Row) {
	c.t.Helper()
	c.must(c.files.Scan(context.Background(), func(r store.Row) error {
		all = append(all, r)
		return nil
	}))
	return all
}

// sound checks that everything that counts has the right count.
func (c *cabinet) sound() {
	c.t.Helper()
	is, sum := map[string]int64{}, map[string]int64{}
	for _, r := range c.rows() {
		switch {
		case r.File != nil:
			f := r.File
			sum["bytes of "+f.User] += f.Bytes
			sum["open of "+f.User] += one(f.Open)
			sum["refs of "+f.SHA256] += one(f.Counted)
			is["chats of "+f.ID] = int64(f.Chats)
		case r.Blob != nil:
			is["refs of "+r.Blob.SHA] = int64(r.Blob.Refs)
		case r.Totals != nil:
			is["bytes of "+r.Totals.User], is["open of "+r.Totals.User] = r.Totals.Bytes, int64(r.Totals.Open)
		case r.Attached != nil:
			sum["chats of "+r.Attached.File]++
			sum["bytes in "+r.Attached.Chat] += r.Attached.Bytes
		case r.Dialogue != nil:
			is["bytes in "+r.Dialogue.Chat] = r.Dialogue.Bytes
		}
	}
	for _, m := range []map[string]int64{is, sum} {
		for what, n := range m {
			if n == 0 {
				delete(m, what)
			}
		}
	}
	if d := cmp.Diff(sum, is); d != "" {
		c.t.Errorf("what is there (-) and what is counted (+):\n%s", d)
	}
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// empty checks that nothing is left but totals of nobody.
func (c *cabinet) empty() {
	c.t.Helper()
	for _, r := range c.rows() {
		if r.Totals == nil || r.Totals.Bytes != 0 || r.Totals.Open != 0 {
			c.t.Errorf("left: %s", show(r))
		}
	}
}

func show(r store.Row) string {
	for _, v := range []any{r.File, r.Blob, r.Totals, r.Attached, r.Dialogue} {
		if s := fmt.Sprintf("%+v", v); s != "<nil>" {
			return s
		}
	}
	return "nothing"
}

func TestAFileComesBackAsItWasMade(t *testing.T) {
	c := newCabinet(t)
	want := c.upload(c.user, 9<<20, hash(1))
	want.Parts, want.Upload = []string{hash(2), hash(3)}, "up"
	want.Chat = c.send("")
	want.ExpiresAt = want.ExpiresAt.Truncate(time.Millisecond)
	if d := cmp.Diff(want, c.file(c.create(want))); d != "" {
		t.Error(d)
	}
	f := c.arrive(want)
	c.must(c.files.Hold(t.Context(), f))
	f.ContentType, f.Kind, f.Pages, f.Width, f.Height, f.Characters, f.Malware = "application/pdf", file.Text, 3, 4, 5, 6, file.Clean
	f.Note = &file.Remark{Code: "half", Detail: "Only half of it could be read."}
	c.must(c.files.Ready(t.Context(), f))
	c.want(nil, c.files.Ready(t.Context(), f))
	f.Status, f.Stored, f.Version, f.ExpiresAt = file.Ready, true, "v1", time.Time{}
	if d := cmp.Diff(f, c.file(f)); d != "" {
		t.Error(d)
	}
	own, err := c.files.Own(t.Context(), c.user, hash(1))
	if d := cmp.Diff(f, own); d != "" || err != nil {
		t.Error(d, err)
	}
	c.sound()
}

func TestStagesAreBegunAndCounted(t *testing.T) {
	c := newCabinet(t)
	f := c.arrive(c.create(c.upload(c.user, 5, hash(1))))
	again, err := c.files.Arrived(t.Context(), c.user, f.ID, "v2")
	if err != nil || again.Version != "v1" || again.Status != file.Processing {
		t.Errorf("%+v, %v", again, err)
	}
	step := func(from file.File, s file.Stage, tries int) file.File {
		t.Helper()
		c.pass(time.Minute)
		f, err := c.files.Begin(t.Context(), from, s)
		if err != nil || f.Stage != s || f.Tries != tries || !f.Begun.Equal(c.clock()) {
			t.Errorf("%+v, %v, want stage %s, try %d", f, err, s, tries)
		}
		return f
	}
	stale := f
	f = step(f, file.Verify, 1)
	f = step(f, file.Verify, 2)
	c.must(c.files.Spare(t.Context(), f))
	f = step(f, file.Verify, 2)
	step(stale, file.Verify, 1) // it has read the row before anybody began
	f = step(f, file.Scan, 1)
	f.Malware = file.Clean
	f = step(f, file.Store, 1)
	if f.Malware != file.Clean {
		t.Error("the verdict is lost")
	}
	_, err = c.files.Begin(t.Context(), stale, file.Verify)
	c.want(file.ErrGone, err)
	if _, err = c.files.Delete(t.Context(), c.user, f.ID); err != nil {
		t.Fatal(err)
	}
	_, err = c.files.Begin(t.Context(), f, file.Store)
	c.want(file.ErrGone, err)
	c.want(file.ErrGone, c.files.Spare(t.Context(), f))
	c.want(file.ErrGone, c.files.Hold(t.Context(), f))
	c.want(file.ErrGone, c.files.Ready(t.Context(), f))
	c.want(file.ErrGone, c.files.Reject(t.Context(), f, file.Remark{Code: "x", Detail: "y"}))
	_, err = c.files.Own(t.Context(), c.user, f.SHA256)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Arrived(t.Context(), c.user, f.ID, "v1")
	c.want(file.ErrNoFile, err)
	c.sound()
}

func TestARejectedFileTakesNoRoom(t *testing.T) {
	c := newCabinet(t)
	chatID := c.send("")
	for _, held := range []bool{false, true} {
		f := c.upload(c.user, 5, hash(1))
		f.Chat = chatID
		f = c.arrive(c.create(f))
		if held {
			c.must(c.files.Hold(t.Context(), f))
			c.must(c.files.Hold(t.Context(), f))
		}
		why := file.Remark{Code: "wrong_hash", Detail: "Other bytes have arrived."}
		for range 2 {
			c.must(c.files.Reject(t.Context(), f, why))
		}
		if got := c.file(f); got.Status != file.Rejected || got.Reason == nil || *got.Reason != why || got.Stage != "" {
			t.Errorf("%+v", got)
		}
		c.want(file.ErrGone, c.files.Ready(t.Context(), f))
		c.sound()
	}
	if used, err := c.files.Used(t.Context(), c.user); used != 0 || err != nil {
		t.Error(used, err)
	}
	for _, r := range c.rows() {
		if r.Dialogue != nil && r.Dialogue.Bytes != 0 || r.Totals != nil && r.Totals.Open != 0 {
			t.Errorf("still counted: %s", show(r))
		}
	}
}

func TestFilesAreListedNewestFirst(t *testing.T) {
	c := newCabinet(t)
	var ids []string
	for i := range 23 {
		c.pass(time.Second)
		f := c.create(c.upload(c.user, 5, hash(i)))
		if i%7 == 3 {
			_, err := c.files.Delete(t.Context(), c.user, f.ID)
			c.must(err)
			continue
		}
		ids = append([]string{f.ID}, ids...)
	}
	for _, limit := range []int{1, 5, 20, 100} {
		var got []string
		for after, pages := "", 0; ; pages++ {
			page, next, err := c.files.List(t.Context(), c.user, limit, after)
			c.must(err)
			for _, f := range page {
				got = append(got, f.ID)
			}
			if after = next; next == "" {
				break
			}
			if len(page) != limit || pages > 30 {
				t.Fatalf("a page of %d, then %q", len(page), next)
			}
		}
		if d := cmp.Diff(ids, got); d != "" {
			t.Errorf("by %d: %s", limit, d)
		}
	}
	some, err := c.files.Some(t.Context(), c.user, []string{ids[3], ids[0], ids[3], id.New(c.at)})
	if err != nil || len(some) != 2 || some[0].ID != ids[3] || some[1].ID != ids[0] {
		t.Errorf("%+v, %v", some, err)
	}
	c.pass(file.UploadLife + time.Second)
	if left, _, err := c.files.List(t.Context(), c.user, 100, ""); err != nil || len(left) != 0 {
		t.Errorf("expired uploads are listed: %d, %v", len(left), err)
	}
}

// TestNobodyGetsAtAnothersFile has a stranger name them everywhere.
func TestNobodyGetsAtAnothersFile(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	f := c.ready(c.user, 5, hash(1))
	open := c.create(c.upload(c.user, 5, hash(2)))
	busy := c.arrive(c.create(c.upload(c.user, 5, hash(3))))
	chatID := c.send("", f)
	before := c.rows()
	stranger := id.New(c.at)
	theirs := func(f file.File) file.File { f.User = stranger; return f }

	_, err := c.files.File(ctx, stranger, f.ID)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Tomb(ctx, stranger, f.ID)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Own(ctx, stranger, f.SHA256)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Delete(ctx, stranger, f.ID)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Arrived(ctx, stranger, open.ID, "v1")
	c.want(file.ErrNoFile, err)
	some, err := c.files.Some(ctx, stranger, []string{f.ID, open.ID})
	if len(some) != 0 || err != nil {
		t.Errorf("%+v, %v", some, err)
	}
	list, _, err := c.files.List(ctx, stranger, 10, "")
	if len(list) != 0 || err != nil {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = c.files.Begin(ctx, theirs(busy), file.Verify)
	c.want(file.ErrGone, err)
	c.want(file.ErrGone, c.files.Hold(ctx, theirs(busy)))
	c.want(file.ErrGone, c.files.Ready(ctx, theirs(busy)))
	c.want(file.ErrGone, c.files.Reject(ctx, theirs(busy), file.Remark{Code: "x"}))
	c.want(file.ErrNoFile, c.files.Release(ctx, theirs(f)))
	c.want(nil, c.files.Remove(ctx, theirs(f)))
	gone, err := c.files.Detach(ctx, stranger, chatID)
	if len(gone) != 0 || err != nil {
		t.Errorf("%+v, %v", gone, err)
	}
	into := c.upload(stranger, 5, hash(4))
	into.Chat = chatID
	c.want(chat.ErrNoChat, c.files.Create(ctx, into, plenty))
	c.must(c.files.Forget(ctx, stranger))
	if d := cmp.Diff(before, c.rows()); d != "" {
		t.Error(d)
	}
	c.sound()
}

// beingRemoved reports whether somebody else is removing the bytes.
func beingRemoved(err error) bool { return errors.Is(err, file.ErrBurial) && problem.Retryable(err) }
