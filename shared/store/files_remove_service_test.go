//go:build service

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/store/storetest"
)

// bytesHeld is where bytes are, for a Remover.
type bytesHeld struct {
	mu       sync.Mutex
	incoming map[string]string // owner of each file that was sent
	blobs    map[string]bool
}

func newBytes() *bytesHeld {
	return &bytesHeld{incoming: map[string]string{}, blobs: map[string]bool{}}
}

func (b *bytesHeld) do(change func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	return nil
}

func (b *bytesHeld) Discard(_ context.Context, f file.File) error {
	return b.do(func() { delete(b.incoming, f.ID) })
}

func (b *bytesHeld) RemoveBlob(_ context.Context, sha string) error {
	return b.do(func() { delete(b.blobs, sha) })
}

func (b *bytesHeld) RemoveUser(_ context.Context, user string) error {
	return b.do(func() {
		for name, owner := range b.incoming {
			if owner == user {
				delete(b.incoming, name)
			}
		}
	})
}

func (b *bytesHeld) put(f file.File) {
	_ = b.do(func() { b.incoming[f.ID] = f.User })
}

func (b *bytesHeld) copy(sha string) {
	_ = b.do(func() { b.blobs[sha] = true })
}

func (b *bytesHeld) has(sha string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blobs[sha]
}

func (b *bytesHeld) empty(t *testing.T) {
	t.Helper()
	if len(b.incoming)+len(b.blobs) > 0 {
		t.Errorf("bytes are left: %v, %v", b.incoming, b.blobs)
	}
}

// stored has a user send a file as far as its blob.
func (c *cabinet) stored(b *bytesHeld, user, sha string) file.File {
	c.t.Helper()
	f := c.create(c.upload(user, 5, sha))
	b.put(f)
	f = c.process(f)
	b.copy(sha)
	return f
}

// errCut ends a Remover's process.
var errCut = errors.New("cut off")

// knife cuts a process off at one of its calls: before or after the call has had
// its effect.
type knife struct {
	mu    sync.Mutex
	left  int // calls until the cut
	after bool
	fell  bool
}

func (k *knife) cut(call func() error) error {
	k.mu.Lock()
	k.left--
	now, dead := k.left == 0, k.left < 0 && k.fell
	k.fell = k.fell || now
	k.mu.Unlock()
	switch {
	case dead || now && !k.after:
		return errCut
	case now:
		return errors.Join(call(), errCut)
	}
	return call()
}

// knifed is all that a Remover calls, under the knife.
type knifed struct {
	*cabinet
	*bytesHeld
	knife *knife
}

func (k knifed) remover() *file.Remover {
	return &file.Remover{Files: k, Graves: k, Estates: k, Bytes: k}
}

func cut1[T any](k *knife, call func() (T, error)) (v T, err error) {
	err = k.cut(func() (err error) { v, err = call(); return err })
	return v, err
}

func (k knifed) Tomb(ctx context.Context, user, name string) (file.File, error) {
	return cut1(k.knife, func() (file.File, error) { return k.files.Tomb(ctx, user, name) })
}
func (k knifed) Delete(ctx context.Context, user, name string) (file.File, error) {
	return cut1(k.knife, func() (file.File, error) { return k.files.Delete(ctx, user, name) })
}
func (k knifed) Release(ctx context.Context, f file.File) error {
	return k.knife.cut(func() error { return k.files.Release(ctx, f) })
}
func (k knifed) Remove(ctx context.Context, f file.File) error {
	return k.knife.cut(func() error { return k.files.Remove(ctx, f) })
}
func (k knifed) Bury(ctx context.Context, sha string) (bool, error) {
	return cut1(k.knife, func() (bool, error) { return k.files.Bury(ctx, sha) })
}
func (k knifed) Buried(ctx context.Context, sha string) error {
	return k.knife.cut(func() error { return k.files.Buried(ctx, sha) })
}
func (k knifed) Detach(ctx context.Context, user, chat string) ([]file.File, error) {
	return cut1(k.knife, func() ([]file.File, error) { return k.files.Detach(ctx, user, chat) })
}
func (k knifed) Each(ctx context.Context, user string, fn func(file.File) error) error {
	return k.knife.cut(func() error { return k.files.Each(ctx, user, fn) })
}
func (k knifed) Forget(ctx context.Context, user string) error {
	return k.knife.cut(func() error { return k.files.Forget(ctx, user) })
}
func (k knifed) Discard(ctx context.Context, f file.File) error {
	return k.knife.cut(func() error { return k.bytesHeld.Discard(ctx, f) })
}
func (k knifed) RemoveBlob(ctx context.Context, sha string) error {
	return k.knife.cut(func() error { return k.bytesHeld.RemoveBlob(ctx, sha) })
}
func (k knifed) RemoveUser(ctx context.Context, user string) error {
	return k.knife.cut(func() error { return k.bytesHeld.RemoveUser(ctx, user) })
}

// afterEachCut does what a purge job does, cut off at every one of its calls in
// turn, before and after the call's effect, and repeats it until it is done: as the
// queue does, some time later. Half done, a removal of a whole user leaves counts of
// that user's that nobody needs any more.
func afterEachCut(t *testing.T, whole bool, prepare func(*cabinet, *bytesHeld) (job func(*file.Remover) error, check func())) {
	_, _, chats := storetest.Tables(t)
	for _, after := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			if !t.Run(fmt.Sprintf("call %d, after it %v", at, after), func(t *testing.T) {
				c, b := cabinetOver(t, chats), newBytes()
				job, check := prepare(c, b)
				k := &knife{left: at, after: after}
				err := job(knifed{c, b, k}.remover())
				if more = k.fell; !more {
					c.want(nil, err)
				} else {
					c.want(errCut, err)
				}
				if !whole {
					c.sound()
				}
				c.pass(file.Burial + time.Second)
				c.want(nil, job(knifed{c, b, &knife{}}.remover()))
				check()
				c.sound()
				c.want(nil, job(knifed{c, b, &knife{}}.remover())) // SQS may deliver it again
				check()
			}) || at > 100 {
				t.Fatal("the job is not done in the end")
			}
		}
	}
}

func TestARemovalThatIsCutOffIsFinishedByTheNext(t *testing.T) {
	afterEachCut(t, false, func(c *cabinet, b *bytesHeld) (func(*file.Remover) error, func()) {
		f := c.stored(b, c.user, hash(1))
		c.send("", f)
		c.send("", f)
		_, err := c.files.Delete(c.t.Context(), c.user, f.ID)
		c.must(err)
		return func(r *file.Remover) error { return r.File(c.t.Context(), c.user, f.ID, f.SHA256) }, func() {
			c.t.Helper()
			b.empty(c.t)
			for _, r := range c.rows() {
				if r.Dialogue == nil && r.Totals == nil {
					c.t.Errorf("left: %s", show(r))
				}
			}
		}
	})
}

func TestAChatsRemovalThatIsCutOffIsFinishedByTheNext(t *testing.T) {
	afterEachCut(t, false, func(c *cabinet, b *bytesHeld) (func(*file.Remover) error, func()) {
		ctx := c.t.Context()
		alone, twin, shared := c.stored(b, c.user, hash(1)), c.stored(b, c.user, hash(1)), c.stored(b, c.user, hash(2))
		chatID, other := c.send("", alone, twin, shared), c.send("", shared)
		open := c.upload(c.user, 5, hash(3))
		open.Chat = chatID
		b.put(c.create(open))
		c.must(c.chats.DeleteChat(ctx, c.user, chatID))
		return func(r *file.Remover) error { return r.Chat(ctx, c.user, chatID) }, func() {
			c.t.Helper()
			for _, f := range []file.File{alone, twin, open} {
				_, err := c.files.Tomb(ctx, c.user, f.ID)
				c.want(file.ErrNoFile, err)
			}
			c.file(shared)
			if b.has(hash(1)) || !b.has(hash(2)) || len(b.incoming) != 1 {
				c.t.Errorf("bytes: %v, %v", b.blobs, b.incoming)
			}
			for _, r := range c.rows() {
				if r.Attached != nil && r.Attached.Chat != other || r.Dialogue != nil && r.Dialogue.Chat != other {
					c.t.Errorf("left: %s", show(r))
				}
			}
		}
	})
}

func TestAUsersRemovalThatIsCutOffIsFinishedByTheNext(t *testing.T) {
	afterEachCut(t, true, func(c *cabinet, b *bytesHeld) (func(*file.Remover) error, func()) {
		ctx, other := c.t.Context(), id.New(c.at)
		kept := c.stored(b, other, hash(2))
		c.send("", c.stored(b, c.user, hash(1)), c.stored(b, c.user, hash(2)))
		b.put(c.create(c.upload(c.user, 5, hash(3))))
		return func(r *file.Remover) error { return r.User(ctx, c.user) }, func() {
			c.t.Helper()
			c.file(kept)
			if b.has(hash(1)) || !b.has(hash(2)) || len(b.incoming) != 1 {
				c.t.Errorf("bytes: %v, %v", b.blobs, b.incoming)
			}
			for _, r := range c.rows() {
				if r.File != nil && r.File.User == c.user || r.Totals != nil && r.Totals.User == c.user || r.Attached != nil || r.Dialogue != nil {
					c.t.Errorf("left: %s", show(r))
				}
			}
		}
	})
}

// A file in two chats stays with the second; two jobs for one chat are as good as
// one.
func TestAFileGoesWithItsLastChat(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	f := c.ready(c.user, 5, hash(1))
	one, two := c.send("", f), c.send("", f)
	if gone, err := c.files.Detach(ctx, c.user, one); len(gone) != 0 || err != nil {
		t.Errorf("a chat that is there lost %v, %v", gone, err)
	}
	detach := func(chatID string) (all []file.File) {
		t.Helper()
		c.must(c.chats.DeleteChat(ctx, c.user, chatID))
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				gone, err := c.files.Detach(ctx, c.user, chatID)
				c.want(nil, err)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, gone...)
			})
		}
		wg.Wait()
		return all
	}
	if gone := detach(one); len(gone) != 0 {
		t.Errorf("gone with the first: %+v", gone)
	}
	if c.file(f).Status != file.Ready {
		t.Error("it isn't ready any more")
	}
	gone := detach(two)
	if len(gone) == 0 || gone[0].ID != f.ID || gone[0].Chat != two || gone[0].Status != file.Deleted {
		t.Errorf("gone with the last: %+v", gone)
	}
	_, err := c.files.File(ctx, c.user, f.ID)
	c.want(file.ErrNoFile, err)
	c.must(c.files.Remove(ctx, gone[0]))
	c.must(c.files.Remove(ctx, gone[0]))
	if gone := detachAgain(c, two); len(gone) != 0 {
		t.Errorf("once more: %+v", gone)
	}
	c.sound()
	for _, r := range c.rows() {
		if r.Blob == nil && r.Totals == nil {
			t.Errorf("left: %s", show(r))
		}
	}
}

func detachAgain(c *cabinet, chatID string) []file.File {
	c.t.Helper()
	gone, err := c.files.Detach(c.t.Context(), c.user, chatID)
	c.must(err)
	return gone
}
