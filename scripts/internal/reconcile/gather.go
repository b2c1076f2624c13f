package reconcile

import (
	"context"
	"time"

	"parley/shared/file"
	"parley/shared/object"
	"parley/shared/store"
)

// blobNote is something that was read about one SHA-256. One field is set.
type blobNote struct {
	SHA     string
	Count   *store.Blob
	File    *ref
	Blob    *thing
	Derived *thing
}

// ref is a file that may refer to a blob.
type ref struct {
	User, ID string
	Size     int64
	Kind     file.Kind
	Type     string // content type
	Counted  bool
	Ready    bool
	Made     time.Time
}

// thing is an object of the bucket.
type thing struct {
	Key    string // of what was made of a blob
	Size   int64
	Since  time.Time
	Hidden bool
}

// userNote is something that was read about one user. One field is set.
type userNote struct {
	User     string
	Totals   *store.Totals
	Dialogue *store.Dialogue
	File     *store.Counted
	Attached *store.Attached
	Incoming *object.Object
}

// gather reads everything once, the counts before what they count.
func (r *run) gather(ctx context.Context) error {
	if err := r.Files.Scan(ctx, r.count); err != nil {
		return err
	}
	if err := r.Files.Scan(ctx, r.counted); err != nil {
		return err
	}
	err := r.Bucket.Blobs(ctx, "", func(o object.Object) error {
		return r.object(o, blobNote{SHA: o.SHA, Blob: &thing{Size: o.Size, Since: o.Since, Hidden: o.Hidden}})
	})
	if err != nil {
		return err
	}
	err = r.Bucket.Derived(ctx, "", func(o object.Object) error {
		return r.object(o, blobNote{SHA: o.SHA, Derived: &thing{Key: o.Key, Size: o.Size, Since: o.Since, Hidden: o.Hidden}})
	})
	if err != nil {
		return err
	}
	return r.Bucket.Incoming(ctx, func(o object.Object) error {
		if o.File.ID == "" {
			return r.object(o, blobNote{})
		}
		r.sum.Objects++
		r.say("listing uploads")
		return r.users.add(o.File.User, userNote{User: o.File.User, Incoming: &o})
	})
}

// count keeps the rows that count something.
func (r *run) count(row store.Row) error {
	r.say("reading counts")
	switch {
	case row.Blob != nil:
		r.sum.Blobs++
		return r.blobs.add(row.Blob.SHA, blobNote{SHA: row.Blob.SHA, Count: row.Blob})
	case row.Totals != nil:
		return r.users.add(row.Totals.User, userNote{User: row.Totals.User, Totals: row.Totals})
	case row.Dialogue != nil:
		return r.users.add(row.Dialogue.User, userNote{User: row.Dialogue.User, Dialogue: row.Dialogue})
	}
	return nil
}

// counted keeps the rows that are counted.
func (r *run) counted(row store.Row) error {
	r.say("reading files")
	switch {
	case row.File != nil:
		f := row.File
		r.sum.Files++
		if f.Counted {
			if err := r.blobs.add(f.SHA256, blobNote{SHA: f.SHA256, File: refOf(*f)}); err != nil {
				return err
			}
		}
		return r.users.add(f.User, userNote{User: f.User, File: f})
	case row.Attached != nil:
		return r.users.add(row.Attached.User, userNote{User: row.Attached.User, Attached: row.Attached})
	}
	return nil
}

func refOf(f store.Counted) *ref {
	return &ref{User: f.User, ID: f.ID, Size: f.Size, Kind: f.Kind, Type: f.ContentType, Counted: f.Counted, Ready: f.Status == file.Ready, Made: f.CreatedAt}
}

// object keeps what was listed, or reports a key that isn't Parley's.
func (r *run) object(o object.Object, n blobNote) error {
	r.sum.Objects++
	r.say("listing the bucket")
	if n.SHA != "" {
		return r.blobs.add(n.SHA, n)
	}
	if !r.old(o.Since) {
		return nil
	}
	return r.tell(Difference{Kind: Strange, Key: o.Key, Detail: "Parley writes no such key", Why: "whose it is is for people to find out"})
}
