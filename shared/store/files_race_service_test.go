//go:build service

package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/store"
)

// again does something until nobody else is removing the same bytes.
func (c *cabinet) again(do func() error) error {
	for {
		if err := do(); !beingRemoved(err) {
			return err
		}
	}
}

// Users send and delete the same few bytes all at once. A file that is counted has
// its bytes until it is deleted, and in the end there are none.
func TestBytesStayWhileAnybodyCountsOnThem(t *testing.T) {
	c, b := newCabinet(t), newBytes()
	remover := &file.Remover{Files: c.files, Graves: c.files, Estates: c.files, Bytes: b}
	life := func(r *rand.Rand, user string) error {
		ctx, sha := t.Context(), hash(r.IntN(2))
		f := c.upload(user, 5, sha)
		if err := c.files.Create(ctx, f, plenty); err != nil {
			return err
		}
		f, err := c.files.Arrived(ctx, user, f.ID, "v")
		if err == nil {
			err = c.again(func() error { return c.files.Hold(ctx, f) })
		}
		if err != nil {
			return err
		}
		b.copy(sha)
		for range r.IntN(4) {
			if _, err := c.files.File(ctx, user, f.ID); err != nil {
				return err
			}
		}
		if err := c.files.Ready(ctx, f); err != nil {
			return err
		}
		if !b.has(sha) {
			t.Errorf("the bytes of %s are gone while it counts on them", f.ID)
		}
		if _, err := c.files.Delete(ctx, user, f.ID); err != nil {
			return err
		}
		return c.again(func() error { return remover.File(ctx, user, f.ID, sha) })
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r, user := rand.New(rand.NewPCG(uint64(i), 5)), id.New(c.at)
			for range 12 {
				if err := life(r, user); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.empty(t)
	c.empty()
}

// Jobs for the same file at once, and for files of the same bytes, do everything
// once.
func TestRemovalsAtOnceCountOnce(t *testing.T) {
	c, b := newCabinet(t), newBytes()
	remover := &file.Remover{Files: c.files, Graves: c.files, Estates: c.files, Bytes: b}
	kept := c.stored(b, id.New(c.at), hash(1))
	var doomed []file.File
	for range 6 {
		f := c.stored(b, c.user, hash(1))
		_, err := c.files.Delete(t.Context(), c.user, f.ID)
		c.must(err)
		doomed = append(doomed, f)
	}
	var wg sync.WaitGroup
	for _, f := range slices.Concat(doomed, doomed, doomed) {
		wg.Go(func() {
			c.want(nil, c.again(func() error { return remover.File(t.Context(), c.user, f.ID, f.SHA256) }))
		})
	}
	wg.Wait()
	c.sound()
	if !b.has(hash(1)) || c.file(kept).Status != file.Ready {
		t.Error("the bytes of another's file are gone")
	}
	_, err := c.files.Delete(t.Context(), kept.User, kept.ID)
	c.must(err)
	c.want(nil, remover.File(t.Context(), kept.User, kept.ID, kept.SHA256))
	c.empty()
	b.empty(t)
}

// A removal that dies with the mark set holds nobody up for longer than Burial.
func TestAMarkThatNobodyTakesBackRunsOut(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	mine, err := c.files.Bury(ctx, hash(1))
	if !mine || err != nil {
		t.Fatal(mine, err)
	}
	f := c.arrive(c.create(c.upload(c.user, 5, hash(1))))
	if err := c.files.Hold(ctx, f); code(err) != "unavailable" {
		t.Errorf("a blob that is being removed is held: %v", err)
	}
	if mine, err := c.files.Bury(ctx, hash(1)); mine || code(err) != "unavailable" {
		t.Errorf("two remove it: %v", err)
	}
	c.sound()
	c.pass(file.Burial + time.Millisecond)
	if mine, err := c.files.Bury(ctx, hash(1)); !mine || err != nil {
		t.Errorf("nobody removes it: %v", err)
	}
	c.pass(file.Burial + time.Millisecond)
	c.want(nil, c.files.Hold(ctx, f))
	c.want(nil, c.files.Buried(ctx, hash(1))) // of the one that had died
	if mine, err := c.files.Bury(ctx, hash(1)); mine || err != nil {
		t.Errorf("a blob that counts is buried: %v", err)
	}
	c.sound()
}

// late is a table whose rows change between being listed and being deleted.
type late struct {
	*store.Files
	meanwhile func(file.File)
}

func (l late) Each(ctx context.Context, user string, fn func(file.File) error) error {
	return l.Files.Each(ctx, user, func(f file.File) error {
		l.meanwhile(f)
		return fn(f)
	})
}

// A file comes to its blob just before its user's removal gets to it.
func TestNoBytesAreLeftOfAFileThatCameLate(t *testing.T) {
	c, b := newCabinet(t), newBytes()
	f := c.arrive(c.create(c.upload(c.user, 5, hash(1))))
	files := late{c.files, func(listed file.File) {
		if listed.ID != f.ID || listed.Stored {
			t.Errorf("%+v", listed)
		}
		c.must(c.files.Hold(t.Context(), f))
		b.copy(f.SHA256)
	}}
	remover := &file.Remover{Files: c.files, Graves: c.files, Estates: files, Bytes: b}
	c.want(nil, remover.User(t.Context(), c.user))
	b.empty(t)
	c.empty()
}

// A process goes on with a file that was deleted meanwhile, and dies.
func TestBytesThatComeAfterTheirFileWasRemovedGoAsWell(t *testing.T) {
	c, b, ctx := newCabinet(t), newBytes(), t.Context()
	remover := &file.Remover{Files: c.files, Graves: c.files, Estates: c.files, Bytes: b}
	f := c.create(c.upload(c.user, 5, hash(1)))
	b.put(f)
	f, err := c.files.Begin(ctx, c.arrive(f), file.Store)
	c.must(err)
	c.must(c.files.Hold(ctx, f))
	_, err = c.files.Delete(ctx, c.user, f.ID)
	c.must(err)
	c.pass(time.Minute)
	c.want(file.ErrUnsettled, remover.File(ctx, c.user, f.ID, f.SHA256))
	if used, err := c.files.Used(ctx, c.user); used != 0 || err != nil {
		t.Errorf("%d bytes are still counted, %v", used, err)
	}
	b.empty(t)
	c.sound()
	b.copy(f.SHA256)
	c.pass(file.Settle)
	c.want(nil, remover.File(ctx, c.user, f.ID, f.SHA256))
	b.empty(t)
	c.empty()
}
