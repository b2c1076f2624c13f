package ingest

import (
	"context"

	"parley/shared/file"
)

// renew makes again what was made of a ready file, if some of it isn't there, and
// leaves its row as it is: an event that is delivered twice finds nothing to do, and
// one that operators send mends what an accident took.
func (p *Processor) renew(ctx context.Context, f file.File) error {
	whole, err := p.Blobs.Made(ctx, f)
	if whole || err != nil {
		return err
	}
	j := &job{Processor: p, file: f, open: p.Blobs.OpenBlob}
	defer j.forget()
	return j.inTime(ctx, j.remake)
}

// remake reads the blob as what it was found to be, which is what its text is looked
// for by.
func (j *job) remake(ctx context.Context) error {
	why, err := j.fetch(ctx)
	if err != nil {
		return err
	}
	if why != nil {
		j.Log.ErrorContext(ctx, "blob is damaged", "file", j.file.ID, "code", why.Code)
		return nil
	}
	found, err := j.Reader.Read(ctx, j.copy.path, j.file.Name, j.file.ContentType)
	if err != nil {
		return err
	}
	if found.Kind != j.file.Kind {
		j.Log.ErrorContext(ctx, "file can't be read as it once was", "file", j.file.ID, "kind", j.file.Kind, "found", found.Kind, "note", found.Note)
		return nil
	}
	found.ContentType = j.file.ContentType
	return j.keep(ctx, found)
}
