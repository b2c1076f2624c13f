// Package ingest is what happens to a file between its last byte's arrival and the
// moment when it can be used. It knows nothing of tables, buckets or processes.
//
// # Stages
//
// Each stage may be repeated, by the same process or by another one at the same
// time, without doing anything twice:
//
//   - verify streams the bytes once, into a temporary file and a hash side by side,
//     in memory that doesn't depend on their size. What isn't what its sender stated
//     is rejected.
//   - scan asks what the malware scanner has found, and waits for it by giving the
//     event back. A scanner that says nothing in time ends the file; one that says
//     that it has failed doesn't, since its sender could send it in vain for ever.
//   - store counts the file at its blob, then copies the bytes there unless they are
//     there.
//   - read has the file's type, text and pictures found out in another process, and
//     keeps what came of it. Whatever that process does, the file becomes ready.
//
// Then the bytes that arrived are removed. An event that finds nothing to do, since
// its file is gone, or done, or took another version of the bytes, only removes its
// bytes. Where the file is ready, it also sees to it that what was made of the file is
// there.
//
// # Failures
//
// A stage is begun by a note in the file's row that counts how often it was. A try
// that ends because something else is away is taken back, so that a storage that is
// away for a day costs no file; what remains are tries that ended in no orderly way.
// After MaxTries of those the file is given up: it is rejected, or, where only its
// reading failed, ready and unread.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"parley/shared/file"
	"parley/shared/passage"
	"parley/shared/problem"
)

// MaxTries is how often a stage may end in no orderly way.
const MaxTries = 5

// MaxScan is how long the scanner may say nothing after it was first asked.
const MaxScan = 15 * time.Minute

// Arrival says that bytes have arrived.
type Arrival struct {
	Key     string // of the object
	Version string // of the object
}

// Files is what is known of files. Each method returns file.ErrGone for a file that
// is no longer being processed.
type Files interface {
	// Arrived begins the processing of an uploading file with that version of its
	// bytes, unless it was begun before, and returns the file as it stands.
	// file.ErrNoFile: it was deleted, or never was.
	Arrived(ctx context.Context, user, id, version string) (file.File, error)
	// Begin notes that a stage is begun, when and how often, with what is known of
	// malware by then. file.ErrGone also if somebody else has got further.
	Begin(ctx context.Context, f file.File, s file.Stage) (file.File, error)
	// Spare takes back the try that Begin has counted.
	Spare(ctx context.Context, f file.File) error
	Ready(ctx context.Context, f file.File) error
	Reject(ctx context.Context, f file.File, why file.Remark) error
}

// Counts knows who refers to a blob.
type Counts interface {
	// Hold counts the file at its blob, once.
	Hold(ctx context.Context, f file.File) error
	// Sweep removes a blob, and what was made of it, if nobody refers to it.
	Sweep(ctx context.Context, sha string) error
}

// Incoming is where bytes arrive.
type Incoming interface {
	// Owner tells whose file an object is of; false: no file's object has that key.
	Owner(key string) (user, id string, ours bool)
	// Open reads the version of the bytes that the file was begun with.
	Open(ctx context.Context, f file.File) (io.ReadCloser, error)
	// Verdict is the malware scanner's; empty while there is none.
	Verdict(ctx context.Context, f file.File) (string, error)
	// Drop removes one version of an object; one that isn't there is removed.
	Drop(ctx context.Context, key, version string) error
}

// Blobs is where verified bytes are kept, and what was made of them. What is there
// already stays as it is.
type Blobs interface {
	// Copy brings the bytes that arrived to their blob.
	Copy(ctx context.Context, f file.File) error
	// OpenBlob reads the bytes of a file that is stored.
	OpenBlob(ctx context.Context, f file.File) (io.ReadCloser, error)
	// Made reports whether all is there that was made of a ready file.
	Made(ctx context.Context, f file.File) (bool, error)
	// PutText keeps a text, as passage.Encode writes it, of bytes that were read as
	// that type.
	PutText(ctx context.Context, sha, contentType string, text []byte) error
	// PutPictures keeps an image as lists show it and as models look at it.
	PutPictures(ctx context.Context, sha, contentType string, thumbnail, picture []byte) error
}

// Reader finds out what is in a file of that name and stated type. A file that
// can't be read, or that breaks what reads it, is a note in the Reading and no error.
type Reader interface {
	Read(ctx context.Context, path, name, contentType string) (Reading, error)
}

// Reading is what was found in a file.
type Reading struct {
	ContentType   string
	Kind          file.Kind
	Pages         int // of a document that has any
	Width, Height int // of an image, as it is to be seen
	Note          *file.Remark
	Document      *passage.Document // nil: no text
	Thumbnail     []byte            // JPEG; nil: no image
	Picture       []byte            // nil: no image
	PictureType   string            // content type of Picture
}

// Processor takes files through their stages.
type Processor struct {
	Files    Files
	Counts   Counts
	Incoming Incoming
	Blobs    Blobs
	Reader   Reader
	Scanner  bool  // a scanner looks at what arrives
	Room     *Room // for temporary files
	Now      func() time.Time
	Log      *slog.Logger
}

// Do processes what has arrived. After an error that problem.Retryable knows, the
// same arrival is to be done again, by whomever.
func (p *Processor) Do(ctx context.Context, a Arrival) error {
	if err := p.handle(ctx, a); err != nil {
		return err
	}
	return p.Incoming.Drop(ctx, a.Key, a.Version)
}

// handle does all but the removal of what arrived.
func (p *Processor) handle(ctx context.Context, a Arrival) error {
	user, id, ours := p.Incoming.Owner(a.Key)
	if !ours {
		p.Log.WarnContext(ctx, "nobody's upload arrived", "key", a.Key)
		return nil
	}
	f, err := p.Files.Arrived(ctx, user, id, a.Version)
	if errors.Is(err, file.ErrNoFile) {
		return nil
	}
	if err != nil || f.Version != a.Version {
		return err
	}
	switch f.Status {
	case file.Ready:
		return p.renew(ctx, f)
	case file.Processing:
	default:
		return nil
	}
	err = p.process(ctx, f)
	if errors.Is(err, file.ErrGone) {
		return p.yield(ctx, f)
	}
	return err
}

// yield ends the processing of a file that somebody else has deleted, or processes.
// The bytes of one that is processed must stay: it comes back here if the other dies.
// A deleted one may have come to its blob after those who removed it had looked.
func (p *Processor) yield(ctx context.Context, f file.File) error {
	now, err := p.Files.Arrived(ctx, f.User, f.ID, f.Version)
	switch {
	case errors.Is(err, file.ErrNoFile):
		return p.Counts.Sweep(ctx, f.SHA256)
	case err == nil && now.Status == file.Processing:
		return away("processed_elsewhere", fmt.Errorf("file %s of user %s is at stage %q", f.ID, f.User, now.Stage))
	}
	return err
}

// Remarks on files.
var (
	hashMismatch = file.Remark{Code: "hash_mismatch", Detail: "What arrived doesn't have the SHA-256 that was stated."}
	sizeMismatch = file.Remark{Code: "size_mismatch", Detail: "What arrived doesn't have the size that was stated."}
	malware      = file.Remark{Code: "malware", Detail: "The malware scanner found something in this file."}
	notScanned   = file.Remark{Code: "not_scanned", Detail: "The malware scanner didn't look at this file in time; please send it again."}
	failed       = file.Remark{Code: "processing_failed", Detail: "This file could not be processed; please send it again."}
	unreadable   = file.Remark{Code: "unreadable", Detail: "This file could not be read. It can be downloaded as it was sent."}
)

// away is a failure that passes.
func away(code string, err error) error {
	return problem.New(problem.Unavailable, code, "The service is busy; please try again in a moment.").Because(err)
}
