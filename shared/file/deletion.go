package file

import (
	"context"
	"errors"
)

// Tombs is where files end.
type Tombs interface {
	// Delete hides a file from everybody; its row stands until its bytes are gone.
	// It may be repeated; ErrNoFile once the row is gone, too.
	Delete(ctx context.Context, user, id string) (File, error)
	// Release gives back, once, the room that a deleted file took.
	Release(ctx context.Context, f File) error
	// File returns one, ErrNoFile if there is none.
	File(ctx context.Context, user, id string) (File, error)
}

// Purger queues the removal of what a deleted file leaves behind. The job waits
// until nothing can be written any more that it would miss; it does nothing as long
// as the file isn't deleted.
type Purger interface {
	PurgeFile(ctx context.Context, user, id, sha string) error
}

// Deletion is the use case of deleting a file.
type Deletion struct {
	Tombs  Tombs
	Purger Purger
}

// Delete deletes a file in any state, and gives back its room. Its removal is queued
// first, so that no bytes stay behind. It may be repeated until all is gone; then
// there is no such file.
func (d *Deletion) Delete(ctx context.Context, user, id string) error {
	f, err := d.Tombs.File(ctx, user, id)
	if err == nil {
		err = d.Purger.PurgeFile(ctx, user, id, f.SHA256)
	}
	if err != nil && !errors.Is(err, ErrNoFile) {
		return err
	}
	f, err = d.Tombs.Delete(ctx, user, id) // also of one that is deleted: it tells whether its row still stands
	if err == nil {
		_ = d.Tombs.Release(ctx, f) // what fails here, the job repeats
	}
	return err
}
