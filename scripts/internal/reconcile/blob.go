package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/shared/file"
	"parley/shared/object"
	"parley/shared/store"
)

// blobState is all that is known of one SHA-256.
type blobState struct {
	sha   string
	count store.Blob
	row   bool // there is one that counts
	files []ref
	blob  *thing
	made  []thing // of it
}

func newBlobState(sha string) *blobState { return &blobState{sha: sha, count: store.Blob{SHA: sha}} }

func (s *blobState) add(n blobNote) {
	switch {
	case n.Count != nil:
		s.count, s.row = *n.Count, true
	case n.File != nil:
		s.files = append(s.files, *n.File)
	case n.Blob != nil:
		s.blob = n.Blob
	case n.Derived != nil:
		s.made = append(s.made, *n.Derived)
	}
}

// refs is how many files count on the bytes.
func (s *blobState) refs() int {
	n := 0
	for _, f := range s.files {
		if f.Counted {
			n++
		}
	}
	return n
}

// differences judges it. Nothing that is young is judged: old says what isn't.
func (s *blobState) differences(old func(time.Time) bool) []Difference {
	young := func(t thing) bool { return !old(t.Since) }
	if s.blob != nil && young(*s.blob) || slices.ContainsFunc(s.made, young) {
		return nil
	}
	if !s.count.Dying.IsZero() && !old(s.count.Dying) {
		return nil
	}
	var all []Difference
	add := func(k Kind, detail string) { all = append(all, Difference{Kind: k, SHA: s.sha, Detail: detail}) }
	refs := s.refs()
	if refs != s.count.Refs && (s.row || refs > 0) {
		add(WrongRefs, fmt.Sprintf("counted %d times, %d files refer to it", s.count.Refs, refs))
	}
	if refs == 0 && s.count.Refs <= 0 {
		add(Unreferenced, s.remains())
	}
	if bytes := s.bytes(old); bytes.Kind != "" && refs > 0 {
		add(bytes.Kind, bytes.Detail)
		return all // without them nothing can be made of them
	}
	return append(all, s.unmade(old)...)
}

// unmade judges what models and pages are given of ready files.
func (s *blobState) unmade(old func(time.Time) bool) (all []Difference) {
	there := map[string]bool{}
	for _, t := range s.made {
		there[t.Key] = !t.Hidden
	}
	for _, f := range s.files {
		if !f.Ready || !old(f.Made) {
			continue
		}
		for _, key := range object.Made(file.File{SHA256: s.sha, Kind: f.Kind, ContentType: f.Type}) {
			if !there[key] {
				all = append(all, Difference{Kind: Unmade, SHA: s.sha, User: f.User, File: f.ID, Key: key, Detail: "what was made of it isn't there"})
			}
		}
	}
	return all
}

// remains says what there is of bytes that nobody refers to.
func (s *blobState) remains() string {
	what := "no row"
	if s.row {
		what = "a row"
	}
	if !s.count.Dying.IsZero() {
		what = "a row, marked for removal " + s.count.Dying.Format(time.DateTime)
	}
	if s.blob != nil {
		what += fmt.Sprintf(", %d bytes", s.blob.Size)
	}
	if len(s.made) > 0 {
		what += ", what was made of them"
	}
	return what
}

// bytes judges what ready files will be given.
func (s *blobState) bytes(old func(time.Time) bool) Difference {
	for _, f := range s.files {
		switch {
		case !f.Ready || !old(f.Made):
		case s.blob == nil:
			return Difference{Kind: Missing, Detail: fmt.Sprintf("%d files have lost their bytes", s.refs())}
		case s.blob.Hidden:
			return Difference{Kind: Hidden, Detail: "deleted by its key; older versions are there"}
		case s.blob.Size != f.Size:
			return Difference{Kind: Damaged, Detail: fmt.Sprintf("%d bytes instead of %d", s.blob.Size, f.Size)}
		}
	}
	return Difference{}
}

func (r *run) judgeBlobs(ctx context.Context, shard int) error {
	states := map[string]*blobState{}
	err := r.blobs.each(shard, func(n blobNote) {
		if states[n.SHA] == nil {
			states[n.SHA] = newBlobState(n.SHA)
		}
		states[n.SHA].add(n)
	})
	if err != nil {
		return err
	}
	for _, s := range states {
		r.say("comparing")
		seem := s.differences(r.old)
		if len(seem) == 0 {
			continue
		}
		err := r.judge(ctx, seem,
			func(ctx context.Context) ([]Difference, error) {
				now, err := r.lookAtBlob(ctx, s)
				return now.differences(r.old), err
			},
			func(ctx context.Context, d Difference) error { return r.mendBlob(ctx, s, d) })
		if err != nil {
			return err
		}
	}
	return nil
}

// lookAtBlob reads everything about one SHA-256 again. Files that have come to refer
// to it since are not found; but then its row has changed, and no repair is made.
func (r *run) lookAtBlob(ctx context.Context, was *blobState) (*blobState, error) {
	now := newBlobState(was.sha)
	var err error
	if now.count, err = r.Files.Blob(ctx, was.sha); err != nil {
		return now, err
	}
	now.row = now.count != store.Blob{SHA: was.sha}
	for _, f := range was.files {
		row, err := r.Files.Counted(ctx, f.User, f.ID)
		switch {
		case errors.Is(err, file.ErrNoFile):
		case err != nil:
			return now, err
		default:
			now.add(blobNote{File: refOf(row)})
		}
	}
	return now, errors.Join(
		r.Bucket.Blobs(ctx, was.sha, func(o object.Object) error {
			now.add(blobNote{Blob: &thing{Size: o.Size, Since: o.Since, Hidden: o.Hidden}})
			return nil
		}),
		r.Bucket.Derived(ctx, was.sha, func(o object.Object) error {
			now.add(blobNote{Derived: &thing{Key: o.Key, Size: o.Size, Since: o.Since, Hidden: o.Hidden}})
			return nil
		}))
}

func (r *run) mendBlob(ctx context.Context, s *blobState, d Difference) error {
	switch d.Kind {
	case WrongRefs:
		return r.mendRefs(ctx, s)
	case Unreferenced:
		return r.Remover.Sweep(ctx, s.sha)
	case Hidden:
		return r.Bucket.Restore(ctx, s.sha)
	case Missing:
		return r.dropLost(ctx, s)
	case Unmade:
		return r.remake(ctx, d)
	}
	return errForPeople
}

// remake has what was made of a file made again, from its blob.
func (r *run) remake(ctx context.Context, d Difference) error {
	f, err := r.Files.Counted(ctx, d.User, d.File)
	if err != nil {
		return err
	}
	return r.Again(ctx, f.File, object.Sent(f.File))
}

// mendRefs sets the count, provided that the row is as it was before the files were
// read, and removes what nobody refers to.
func (r *run) mendRefs(ctx context.Context, s *blobState) error {
	if err := r.Files.SetRefs(ctx, s.count, s.refs()); err != nil || s.refs() > 0 {
		return err
	}
	return r.Remover.Sweep(ctx, s.sha)
}

// dropLost deletes the files whose bytes are gone for good.
func (r *run) dropLost(ctx context.Context, s *blobState) error {
	if !r.DropLost {
		return errLost
	}
	for _, f := range s.files {
		if !f.Ready {
			continue // it has no use for them
		}
		if _, err := r.Files.Delete(ctx, f.User, f.ID); err != nil && !errors.Is(err, file.ErrNoFile) {
			return err
		}
		if err := r.Remover.File(ctx, f.User, f.ID, s.sha); err != nil {
			return err
		}
	}
	return nil
}
