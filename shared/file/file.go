// Package file is what users send besides text: images and documents, from the
// first byte of an upload to the last byte that is removed. It knows nothing of
// tables, buckets or HTTP.
//
// # The life of a file
//
// A file is made with the size and the SHA-256 that its sender states; signed URLs
// then lead its bytes straight into the bucket, under a name of its own that
// nobody else can read (uploading). When they are complete, they are verified,
// scanned, stored and read (processing), each by a stage that may be repeated, and
// the file is ready, with a note where something could not be done, or rejected
// with a reason.
//
// # Stored once
//
// The stored bytes, a blob, are named by their SHA-256 and kept once for everybody.
// A blob counts the files that refer to it. The count is raised before the bytes
// are copied and lowered after the file is gone, so a blob with a count is never
// removed, and one without is removed by whoever marks it first. Knowing a hash
// gives nobody a file: whoever doesn't own the bytes yet has to send them, and
// their file is processed as if nobody had sent it before, since the time that it
// takes would tell.
//
// # Dialogues
//
// A file belongs to its user. It is attached to a chat when it is sent in a message
// of it, or from the start if its upload names the chat; a chat has room for
// MaxDialogue bytes. When the last chat that a file is attached to goes, the file
// goes as well.
package file

import (
	"time"

	"parley/shared/problem"
)

// Bounds.
const (
	PartSize       = 8 << 20   // bytes of each part of an upload but its last
	MaxSize        = 512 << 20 // bytes of one file
	MaxDialogue    = 512 << 20 // bytes of all files attached to one chat
	MaxAttachments = 10        // files of one message
	MaxOpen        = 100       // uploads of one user that are under way
	MaxName        = 255       // bytes of a name

	UploadLife = 24 * time.Hour  // how long an upload may take
	URLLife    = time.Hour       // how long a URL for a part works
	Download   = 5 * time.Minute // how long a URL to read a file works
	Burial     = 2 * time.Minute // how long a blob that is being removed is left alone by others

	// Settle is how long somebody may go on with a file that was deleted meanwhile:
	// Lambda's longest run.
	Settle = 15 * time.Minute
)

// Status is where a file stands.
type Status string

// The states of a file: uploading → processing → ready or rejected. A deleted one
// is not found; its row stands until its bytes are gone.
const (
	Uploading  Status = "uploading"
	Processing Status = "processing"
	Ready      Status = "ready"
	Rejected   Status = "rejected"
	Deleted    Status = "deleted"
)

// Stage is what is done with a file that is processed.
type Stage string

// The stages, in their order.
const (
	Verify Stage = "verify" // size and hash are what the sender stated
	Scan   Stage = "scan"   // the malware scanner's verdict
	Store  Stage = "store"  // the bytes go to their blob
	Read   Stage = "read"   // type, text, images
)

// Kind is what a file is good for.
type Kind string

// The kinds.
const (
	Image Kind = "image" // a model that sees can look at it
	Text  Kind = "text"  // its text can be read
	Other Kind = "other" // it can be kept and downloaded
)

// Verdict is what is known of malware in a file.
type Verdict string

// The verdicts. Unsupported is what the scanner can't open.
const (
	Clean       Verdict = "clean"
	NotScanned  Verdict = "not_scanned" // this installation has no scanner
	Unsupported Verdict = "unsupported"
)

// Remark is a code for programs with a sentence for people: why a file was
// rejected, or what could not be done with it.
type Remark struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// File is one file of one user.
type File struct {
	ID          string    `json:"file_id"`
	Name        string    `json:"name"`
	Size        int64     `json:"size"`         // bytes
	ContentType string    `json:"content_type"` // what it is; until that is known, what its sender says
	SHA256      string    `json:"sha256"`       // of the whole, in lower-case hex
	Status      Status    `json:"status"`
	Stage       Stage     `json:"stage,omitempty"`  // of a processing one
	Reason      *Remark   `json:"reason,omitempty"` // of a rejected one
	Note        *Remark   `json:"note,omitempty"`   // of a ready one that couldn't be read, or not whole
	Malware     Verdict   `json:"malware_scan,omitempty"`
	Kind        Kind      `json:"kind,omitempty"`      // of a ready one
	Pages       int       `json:"pages,omitzero"`      // of a document that has any
	Width       int       `json:"width,omitzero"`      // pixels, as it is to be seen
	Height      int       `json:"height,omitzero"`     // pixels
	Characters  int       `json:"characters,omitzero"` // of its text
	Thumbnail   string    `json:"thumbnail_url,omitempty"`
	CreatedAt   time.Time `json:"created_at"`

	User      string    `json:"-"` // owner's ULID
	Chat      string    `json:"-"` // the chat that its upload named, or empty
	Upload    string    `json:"-"` // S3's id of its multipart upload; empty: one part, put at once
	Parts     []string  `json:"-"` // SHA-256 of each part in hex, where the sender stated them
	Version   string    `json:"-"` // S3's version of the bytes that arrived
	Stored    bool      `json:"-"` // it is counted at its blob, or was until it was deleted
	Tries     int       `json:"-"` // how often its stage was begun
	Begun     time.Time `json:"-"` // when it was last
	ExpiresAt time.Time `json:"-"` // of an uploading one
}

// Attachment is a file as a message shows it. It stays in the message when the
// file itself is gone.
type Attachment struct {
	ID          string `json:"file_id"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"` // bytes
	Kind        Kind   `json:"kind"`
}

// Attachment returns f as a message shows it.
func (f File) Attachment() Attachment {
	return Attachment{ID: f.ID, Name: f.Name, ContentType: f.ContentType, Size: f.Size, Kind: f.Kind}
}

// PartCount returns how many parts size bytes are sent in.
func PartCount(size int64) int { return int((size + PartSize - 1) / PartSize) }

// Errors of this package's use cases.
var (
	ErrNoFile = problem.New(problem.NotFound, "not_found", "There is no such file.")
	// ErrGone tells a stage that its file was deleted, or was processed by another.
	ErrGone         = problem.New(problem.Conflict, "stale_file", "This file is no longer being processed.")
	ErrTooLarge     = problem.New(problem.TooLarge, "file_too_large", "A file can have at most 512 MB.")
	ErrDialogueFull = problem.New(problem.Invalid, "dialogue_full", "The files of one chat can have at most 512 MB in all.")
	ErrStorageFull  = problem.New(problem.Invalid, "storage_full", "Your files have all the space of your plan; delete some that you don't need.")
	ErrTooMany      = problem.New(problem.Exhausted, "too_many_uploads", "Too many of your uploads are under way; finish some of them first.")
	ErrNotReady     = problem.New(problem.Conflict, "file_not_ready", "A file is still being processed.")
)
