//go:build service

package reconcile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/object"
)

// kinds counts differences: "kind", or "kind!" where it wasn't repaired.
func kinds(all []Difference) map[string]int {
	n := map[string]int{}
	for _, d := range all {
		n[string(d.Kind)+map[bool]string{true: "!"}[d.Why != ""]]++
	}
	return n
}

// disorder makes one of every difference, and returns a file that has none.
func (w *world) disorder() (whole, hidden, miscounted, uncounted, unmade file.File) {
	ada, bob := newID(), newID()
	whole = w.ready(ada, "the same bytes")
	w.ready(bob, "the same bytes")

	miscounted, uncounted = w.ready(ada, "counted wrong"), w.ready(ada, "counted not at all")
	w.row("B#"+miscounted.SHA256, "B", map[string]string{"n": "5"})
	w.drop("B#"+uncounted.SHA256, "B")
	w.put("blobs/"+newHash(), "nobody's")
	w.put("derived/"+newHash()+"/text", "of nothing")
	w.row("B#"+newHash(), "B", map[string]string{"dy": "1000", "c": "3"})
	w.row("B#"+newHash(), "B", map[string]string{"n": "0", "c": "2"})
	hidden = w.ready(ada, "deleted by its key")
	w.hide("blobs/" + hidden.SHA256)
	lost := w.ready(bob, "lost")
	w.must(w.bucket.RemoveBlob(w.t.Context(), lost.SHA256))
	w.put("blobs/"+w.ready(ada, "damaged").SHA256, "damage")
	unmade = w.ready(ada, "has lost its text")
	w.forget(textOf(unmade))
	w.hide(textOf(w.ready(bob, "its text was deleted by its key")))

	w.row("U#"+ada, "Q", map[string]string{"n": "123456", "up": "7"})
	w.row("U#"+bob, "D#"+newID(), map[string]string{"n": "99"})
	w.row("U#"+bob, "F#"+w.ready(bob, "in no chat").ID, map[string]string{"ac": "2"})
	chat := newID()
	w.row("U#"+bob, "D#"+chat, map[string]string{"n": "40"})
	w.row("U#"+bob, "A#"+chat+"#"+newID(), map[string]string{"n": "40"})

	_, err := w.files.Delete(w.t.Context(), ada, w.ready(ada, "deleted").ID)
	w.must(err)
	w.put("incoming/"+ada+"/"+newID(), "of no file")
	w.put("incoming/"+ada+"/"+whole.ID, "of one that is ready")
	_, err = w.s3.CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &w.name, Key: aws.String("incoming/" + ada + "/" + newID())})
	w.must(err)
	w.arrive(bob, "never processed")
	w.put("blobs/readme", "whose is this?")
	return whole, hidden, miscounted, uncounted, unmade
}

func TestEveryDifferenceIsFoundAndRepaired(t *testing.T) {
	w := newWorld(t)
	whole, hidden, miscounted, uncounted, unmade := w.disorder()
	want := map[string]int{"wrong_refs": 2, "unreferenced": 4, "bytes_hidden": 1, "bytes_missing": 1, "bytes_damaged": 1, "made_missing": 2,
		"wrong_totals": 1, "wrong_room": 1, "wrong_chats": 1, "no_file": 1, "tombstone": 1, "leftover": 3, "stuck": 1, "strange_object!": 1}
	for range 2 { // a check changes nothing
		if _, all := w.check(nil); cmp.Diff(want, kinds(all)) != "" {
			t.Fatalf("found %s", cmp.Diff(want, kinds(all)))
		}
	}
	sum, all := w.check(repair)
	left := map[string]int{"bytes_missing!": 1, "bytes_damaged!": 1, "strange_object!": 1}
	if got := kinds(slices.DeleteFunc(all, func(d Difference) bool { return d.Repaired })); cmp.Diff(left, got) != "" || sum.Left() != 3 {
		t.Errorf("left after the repair: %s\n%+v", cmp.Diff(left, got), sum)
	}
	if sum, all := w.check(repair); cmp.Diff(left, kinds(all)) != "" || sum.Repaired != 0 {
		t.Errorf("the second repair: %s", cmp.Diff(left, kinds(all)))
	}
	w.holds(whole, "the same bytes", 2)
	w.holds(hidden, "deleted by its key", 1)
	w.holds(miscounted, "counted wrong", 1)
	w.holds(uncounted, "counted not at all", 1)
	w.holds(unmade, "has lost its text", 1)
	_, all = w.check(func(c *Check) { c.Repair, c.DropLost = true, true })
	if i := slices.IndexFunc(all, func(d Difference) bool { return d.Kind == Missing }); i < 0 || !all[i].Repaired {
		t.Errorf("what is lost was not dropped: %+v", all)
	}
	if _, all := w.check(nil); kinds(all)["bytes_missing"] != 0 || len(all) != 2 {
		t.Errorf("in the end: %+v", all)
	}
}

// holds expects a file to be readable, and counted so often.
func (w *world) holds(f file.File, text string, refs int) {
	w.t.Helper()
	var body bytes.Buffer
	out, err := w.s3.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &w.name, Key: aws.String("blobs/" + f.SHA256)})
	if err == nil {
		_, err = body.ReadFrom(out.Body)
	}
	b, e := w.files.Blob(w.t.Context(), f.SHA256)
	if err = errors.Join(err, e); err != nil || body.String() != text || b.Refs != refs {
		w.t.Errorf("%q: %q, %+v, %v", text, &body, b, err)
	}
}

func TestWhatIsYoungIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	user := newID()
	w.put("blobs/"+newHash(), "on its way")
	w.put("derived/"+newHash()+"/text", "on its way")
	w.put("incoming/"+user+"/"+newID(), "on its way")
	w.arrive(user, "processed now")
	w.must(w.bucket.RemoveBlob(t.Context(), w.ready(user, "just lost").SHA256))
	w.row("B#"+newHash(), "B", map[string]string{"dy": fmt.Sprint(time.Now().UnixMilli())})
	w.later = 0
	if sum, all := w.check(repair); len(all) != 0 || sum.Files != 2 {
		t.Errorf("%+v: %+v", sum, all)
	}
}

func TestNothingDiffers(t *testing.T) {
	w := newWorld(t)
	if sum, all := w.check(nil); len(all) != 0 || sum != (Summary{}) {
		t.Errorf("an empty bucket: %+v, %+v", sum, all)
	}
	w.ready(newID(), "one")
	if sum, all := w.check(nil); len(all) != 0 || sum != (Summary{Files: 1, Blobs: 1, Objects: 2}) {
		t.Errorf("one file: %+v, %+v", sum, all)
	}
}

// TestRepairWhileTrafficRuns sends, shares and deletes the same few files while
// repairs follow each other, all of which take everything for old.
func TestRepairWhileTrafficRuns(t *testing.T) {
	w := newWorld(t)
	remover := &file.Remover{Files: w.files, Graves: w.files, Estates: w.files, Bytes: w.bucket}
	var traffic sync.WaitGroup
	stop := make(chan struct{})
	kept := make([]file.File, 4)
	for n := range kept {
		traffic.Go(func() {
			user := newID()
			for i := 0; ; i++ {
				f, err := w.try(user, fmt.Sprintf("bytes %d", (n+i)%3))
				select {
				case <-stop:
					kept[n] = f
					return
				default:
				}
				if err == nil {
					_, err = w.files.Delete(t.Context(), user, f.ID)
					err = errors.Join(err, remover.File(t.Context(), user, f.ID, f.SHA256))
				}
				if err != nil && !errors.Is(err, file.ErrBurial) {
					t.Error(err)
					return
				}
			}
		})
	}
	mend := func(c *Check) {
		c.Repair = true
		c.Again = func(context.Context, file.File, string) error { return nil } // they are processed already
	}
	for range 6 {
		w.check(mend)
	}
	close(stop)
	traffic.Wait()
	w.check(mend)
	if _, all := w.check(nil); len(all) != 0 {
		t.Errorf("at rest: %+v", all)
	}
	for _, f := range kept {
		if f.Status == file.Ready && len(w.objects(f.SHA256)) != 1 {
			t.Errorf("a ready file has lost its bytes: %+v", f)
		}
	}
}

// try is ready for use beside others, who may be removing the same bytes.
func (w *world) try(user, text string) (file.File, error) {
	f := w.arrive(user, text)
	err := w.files.Hold(w.t.Context(), f)
	for errors.Is(err, file.ErrBurial) {
		err = w.files.Hold(w.t.Context(), f)
	}
	if err == nil {
		err = w.bucket.Copy(w.t.Context(), f)
	}
	if err == nil {
		err = w.bucket.Discard(w.t.Context(), f)
	}
	if err == nil {
		err = w.files.Ready(w.t.Context(), f)
	}
	if err != nil {
		return f, err
	}
	f.Status = file.Ready
	return f, nil
}

func (w *world) objects(sha string) (keys []string) {
	w.must(w.bucket.Blobs(w.t.Context(), sha, func(o object.Object) error { keys = append(keys, o.Key); return nil }))
	return keys
}
