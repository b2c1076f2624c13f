package file

import (
	"context"
	"fmt"
	"time"

	"parley/shared/id"
	"parley/shared/problem"
)

// Sizes of pages.
const (
	DefaultPage = 30
	MaxPage     = 100
)

// Shelf is the storage of what a user has.
type Shelf interface {
	// File returns one, ErrNoFile if there is none.
	File(ctx context.Context, user, id string) (File, error)
	// List returns files with ids below after (empty: the newest), newest first, and
	// what to go on after; empty at the end.
	List(ctx context.Context, user string, limit int, after string) (files []File, next string, err error)
}

// Linker makes URLs that read a file, for Download at most.
type Linker interface {
	// Content links to the bytes of f as they were sent, delivered with these headers.
	Content(ctx context.Context, f File, contentType, disposition string) (string, error)
	// Thumbnail links to a small picture of f, to be shown.
	Thumbnail(ctx context.Context, f File) (string, error)
}

// ErrRejected refuses to hand out bytes that were rejected.
var ErrRejected = problem.New(problem.Conflict, "file_rejected", "This file was rejected and can't be read.")

// Library is the use case of what a user has sent.
type Library struct {
	Shelf Shelf
	Links Linker
}

// List returns a page of the user's files, newest first, and the cursor of the next
// page, empty at the end.
func (l *Library) List(ctx context.Context, user string, limit int, cursor string) ([]File, string, error) {
	var c problem.Check
	c.That(limit >= 1 && limit <= MaxPage, "limit", "bad_limit", fmt.Sprintf("A page has 1 to %d items.", MaxPage))
	c.That(cursor == "" || id.Valid(cursor), "cursor", "bad_cursor", "This is not a cursor that was given out.")
	if err := c.Err(); err != nil {
		return nil, "", err
	}
	files, next, err := l.Shelf.List(ctx, user, limit, cursor)
	for i := range files {
		files[i] = files[i].shown()
	}
	return files, next, err
}

// File returns one file of a user.
func (l *Library) File(ctx context.Context, user, id string) (File, error) {
	f, err := l.Shelf.File(ctx, user, id)
	return f.shown(), err
}

// Content returns a URL that a ready file can be downloaded from for a short time.
func (l *Library) Content(ctx context.Context, user, id string) (string, error) {
	f, err := l.ready(ctx, user, id)
	if err != nil {
		return "", err
	}
	return l.Links.Content(ctx, f, deliveredAs(f.ContentType), disposition(f.Name))
}

// Thumbnail returns a URL of a ready image's thumbnail; ErrNoFile if it has none.
func (l *Library) Thumbnail(ctx context.Context, user, id string) (string, error) {
	f, err := l.ready(ctx, user, id)
	if err == nil && !f.pictured() {
		err = ErrNoFile
	}
	if err != nil {
		return "", err
	}
	return l.Links.Thumbnail(ctx, f)
}

func (l *Library) ready(ctx context.Context, user, id string) (File, error) {
	f, err := l.Shelf.File(ctx, user, id)
	if err != nil {
		return f, err
	}
	switch f.Status {
	case Ready:
		return f, nil
	case Rejected:
		return f, ErrRejected
	}
	return f, ErrNotReady.After(time.Second)
}

// pictured reports whether there is a thumbnail of f.
func (f File) pictured() bool { return f.Status == Ready && f.Kind == Image && f.Width > 0 }

// shown returns f as its user sees it.
func (f File) shown() File {
	f.Thumbnail = ""
	if f.pictured() {
		f.Thumbnail = "/v1/files/" + f.ID + "/thumbnail"
	}
	return f
}
