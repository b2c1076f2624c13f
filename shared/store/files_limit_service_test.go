//go:build service

package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/id"
)

// many has a user begin that many uploads at once, and returns how many were
// accepted; the others have to be refused with that code.
func (c *cabinet) many(n int, size, limit int64, chatID, refusal string) int {
	c.t.Helper()
	var accepted atomic.Int32
	var wg sync.WaitGroup
	gate := make(chan struct{}, 100) // connections
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			f := c.upload(c.user, size, hash(i))
			f.Chat = chatID
			switch err := c.files.Create(c.t.Context(), f, limit); code(err) {
			case "":
				accepted.Add(1)
			case refusal:
			default:
				c.t.Error(err)
			}
		})
	}
	wg.Wait()
	c.sound()
	return int(accepted.Load())
}

func TestAThousandCreatesAtOncePassNoLimit(t *testing.T) {
	const mib = 1 << 20
	for name, l := range map[string]struct {
		size, limit int64
		chat        bool
		refusal     string
		want        int
	}{
		"uploads":  {5, plenty, false, "too_many_uploads", file.MaxOpen},
		"storage":  {mib, 37*mib + 5, false, "storage_full", 37},
		"dialogue": {40 * mib, plenty, true, "dialogue_full", file.MaxDialogue / (40 * mib)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCabinet(t)
			chatID := ""
			if l.chat {
				chatID = c.send("")
			}
			if got := c.many(1000, l.size, l.limit, chatID, l.refusal); got != l.want {
				t.Errorf("%d were accepted, want %d", got, l.want)
			}
			if used, err := c.files.Used(t.Context(), c.user); err != nil || used != int64(l.want)*l.size {
				t.Errorf("%d bytes are used, %v", used, err)
			}
		})
	}
}

func TestNoFileIsLargerThanAll(t *testing.T) {
	c := newCabinet(t)
	c.want(file.ErrStorageFull, c.files.Create(t.Context(), c.upload(c.user, 6, hash(1)), 5))
	c.want(nil, c.files.Create(t.Context(), c.upload(c.user, 5, hash(1)), 5))
}

// Uploads that have expired make room when it is asked for, and only then is
// anybody looking.
func TestExpiredUploadsMakeRoom(t *testing.T) {
	c := newCabinet(t)
	chatID := c.send("")
	half := c.upload(c.user, file.MaxDialogue/2, hash(1))
	half.Chat = chatID
	c.create(half)
	arrived := c.arrive(c.create(c.upload(c.user, 5, hash(2))))
	c.pass(time.Hour)
	later := c.create(c.upload(c.user, 5, hash(3)))
	limit := int64(file.MaxDialogue + 10)

	more := func() (file.File, error) {
		f := c.upload(c.user, file.MaxDialogue, hash(4))
		f.Chat = chatID
		return f, c.files.Create(t.Context(), f, limit)
	}
	_, err := more()
	c.want(file.ErrStorageFull, err)
	cost := c.ledger.costs(t, func() error {
		_, err := more()
		c.want(file.ErrStorageFull, err)
		return nil
	})
	if want := "TransactWriteItems GetItem: "; cost[:len(want)] != want {
		t.Errorf("while nothing can have expired a refusal costs %s", cost)
	}
	c.pass(file.UploadLife - time.Hour + time.Second)
	f, err := more()
	c.want(nil, err)
	_, err = c.files.File(t.Context(), c.user, half.ID)
	c.want(file.ErrNoFile, err)
	_, err = c.files.Arrived(t.Context(), c.user, half.ID, "v")
	c.want(file.ErrNoFile, err)
	for _, kept := range []file.File{arrived, later, f} {
		c.file(kept)
	}
	c.sound()
	_, err = more()
	c.want(file.ErrStorageFull, err)
	c.pass(time.Hour)
	if _, err := more(); code(err) != "storage_full" {
		t.Error(err)
	}
	_, err = c.files.File(t.Context(), c.user, later.ID)
	c.want(file.ErrNoFile, err)
	c.sound()
}

func TestExpiredUploadsMakeRoomOnceForAll(t *testing.T) {
	c := newCabinet(t)
	for i := range file.MaxOpen {
		c.create(c.upload(c.user, 5, hash(i)))
	}
	c.pass(file.UploadLife + time.Second)
	if got := c.many(300, 5, plenty, "", "too_many_uploads"); got != file.MaxOpen {
		t.Errorf("%d were accepted", got)
	}
}

func TestAChatThatIsGoneTakesNoFile(t *testing.T) {
	c := newCabinet(t)
	chatID := c.send("")
	c.must(c.chats.DeleteChat(t.Context(), c.user, chatID))
	for _, name := range []string{chatID, id.New(c.at)} {
		f := c.upload(c.user, 5, hash(1))
		f.Chat = name
		if err := c.files.Create(t.Context(), f, plenty); code(err) != "not_found" {
			t.Error(err)
		}
	}
	c.empty()
}

// What each method says that it costs.
func TestFilesCostWhatTheySay(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	chatID := c.send("")
	f, g := c.upload(c.user, 5, hash(1)), c.upload(c.user, 5, hash(2))
	g.Chat = chatID
	cost := func(what, want string, do func() error) {
		t.Helper()
		if got := c.ledger.costs(t, do); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	forgetting := func(_ any, err error) error { return err }
	cost("create", "TransactWriteItems: 4 write, 0 read", func() error { return c.files.Create(ctx, f, plenty) })
	cost("create in a chat", "TransactWriteItems: 10 write, 0 read", func() error { return c.files.Create(ctx, g, plenty) })
	cost("arrived", "UpdateItem: 1 write, 0 read", func() error { _, err := c.files.Arrived(ctx, c.user, f.ID, "v"); return err })
	cost("begin", "UpdateItem: 1 write, 0 read", func() error { return forgetting(c.files.Begin(ctx, f, file.Verify)) })
	cost("hold", "TransactWriteItems: 6 write, 0 read", func() error { return c.files.Hold(ctx, f) })
	cost("ready", "PutItem UpdateItem: 2 write, 0 read", func() error { return c.files.Ready(ctx, f) })
	cost("file", "GetItem: 0 write, 1 read", func() error { return forgetting(c.files.File(ctx, c.user, f.ID)) })
	cost("own", "GetItem GetItem: 0 write, 2 read", func() error { return forgetting(c.files.Own(ctx, c.user, f.SHA256)) })
	cost("some", "BatchGetItem: 0 write, 1 read", func() error { return forgetting(c.files.Some(ctx, c.user, []string{f.ID, g.ID})) })
	cost("list", "Query: 0 write, 0.5 read", func() error { _, _, err := c.files.List(ctx, c.user, 30, ""); return err })
	cost("used", "GetItem: 0 write, 0.5 read", func() error { return forgetting(c.files.Used(ctx, c.user)) })
	g = c.arrive(g)
	cost("reject in a chat", "GetItem TransactWriteItems: 8 write, 1 read", func() error {
		return c.files.Reject(ctx, g, file.Remark{Code: "x", Detail: "y"})
	})
	cost("delete", "UpdateItem: 1 write, 0 read", func() error { return forgetting(c.files.Delete(ctx, c.user, f.ID)) })
	cost("release", "GetItem TransactWriteItems: 6 write, 1 read", func() error { return c.files.Release(ctx, f) })
	cost("bury", "UpdateItem: 1 write, 0 read", func() error { return forgetting(c.files.Bury(ctx, f.SHA256)) })
	cost("buried", "DeleteItem: 1 write, 0 read", func() error { return c.files.Buried(ctx, f.SHA256) })
	cost("remove", "GetItem GetItem DeleteItem DeleteItem: 2 write, 2 read", func() error { return c.files.Remove(ctx, f) })
	c.must(c.chats.DeleteChat(ctx, c.user, chatID))
	cost("detach", "GetItem Query GetItem TransactWriteItems: 4 write, 3 read", func() error { return forgetting(c.files.Detach(ctx, c.user, chatID)) })
	c.sound()
}
