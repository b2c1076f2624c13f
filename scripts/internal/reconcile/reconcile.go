// Package reconcile compares the table of files with the bucket that has their
// bytes, and repairs where they differ.
//
// # How
//
// The table is scanned twice, for the counts and then for the files that they count,
// and the bucket is listed after that (gather.go). What was read goes to disk, in
// shards by hash (spool.go), so that memory holds one of 128 shards at a time and a
// page of 1,000 versions of the listing. For every million files, each with bytes
// of its own, that is 25 MB of memory and 750 MB of disk (measured with half a
// million).
//
// Each shard is judged by itself: what lies under one SHA-256 (blob.go), and what
// belongs to one user (user.go). Judging is a function of what was read and nothing
// else.
//
// # While traffic runs
//
// Files come and go while this looks. So whatever seems to differ is looked at
// again, on its own, after Settle, and is a difference only if exactly the same is
// wrong then (judge.go). What is younger than Grace isn't judged. A repair is
// refused by the table if the row has changed since it was looked at, and bytes are
// removed by the way that deletions take: only after the table has said that nobody
// refers to them, and has marked them so that nobody begins to. What couldn't be
// repaired for that reason is in motion, and the next run finds it at rest.
package reconcile

import (
	"context"
	"fmt"
	"os"
	"time"

	"parley/shared/file"
	"parley/shared/object"
	"parley/shared/store"
)

// Kind is a sort of difference.
type Kind string

// The kinds.
const (
	WrongRefs    Kind = "wrong_refs"     // a blob is counted another number of times than files refer to it
	Unreferenced Kind = "unreferenced"   // bytes, or the row that counts them, to which no file refers
	Hidden       Kind = "bytes_hidden"   // somebody has deleted a blob by its key; its versions are there
	Missing      Kind = "bytes_missing"  // a ready file's bytes are gone
	Damaged      Kind = "bytes_damaged"  // a blob has another size than its files
	Unmade       Kind = "made_missing"   // a ready file's text or pictures are gone, or deleted by their key
	WrongTotals  Kind = "wrong_totals"   // a user's bytes or open uploads
	WrongRoom    Kind = "wrong_room"     // the bytes of a chat's files
	WrongChats   Kind = "wrong_chats"    // to how many chats a file is attached
	NoFile       Kind = "no_file"        // a place in a chat of a file that isn't there
	Tombstone    Kind = "tombstone"      // a deleted file whose removal didn't come to its end
	Leftover     Kind = "leftover"       // what was sent of an upload that is over
	Stuck        Kind = "stuck"          // a file that is processed for too long
	Strange      Kind = "strange_object" // a key that Parley doesn't write
)

// Difference is one thing that is not as it should be.
type Difference struct {
	Kind   Kind   `json:"kind"`
	SHA    string `json:"sha256,omitempty"`
	User   string `json:"user,omitempty"`
	File   string `json:"file_id,omitempty"`
	Chat   string `json:"chat_id,omitempty"`
	Key    string `json:"key,omitempty"`
	Detail string `json:"detail"`

	Repaired bool   `json:"repaired,omitzero"`
	Why      string `json:"why,omitempty"` // it was not repaired
}

// Check is one look at everything.
type Check struct {
	Files   *store.Files
	Bucket  *object.Bucket
	Remover *file.Remover

	Now    func() time.Time
	Grace  time.Duration // what is younger isn't judged
	Settle time.Duration // how long a deletion, say, may take
	Repair bool
	// DropLost makes a repair of files whose bytes are gone for good: they are
	// deleted.
	DropLost bool

	// Again says once more that a file's bytes have arrived as an object of that key.
	// So the processing of one that is stuck begins anew, and of one that is ready
	// what is missing is made again.
	Again func(ctx context.Context, f file.File, key string) error

	Found    func(Difference) error // is told of each, as it was found or repaired
	Progress func(string)           // is told what is being done, every few seconds
}

// Summary is what a check came to.
type Summary struct {
	Files    int `json:"files"`   // rows
	Blobs    int `json:"blobs"`   // rows
	Objects  int `json:"objects"` // keys, and uploads in parts
	Found    int `json:"found"`
	Repaired int `json:"repaired"`
	InMotion int `json:"in_motion"` // seemed to differ, and had changed when looked at again
}

// Left is how many differences are still there.
func (s Summary) Left() int { return s.Found - s.Repaired }

// run is a Check under way.
type run struct {
	Check
	sum   Summary
	began time.Time
	read  time.Time // when everything had been read
	spoke time.Time
	blobs *spool[blobNote]
	users *spool[userNote]
}

// Run looks at everything once.
func (c Check) Run(ctx context.Context) (Summary, error) {
	dir, err := os.MkdirTemp("", "parley-files-")
	if err != nil {
		return Summary{}, fmt.Errorf("a folder for what is read: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &run{Check: c, began: c.Now(), spoke: c.Now()}
	if r.blobs, err = newSpool[blobNote](dir, "blobs"); err != nil {
		return Summary{}, err
	}
	defer r.blobs.close()
	if r.users, err = newSpool[userNote](dir, "users"); err != nil {
		return Summary{}, err
	}
	defer r.users.close()
	if err := r.gather(ctx); err != nil {
		return r.sum, err
	}
	r.read = c.Now()
	for shard := range shards {
		if err := r.judgeBlobs(ctx, shard); err != nil {
			return r.sum, err
		}
		if err := r.judgeUsers(ctx, shard); err != nil {
			return r.sum, err
		}
	}
	return r.sum, nil
}

// old reports whether something of that time is past its grace.
func (r *run) old(t time.Time) bool { return r.began.Sub(t) >= r.Grace }

// say tells how far it is, not too often.
func (r *run) say(what string) {
	if now := r.Now(); r.Progress != nil && now.Sub(r.spoke) >= 5*time.Second {
		r.spoke = now
		r.Progress(fmt.Sprintf("%s: %d files, %d blobs, %d objects so far", what, r.sum.Files, r.sum.Blobs, r.sum.Objects))
	}
}
