package file

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"parley/shared/problem"
)

// Errors of uploads.
var (
	ErrExpired  = problem.New(problem.NotFound, "upload_expired", "This upload took too long; please begin again.")
	ErrComplete = problem.New(problem.Conflict, "upload_complete", "This upload is complete; delete its file instead.")
)

// Resume says how an upload stands, with fresh URLs for what is missing.
func (u *Uploads) Resume(ctx context.Context, user, id string) (Progress, error) {
	f, a, err := u.look(ctx, user, id)
	if err != nil || f.Status != Uploading {
		return Progress{ID: f.ID, Status: f.Status}, err
	}
	if a.Whole {
		return u.progress(ctx, f, f.whole())
	}
	good := slices.DeleteFunc(a.Parts, func(r Received) bool { return f.fault(r) != "" })
	return u.progress(ctx, f, good)
}

// Complete ends an upload whose parts have all arrived, by S3's word and no other,
// and returns the file as it stands then. It may be repeated, at any time.
func (u *Uploads) Complete(ctx context.Context, user, id string) (File, error) {
	for range 3 {
		f, a, err := u.look(ctx, user, id)
		if err != nil || f.Status != Uploading {
			return f, err
		}
		if a.Whole {
			return u.Rows.Arrived(ctx, user, id, a.Version)
		}
		if err := f.lacking(a.Parts); err != nil {
			return f, err
		}
		version, err := u.Inbox.Assemble(ctx, f, a.Parts)
		if err == nil {
			return u.Rows.Arrived(ctx, user, id, version)
		}
		if !errors.Is(err, ErrMoved) {
			return f, err
		}
	}
	return File{}, ErrMoved
}

// look reads what is noted of a file, and what S3 has of it if it is an upload
// still. Of an upload that has expired, for us or for S3, only one whose bytes are
// there counts.
func (u *Uploads) look(ctx context.Context, user, id string) (File, Arrival, error) {
	f, err := u.Rows.File(ctx, user, id)
	if err != nil || f.Status != Uploading {
		return f, Arrival{}, err
	}
	a, err := u.Inbox.Arrival(ctx, f)
	if err != nil || a.Whole {
		return f, a, err
	}
	if len(a.Parts) == 0 { // or has its whole been processed, and moved on, since the row was read?
		f, err = u.Rows.File(ctx, user, id)
	}
	if err == nil && f.Status == Uploading && (a.Closed || u.Now().After(f.ExpiresAt)) {
		err = ErrExpired
	}
	return f, a, err
}

// Abort gives an upload up. It may be repeated.
func (u *Uploads) Abort(ctx context.Context, user, id string) error {
	f, err := u.Rows.File(ctx, user, id)
	if err == nil && f.Status != Uploading {
		return ErrComplete
	}
	if err != nil && !errors.Is(err, ErrNoFile) {
		return err
	}
	return u.Remove.Delete(ctx, user, id)
}

// sizeOf returns how many bytes part n (from 1) has.
func (f File) sizeOf(n int) int64 { return min(PartSize, f.Size-int64(n-1)*PartSize) }

// sumOf returns the SHA-256 that part n (from 1) must have; empty: nobody said.
func (f File) sumOf(n int) string {
	if PartCount(f.Size) == 1 {
		return f.SHA256
	}
	if n > len(f.Parts) {
		return ""
	}
	return f.Parts[n-1]
}

// Want returns what part n of f (from 1) has to be: its size in bytes and, in
// lower-case hex, its SHA-256; empty: its sender didn't say.
func (f File) Want(n int) (size int64, sum string) { return f.sizeOf(n), f.sumOf(n) }

// fault says what is wrong with a part that arrived; empty: nothing.
func (f File) fault(r Received) string {
	size, sum := f.Want(r.Number)
	switch {
	case r.Number < 1 || r.Number > PartCount(f.Size):
		return "It is no part of the file."
	case r.Size != size:
		return fmt.Sprintf("It has %d bytes instead of %d.", r.Size, size)
	case sum != "" && r.SHA256 != sum:
		return "It has other bytes than were announced."
	}
	return ""
}

// whole lists all parts as they are when they are there.
func (f File) whole() []Received {
	all := make([]Received, PartCount(f.Size))
	for i := range all {
		all[i] = Received{Number: i + 1, Size: f.sizeOf(i + 1)}
	}
	return all
}

// missing returns the numbers of the parts that are not there, in order.
func (f File) missing(there []Received) []int {
	var numbers []int
	for n := 1; n <= PartCount(f.Size); n++ {
		if !slices.ContainsFunc(there, func(r Received) bool { return r.Number == n }) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// lacking names every part that isn't there as it should be.
func (f File) lacking(there []Received) error {
	var c problem.Check
	var numbers []string
	bad := func(n int, detail string) {
		c.That(false, fmt.Sprintf("parts[%d]", n), "part_missing", detail)
		numbers = append(numbers, fmt.Sprint(n))
	}
	for _, n := range f.missing(there) {
		bad(n, "It hasn't arrived.")
	}
	for _, r := range there {
		if why := f.fault(r); why != "" {
			bad(r.Number, why)
		}
	}
	if c.Err() == nil {
		return nil
	}
	e := problem.From(c.Err())
	e.Code, e.Message = "parts_missing", "Parts are missing or not as they should be: "+strings.Join(numbers, ", ")+"."
	return e
}
