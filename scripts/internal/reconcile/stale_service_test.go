//go:build service

package reconcile

import (
	"errors"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/store"
)

// TestARepairOfWhatHasChangedSinceIsRefused repairs by what was read before others
// came in between.
func TestARepairOfWhatHasChangedSinceIsRefused(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	r := &run{began: time.Now(), Check: Check{Files: w.files, Bucket: w.bucket, DropLost: true,
		Remover: &file.Remover{Files: w.files, Graves: w.files, Estates: w.files, Bytes: w.bucket}}}
	ada := newID()
	f := w.ready(ada, "wanted")
	if err := r.mendBlob(ctx, newBlobState(f.SHA256), Difference{Kind: Unreferenced}); err != nil {
		t.Error(err)
	}
	w.holds(f, "wanted", 1)
	if err := r.mendBlob(ctx, newBlobState(f.SHA256), Difference{Kind: WrongRefs}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a count that was not there: %v", err)
	}
	blob, err := r.lookAtBlob(ctx, &blobState{sha: f.SHA256, files: []ref{{User: ada, ID: f.ID}}})
	w.must(err)
	user, err := r.lookAtUser(ctx, ada)
	w.must(err)
	bob := w.ready(newID(), "wanted")
	w.ready(ada, "something else")
	if err := r.mendBlob(ctx, blob, Difference{Kind: WrongRefs}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("the count of before: %v", err)
	}
	if err := r.mendUser(ctx, user, Difference{Kind: WrongTotals}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("the totals of before: %v", err)
	}
	for kind, d := range map[Kind]Difference{WrongRoom: {Chat: newID()}, WrongChats: {File: newID()}, NoFile: {Chat: newID(), File: newID()}} {
		d.Kind = kind
		if err := r.mendUser(ctx, user, d); !errors.Is(err, store.ErrChanged) {
			t.Errorf("%s of what is not there: %v", kind, err)
		}
	}
	if err := r.mendUser(ctx, user, Difference{Kind: Tombstone, File: f.ID, SHA: f.SHA256}); err != nil {
		t.Error(err)
	}
	w.holds(f, "wanted", 2)
	w.holds(bob, "wanted", 2)
	if _, all := w.check(nil); len(all) != 0 {
		t.Errorf("the repairs left %+v", all)
	}
}
