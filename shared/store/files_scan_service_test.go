//go:build service

package store_test

import (
	"errors"
	"testing"

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
