package file

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Remains is what is known of a file that ends.
type Remains interface {
	// Tomb returns a file even if it is deleted. ErrNoFile if it has no row.
	Tomb(ctx context.Context, user, id string) (File, error)
	// Delete hides a file from everybody. ErrNoFile if it has no row.
	Delete(ctx context.Context, user, id string) (File, error)
	// Release takes a deleted file out of all counts, once however often it is
	// called. ErrNoFile if it has no row.
	Release(ctx context.Context, f File) error
	// Remove removes a deleted file's rows. Unavailable, because of ErrUnsettled, while
	// its bytes may still come to their blob.
	Remove(ctx context.Context, f File) error
}

// Graves is who refers to which bytes.
type Graves interface {
	// Bury marks a blob as being removed if nobody refers to it, and reports whether
	// it did. Unavailable, because of ErrBurial, while somebody else is removing it.
	Bury(ctx context.Context, sha string) (mine bool, err error)
	// Buried ends that.
	Buried(ctx context.Context, sha string) error
}

// Estates is what chats and users leave behind.
type Estates interface {
	// Detach takes all files out of a deleted chat and returns those that were in no
	// other one: tombstones, which come again until they are removed.
	Detach(ctx context.Context, user, chat string) (gone []File, err error)
	// Each calls fn with every file of a user, whatever its state.
	Each(ctx context.Context, user string, fn func(File) error) error
	// Forget removes what is known of a user besides files.
	Forget(ctx context.Context, user string) error
}

// Bytes is where the bytes of files are.
type Bytes interface {
	// Discard removes everything that was sent as f.
	Discard(ctx context.Context, f File) error
	// RemoveBlob removes a blob, and what was made of it, in all versions.
	RemoveBlob(ctx context.Context, sha string) error
	// RemoveUser removes everything that a user has sent and that is no blob yet.
	RemoveUser(ctx context.Context, user string) error
}

// ErrBurial is why nobody can refer to a blob, or remove it, for Burial at most.
var ErrBurial = errors.New("the blob is being removed")

// ErrUnsettled is why a file that was deleted while it was processed keeps its row
// for Settle: its bytes have to be swept again.
var ErrUnsettled = errors.New("the file was deleted while it was processed")

// Remover removes what deleted files, chats and users leave behind. Each of its
// methods may be cut off anywhere and called again: a file's row goes last, and what
// is left to be done for it can be read from the row until then. Each is to be called
// again after an error that problem.Retryable knows, some minutes later.
type Remover struct {
	Files   Remains
	Graves  Graves
	Estates Estates
	Bytes   Bytes
}

// File removes a deleted file, and its bytes unless others have them, too. A file
// that isn't deleted is left alone. Of one whose row is gone the bytes of that hash
// are looked after, if there is one.
func (r *Remover) File(ctx context.Context, user, id, sha string) error {
	f, err := r.Files.Tomb(ctx, user, id)
	switch {
	case errors.Is(err, ErrNoFile) && sha != "":
		return r.Sweep(ctx, sha)
	case errors.Is(err, ErrNoFile):
		return nil
	case err != nil || f.Status != Deleted:
		return err
	}
	return r.remove(ctx, []File{f})
}

// Chat takes all files out of a deleted chat, and removes those that are in no
// other one. A chat that isn't deleted is left alone.
func (r *Remover) Chat(ctx context.Context, user, chat string) error {
	gone, err := r.Estates.Detach(ctx, user, chat)
	if err != nil || len(gone) == 0 {
		return err
	}
	if err := r.remove(ctx, gone); err != nil {
		return err
	}
	_, err = r.Estates.Detach(ctx, user, chat) // finds none, and forgets the chat
	return err
}

// User removes everything of a user, who can't send anything any more.
func (r *Remover) User(ctx context.Context, user string) error {
	if err := r.Estates.Forget(ctx, user); err != nil {
		return err
	}
	var tombs []File
	err := r.Estates.Each(ctx, user, func(f File) error {
		f, err := r.Files.Delete(ctx, user, f.ID) // what it counts for may have changed until now
		if err != nil {
			return unlessGone(err)
		}
		if tombs = append(tombs, f); len(tombs) == together {
			err, tombs = r.remove(ctx, tombs), nil
		}
		return err
	})
	if err == nil {
		err = r.remove(ctx, tombs)
	}
	if err == nil {
		err = r.Bytes.RemoveUser(ctx, user)
	}
	if err != nil {
		return err
	}
	return r.Estates.Forget(ctx, user) // counts that were lowered since
}

// Some files are removed together, so that equal ones don't wait for each other.
const together = 100

// remove removes tombstones: first they stop counting, then the bytes go that
// nobody counts on any more, then the rows.
func (r *Remover) remove(ctx context.Context, tombs []File) error {
	for some := range slices.Chunk(tombs, together) {
		var shas []string
		for _, f := range some {
			if f.Stored {
				shas = append(shas, f.SHA256)
			}
		}
		slices.Sort(shas)
		err := each(ctx, some, r.release)
		if err == nil {
			err = each(ctx, slices.Compact(shas), r.Sweep)
		}
		if err == nil {
			err = each(ctx, some, r.Files.Remove)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Remover) release(ctx context.Context, f File) error {
	if err := r.Files.Release(ctx, f); unlessGone(err) != nil {
		return err
	}
	return r.Bytes.Discard(ctx, f)
}

// unlessGone forgives that another has removed a file already.
func unlessGone(err error) error {
	if errors.Is(err, ErrNoFile) {
		return nil
	}
	return err
}

// Sweep removes the bytes of that hash if nobody refers to them.
func (r *Remover) Sweep(ctx context.Context, sha string) error {
	ctx, cancel := context.WithTimeout(ctx, Burial/2)
	defer cancel()
	mine, err := r.Graves.Bury(ctx, sha)
	if err != nil || !mine {
		return err
	}
	if err := r.Bytes.RemoveBlob(ctx, sha); err != nil {
		return err
	}
	return r.Graves.Buried(ctx, sha)
}

// each does something with all of them, eight at a time, and goes on after a
// failure.
func each[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	errs := make([]error, len(all))
	var g errgroup.Group
	g.SetLimit(8)
	for i, one := range all {
		g.Go(func() error {
			errs[i] = do(ctx, one)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return errors.Join(errs...)
}
