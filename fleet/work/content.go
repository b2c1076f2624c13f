package work

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"parley/shared/file"
	"parley/shared/passage"
	"parley/shared/problem"
)

// Contents has what was made of files, by the SHA-256 of their bytes. What isn't
// there is file.ErrNoFile.
type Contents interface {
	// Text is of bytes that were read as that type, as package passage encodes it.
	Text(ctx context.Context, sha, contentType string) ([]byte, error)
	Picture(ctx context.Context, sha string) (body []byte, contentType string, err error)
}

// content is what a model gets of a file.
type content struct {
	text    *passage.Document
	picture string // URL (data:)
}

// size is about what a content takes in memory, in bytes.
func (c content) size() int {
	n := 128 + len(c.picture)
	if c.text != nil {
		for _, p := range c.text.Passages {
			n += 32 + len(p.Text)
		}
	}
	return n
}

// load gets a text or a picture. What is missing or broken can't be read, in this
// attempt as in the next.
func (j *job) load(ctx context.Context, f file.File) (c content, err error) {
	if f.Kind == file.Image {
		body, kind, err := j.Contents.Picture(ctx, f.SHA256)
		if err == nil {
			c.picture = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(body)
		}
		return c, j.unreadable(f, err)
	}
	body, err := j.Contents.Text(ctx, f.SHA256, f.ContentType)
	if err != nil {
		return c, j.unreadable(f, err)
	}
	text, err := passage.Decode(body)
	if err == nil {
		c.text = &text
	}
	return c, j.unreadable(f, err)
}

func (j *job) unreadable(f file.File, err error) error {
	switch {
	case errors.Is(err, passage.ErrLater):
		return problem.New(problem.Unavailable, "later_text", "A worker of a later release can read this file.").Because(err)
	case errors.Is(err, file.ErrNoFile), errors.Is(err, passage.ErrCorrupt):
		j.log.Error("a file has nothing for models that can be read", "file", f.ID, "kind", f.Kind, "error", err.Error())
		return nil
	case err != nil:
		return fmt.Errorf("read file %s: %w", f.ID, err)
	}
	return nil
}
