package file

import (
	"context"
	"errors"
	"time"

	"parley/shared/id"
	"parley/shared/problem"
)

// Rows is where uploads are noted.
type Rows interface {
	// Create notes a new upload and takes the room that it needs; ErrStorageFull,
	// ErrTooMany, ErrDialogueFull. limit is what all files of its user may have, in
	// bytes.
	Create(ctx context.Context, f File, limit int64) error
	// File returns one, ErrNoFile if there is none.
	File(ctx context.Context, user, id string) (File, error)
	// Own returns the ready file of that user with these bytes, ErrNoFile if there is
	// none.
	Own(ctx context.Context, user, sha string) (File, error)
	// Arrived notes that all bytes are there, as which version, unless that is noted,
	// and returns the file as it stands then.
	Arrived(ctx context.Context, user, id, version string) (File, error)
}

// Inbox is the storage that clients send their bytes to.
type Inbox interface {
	// Start opens an upload in parts and returns S3's id of it.
	Start(ctx context.Context, f File) (string, error)
	// Sign returns where these parts of f go to; the URLs work for life.
	Sign(ctx context.Context, f File, numbers []int, life time.Duration) ([]Part, error)
	// Arrival says what is there of f.
	Arrival(ctx context.Context, f File) (Arrival, error)
	// Assemble makes one object of these parts and returns its version; ErrMoved if
	// that is no longer what is there.
	Assemble(ctx context.Context, f File, parts []Received) (version string, err error)
	// Abandon forgets an upload in parts and what has come of it.
	Abandon(ctx context.Context, f File) error
}

// Part is where one part of a file goes to. Its URL takes exactly Size bytes, and
// only with these headers; where the part's SHA-256 is known, only its bytes.
type Part struct {
	Number  int               `json:"number"` // from 1
	Size    int64             `json:"size"`   // bytes
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// Received is a part that has arrived.
type Received struct {
	Number int    `json:"number"`
	Size   int64  `json:"size"` // bytes
	ETag   string `json:"-"`    // S3's name for these bytes
	SHA256 string `json:"-"`    // in lower-case hex, where S3 has verified it
}

// Arrival is what is there of a file: the whole, some parts, or nothing. Closed says
// that no part can come any more, since S3 has forgotten the upload.
type Arrival struct {
	Whole   bool
	Version string // of the whole
	Parts   []Received
	Closed  bool
}

// ErrMoved says that something else has happened to an upload's bytes meanwhile.
var ErrMoved = problem.New(problem.Unavailable, "upload_changed", "The upload has changed meanwhile; please try again.")

// Progress is an upload as its sender sees it.
type Progress struct {
	ID           string     `json:"file_id"`
	Status       Status     `json:"status"`
	Deduplicated bool       `json:"deduplicated,omitzero"` // the user has these bytes: nothing is to be sent
	PartSize     int64      `json:"part_size,omitzero"`    // bytes
	Received     []Received `json:"received,omitzero"`
	Parts        []Part     `json:"parts,omitzero"`             // those that are missing
	ExpiresAt    time.Time  `json:"expires_at,omitzero"`        // of the URLs
	UploadBy     time.Time  `json:"upload_expires_at,omitzero"` // of the upload
}

// Uploads is the use case of sending a file.
type Uploads struct {
	Rows   Rows
	Inbox  Inbox
	Remove *Deletion
	Now    func() time.Time
	NewID  id.Source
}

// Create makes an upload, unless the user has these bytes. S3 is asked first, so that
// nothing is noted, and counts, of an upload that it wouldn't take; of one that is
// refused afterwards S3 forgets its part.
func (u *Uploads) Create(ctx context.Context, user string, limit int64, r Request) (Progress, error) {
	if err := r.check(); err != nil {
		return Progress{}, err
	}
	own, err := u.Rows.Own(ctx, user, r.SHA256)
	if err == nil && own.Size == r.Size {
		return Progress{ID: own.ID, Status: own.Status, Deduplicated: true}, nil
	}
	if err != nil && !errors.Is(err, ErrNoFile) {
		return Progress{}, err
	}
	f := u.file(user, r)
	if err := u.open(ctx, &f); err != nil {
		return Progress{}, err
	}
	p, err := u.progress(ctx, f, nil)
	if err == nil {
		err = u.Rows.Create(ctx, f, limit)
	}
	if err != nil && f.Upload != "" && !problem.Retryable(err) { // else it may be noted all the same
		_ = u.Inbox.Abandon(ctx, f) // if S3 keeps it, it ends it by itself within two days
	}
	return p, err
}

func (u *Uploads) file(user string, r Request) File {
	now := u.Now()
	media, _ := mediaType(r.ContentType)
	f := File{ID: u.NewID(now), User: user, Name: CleanName(r.Name), Size: r.Size, ContentType: media, SHA256: r.SHA256,
		Parts: r.Parts, Chat: r.Chat, Status: Uploading, CreatedAt: now, ExpiresAt: now.Add(UploadLife)}
	if PartCount(f.Size) == 1 {
		f.Parts = nil // the whole's SHA-256 says it
	}
	return f
}

// open makes S3 ready for f's parts. One part needs nothing; S3 is looked for all
// the same, since a URL that leads nowhere is no answer.
func (u *Uploads) open(ctx context.Context, f *File) error {
	if PartCount(f.Size) == 1 {
		_, err := u.Inbox.Arrival(ctx, *f)
		return err
	}
	var err error
	f.Upload, err = u.Inbox.Start(ctx, *f)
	return err
}

// progress is how f stands when these parts are there, with URLs for the others.
func (u *Uploads) progress(ctx context.Context, f File, there []Received) (Progress, error) {
	p := Progress{ID: f.ID, Status: f.Status, PartSize: PartSize, Received: append([]Received{}, there...), Parts: []Part{}, UploadBy: f.ExpiresAt}
	missing := f.missing(there)
	if len(missing) == 0 {
		return p, nil
	}
	life := max(min(URLLife, f.ExpiresAt.Sub(u.Now())), time.Second)
	p.ExpiresAt = u.Now().Add(life)
	var err error
	p.Parts, err = u.Inbox.Sign(ctx, f, missing, life)
	return p, err
}
