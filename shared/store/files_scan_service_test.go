//go:build service

package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/store"
)

func TestRepairsAreMadeOfWhatWasSeen(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	f := c.ready(c.user, 5, hash(1))
	c.send("", f)
	see := func() (found [3]int64, repair func() error) {
		var errs []func() error
		for _, r := range c.rows() {
			switch {
			case r.Blob != nil:
				found[0] = int64(r.Blob.Refs)
				errs = append(errs, func() error { return c.files.SetRefs(ctx, *r.Blob, r.Blob.Refs+7) })
			case r.Totals != nil:
				found[1] = r.Totals.Bytes
				errs = append(errs, func() error { return c.files.SetTotals(ctx, *r.Totals, 70, 7) })
			case r.Dialogue != nil:
				found[2] = r.Dialogue.Bytes
				errs = append(errs, func() error { return c.files.SetDialogue(ctx, *r.Dialogue, 700) })
			}
		}
		return found, func() error {
			var all []error
			for _, do := range errs {
				all = append(all, do())
			}
			return errors.Join(all...)
		}
	}
	_, stale := see()
	again, fresh := see()
	c.want(nil, fresh())
	if d := cmp.Diff([3]int64{1, 5, 5}, again); d != "" {
		t.Error(d)
	}
	if err := stale(); code(err) != "row_changed" {
		t.Errorf("a repair by what isn't so any more: %v", err)
	}
	if now, _ := see(); now != [3]int64{8, 70, 700} {
		t.Errorf("%v", now)
	}
	c.want(nil, c.files.SetRefs(ctx, store.Blob{SHA: hash(9)}, 1))
	if err := c.files.SetRefs(ctx, store.Blob{SHA: hash(9)}, 1); code(err) != "row_changed" {
		t.Errorf("a row that is there is taken for none: %v", err)
	}
}

// A blob that was removed and has come back is not the one that was seen.
func TestARepairIsRefusedForABlobThatHasComeBack(t *testing.T) {
	c, ctx := newCabinet(t), t.Context()
	seen := func() store.Blob {
		t.Helper()
		for _, r := range c.rows() {
			if r.Blob != nil {
				return *r.Blob
			}
		}
		t.Fatal("there is no blob")
		return store.Blob{}
	}
	f := c.ready(c.user, 5, hash(1))
	before := seen()
	_, err := c.files.Delete(ctx, c.user, f.ID)
	c.must(err)
	c.must(c.files.Remove(ctx, f))
	_, err = c.files.Bury(ctx, f.SHA256)
	c.must(err)
	c.must(c.files.Buried(ctx, f.SHA256))
	c.pass(time.Millisecond)
	c.ready(c.user, 5, hash(1))
	if now := seen(); now.Refs != before.Refs {
		t.Fatalf("%+v after %+v", now, before)
	}
	c.want(store.ErrChanged, c.files.SetRefs(ctx, before, 0))
	c.sound()
}
