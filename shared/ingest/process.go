package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"parley/shared/file"
	"parley/shared/passage"
	"parley/shared/problem"
)

// job is the processing of one file in one process.
type job struct {
	*Processor
	file  file.File
	begun bool    // a try of its stage is counted
	copy  *copied // of its bytes, on this machine; nil: not fetched yet
	// open reads its bytes: as they arrived or, of a ready file, as they are kept.
	open func(context.Context, file.File) (io.ReadCloser, error)
}

// step is what is done in a stage: it ends the file with a remark, fails, or does
// neither.
type step struct {
	stage file.Stage
	do    func(*job, context.Context) (*file.Remark, error)
}

var steps = []step{
	{file.Verify, (*job).verify},
	{file.Scan, (*job).scan},
	{file.Store, (*job).store},
	{file.Read, (*job).read},
}

// process takes a file through the stages from where it stands. A failure that passes
// isn't counted.
func (p *Processor) process(ctx context.Context, f file.File) error {
	j := &job{Processor: p, file: f, open: p.Incoming.Open}
	defer j.forget()
	err := j.inTime(ctx, j.run)
	if e := problem.From(err); e != nil && e.Kind == problem.Unavailable && j.begun {
		err = errors.Join(err, p.Files.Spare(ctx, j.file))
	}
	if err != nil {
		return fmt.Errorf("process file %s of user %s at stage %q: %w", f.ID, f.User, j.file.Stage, err)
	}
	return nil
}

// reserve is what a process keeps of its time, to take a try back and to give the
// arrival back.
const reserve = 10 * time.Second

// inTime runs, and ends before the process must.
func (j *job) inTime(ctx context.Context, run func(context.Context) error) error {
	if end, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-reserve))
		defer cancel()
	}
	return run(ctx)
}

func (j *job) run(ctx context.Context) error {
	from := max(0, slices.IndexFunc(steps, func(s step) bool { return s.stage == j.file.Stage }))
	for _, s := range steps[from:] {
		why, err := j.try(ctx, s)
		if err != nil {
			return err
		}
		if why != nil {
			j.Log.InfoContext(ctx, "file rejected", "file", j.file.ID, "stage", s.stage, "code", why.Code)
			return j.Files.Reject(ctx, j.file, *why)
		}
	}
	if err := j.Files.Ready(ctx, j.file); err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "file ready", "file", j.file.ID, "bytes", j.file.Size, "type", j.file.ContentType, "note", j.file.Note)
	return nil
}

// try begins a stage and carries it out, unless it was tried too often. To look for a
// verdict is no try: scan begins its stage itself, if there is anything to wait for.
func (j *job) try(ctx context.Context, s step) (*file.Remark, error) {
	j.begun = false
	if s.stage == file.Scan {
		return s.do(j, ctx)
	}
	f, err := j.Files.Begin(ctx, j.file, s.stage)
	if err != nil {
		return nil, err
	}
	j.file, j.begun = f, true
	if f.Tries > MaxTries {
		return j.giveUp(s.stage), nil
	}
	return s.do(j, ctx)
}

// giveUp ends a file that brought down whoever tried that stage.
func (j *job) giveUp(s file.Stage) *file.Remark {
	if s != file.Read {
		return &failed
	}
	j.file.ContentType, j.file.Kind, j.file.Note = unknownType, file.Other, &unreadable
	return nil
}

// unknownType is that of bytes that nobody could look into.
const unknownType = "application/octet-stream"

// Verdicts as GuardDuty writes them. Any other, such as FAILED and ACCESS_DENIED, is a
// word on the scanner and not on the file.
const (
	noThreats   = "NO_THREATS_FOUND"
	threats     = "THREATS_FOUND"
	unsupported = "UNSUPPORTED"
)

// Pauses between two looks for a verdict, which grow with the waiting.
const (
	soonest = 2 * time.Second
	latest  = 2 * time.Minute
)

func (j *job) scan(ctx context.Context) (*file.Remark, error) {
	if !j.Scanner {
		j.file.Malware = file.NotScanned
		return nil, nil
	}
	verdict, err := j.Incoming.Verdict(ctx, j.file)
	switch verdict {
	case noThreats:
		j.file.Malware = file.Clean
		return nil, nil
	case unsupported:
		j.file.Malware = file.Unsupported
		return nil, nil
	case threats:
		return &malware, nil
	}
	unanswered := err != nil && problem.From(err).Kind == problem.Unavailable
	if unanswered || j.file.Stage != file.Scan {
		f, failure := j.Files.Begin(ctx, j.file, file.Scan)
		if failure != nil {
			return nil, errors.Join(failure, err)
		}
		j.file = f
	}
	if unanswered {
		return nil, err
	}
	return j.await(verdict, err)
}

// await is a look that the bucket has answered without a verdict. The stage begins
// with the first of them, and anew whenever the bucket doesn't answer, so the scanner
// isn't called late for an outage or for a queue that was long. What it says of itself
// costs no file: that stays, and is looked at again.
func (j *job) await(word string, err error) (*file.Remark, error) {
	waited := j.Now().Sub(j.file.Begun)
	switch {
	case word != "":
		return nil, errScanner.Because(fmt.Errorf("it says %.40q", word))
	case waited > MaxScan:
		return &notScanned, nil
	case err != nil:
		return nil, err // looks aren't counted: what goes on failing ends by the time
	}
	return nil, ErrPending.Because(fmt.Errorf("no verdict after %v", waited)).After(min(max(soonest, waited/2), latest))
}

// store counts first and copies then, so that no blob is removed under a file that
// counts on it.
func (j *job) store(ctx context.Context) (*file.Remark, error) {
	if err := j.Counts.Hold(ctx, j.file); err != nil {
		return nil, err
	}
	j.file.Stored = true
	return nil, j.Blobs.Copy(ctx, j.file)
}

func (j *job) read(ctx context.Context) (*file.Remark, error) {
	if why, err := j.fetch(ctx); why != nil || err != nil {
		return why, err
	}
	found, err := j.Reader.Read(ctx, j.copy.path, j.file.Name, j.file.ContentType)
	if err != nil {
		return nil, err
	}
	if err := j.keep(ctx, found); err != nil {
		return nil, err
	}
	f := &j.file
	f.ContentType, f.Kind, f.Note = found.ContentType, found.Kind, found.Note
	f.Pages, f.Width, f.Height = found.Pages, found.Width, found.Height
	if found.Document != nil {
		f.Characters = found.Document.Characters
	}
	return nil, nil
}

// keep stores what was found.
func (j *job) keep(ctx context.Context, found Reading) error {
	if found.Document != nil {
		text, err := passage.Encode(*found.Document)
		if err != nil {
			return err
		}
		if err := j.Blobs.PutText(ctx, j.file.SHA256, found.ContentType, text); err != nil {
			return err
		}
	}
	if found.Picture == nil {
		return nil
	}
	return j.Blobs.PutPictures(ctx, j.file.SHA256, found.PictureType, found.Thumbnail, found.Picture)
}
