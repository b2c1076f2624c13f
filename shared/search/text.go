package search

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"parley/shared/file"
	"parley/shared/passage"
)

// Files knows users' files.
type Files interface {
	// Some returns those of them that are there, perhaps as they were a moment ago.
	Some(ctx context.Context, user string, ids []string) ([]file.File, error)
}

// Contents has the text of files, by the SHA-256 of their bytes and as what they were
// read. What isn't there is file.ErrNoFile.
type Contents interface {
	Text(ctx context.Context, sha, contentType string) ([]byte, error)
}

// Library is Texts of files as they are kept.
type Library struct {
	Files    Files
	Contents Contents
}

// Bounds of what is read for one call.
const (
	filesAtOnce = 100 // rows
	textsAtOnce = 8
)

// Texts implements Texts. A file whose text is missing or broken has none.
func (l Library) Texts(ctx context.Context, user string, ids []string) (map[string][]Piece, error) {
	found := map[string][]Piece{}
	var mu sync.Mutex
	for len(ids) > 0 {
		some := ids[:min(filesAtOnce, len(ids))]
		ids = ids[len(some):]
		files, err := l.Files.Some(ctx, user, some)
		if err != nil {
			return nil, err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(textsAtOnce)
		for _, f := range files {
			if f.Status != file.Ready || f.Kind != file.Text {
				continue
			}
			g.Go(func() error {
				pieces, err := l.read(ctx, f)
				mu.Lock()
				defer mu.Unlock()
				found[f.ID] = pieces
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (l Library) read(ctx context.Context, f file.File) (pieces []Piece, err error) {
	body, err := l.Contents.Text(ctx, f.SHA256, f.ContentType)
	var d passage.Document
	if err == nil {
		d, err = passage.Decode(body)
	}
	switch {
	case errors.Is(err, file.ErrNoFile), errors.Is(err, passage.ErrCorrupt), errors.Is(err, passage.ErrLater):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read file %s: %w", f.ID, err)
	}
	size := 0
	for _, p := range d.Passages {
		if size += len(p.Text); size > fileBytes {
			break
		}
		pieces = append(pieces, Piece{Page: p.Page, Text: p.Text})
	}
	return pieces, nil
}
