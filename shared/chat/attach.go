package chat

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/problem"
)

// Offered is a file that its owner wants to attach to a chat.
type Offered struct {
	file.File
	Attached bool // the chat has it already
}

// Files is the storage that attaching needs besides Sends.
type Files interface {
	// Offered reads the Files of a sending, deleted ones included as long as they are
	// there, and whether its chat has them. It misses no write that ended before it;
	// what isn't there, or isn't the user's, it leaves out.
	Offered(ctx context.Context, s Sending) ([]Offered, error)
}

// Errors of attaching. What is another's is unknown, as what never was.
var (
	errUnknownFile = problem.New(problem.Invalid, "unknown_file", "There is no such file.")
	errTwice       = problem.New(problem.Invalid, "repeated_file", "This file is in the list already.")
	errRejected    = problem.New(problem.Invalid, "file_rejected", "This file was rejected; it can't be sent.")
	errBlind       = problem.New(problem.Invalid, "model_without_vision", "This model can't look at images.")
	errTooMany     = problem.New(problem.Invalid, "too_many_attachments", fmt.Sprintf("A message has at most %d files.", file.MaxAttachments))
)

// gone names a file of an accepted question that went before it could be written
// down what the file was called.
const gone = "(deleted)"

// checkFiles names what is wrong with a list of files as such.
func checkFiles(c *problem.Check, ids []string) {
	if len(ids) > file.MaxAttachments {
		fault(c, "attachments", errTooMany)
		return
	}
	for i, f := range ids {
		switch {
		case !id.Valid(f):
			fault(c, attachment(i), errUnknownFile)
		case slices.Contains(ids[:i], f):
			fault(c, attachment(i), errTwice)
		}
	}
}

// attachment is where a client named its file number i.
func attachment(i int) string { return fmt.Sprintf("attachments[%d]", i) }

// fault notes e at a field.
func fault(c *problem.Check, field string, e *problem.Error) { c.That(false, field, e.Code, e.Message) }

// attach finds out what the files of a sending are and which of them its chat has
// to take. It reads nothing if there are none, or if nothing new is accepted.
func (s *Sender) attach(ctx context.Context, sending *Sending) error {
	if len(sending.Files) == 0 || sending.Shed {
		return nil
	}
	offered, err := s.offered(ctx, *sending)
	if err != nil {
		return err
	}
	if err := admissible(sending.Files, offered, sending.Sees); err != nil {
		return err
	}
	sending.Question.Attachments, sending.Attach = nil, nil
	var size int64
	for _, name := range sending.Files {
		f := offered[name]
		sending.Question.Attachments = append(sending.Question.Attachments, f.Attachment())
		if !f.Attached {
			sending.Attach = append(sending.Attach, f.Attachment())
			size += f.Size
		}
	}
	if size > file.MaxDialogue {
		return errDialogueFull()
	}
	return nil
}

func (s *Sender) offered(ctx context.Context, sending Sending) (map[string]Offered, error) {
	found := map[string]Offered{}
	if s.Files == nil {
		return found, nil
	}
	files, err := s.Files.Offered(ctx, sending)
	for _, f := range files {
		found[f.ID] = f
	}
	return found, err
}

// admissible names everything that keeps files from being sent to a model that
// sees, or doesn't. That one isn't ready yet is told last: it passes.
func admissible(ids []string, offered map[string]Offered, sees bool) error {
	var c problem.Check
	waiting := false
	for i, name := range ids {
		f, ok := offered[name]
		switch {
		case !ok || f.Status == file.Deleted:
			fault(&c, attachment(i), errUnknownFile)
		case f.Status == file.Rejected:
			fault(&c, attachment(i), errRejected)
		case f.Status != file.Ready:
			waiting = true
		case f.Kind == file.Image && !sees:
			fault(&c, attachment(i), errBlind)
		}
	}
	if err := c.Err(); err != nil || !waiting {
		return err
	}
	return file.ErrNotReady.After(time.Second)
}

// recall answers a sending whose files stand in its way: if its key was accepted
// before, they don't.
func (s *Sender) recall(ctx context.Context, sending Sending, why error) (Refusal, error) {
	if sending.Key == "" || problem.Retryable(why) {
		return Refusal{}, why
	}
	sending.Shed = true
	refusal, err := s.Store.Accept(ctx, sending)
	if err == nil && refusal.Known == nil {
		err = why
	}
	return refusal, err
}

// recollect finds out what the files of a question are that was accepted before
// with all of them. One that is gone since leaves its place.
func (s *Sender) recollect(ctx context.Context, sending *Sending) error {
	if len(sending.Files) == 0 || len(sending.Question.Attachments) == len(sending.Files) {
		return nil // there are none, or they are known
	}
	offered, err := s.offered(ctx, *sending)
	if err != nil {
		return err
	}
	sending.Question.Attachments, sending.Attach = nil, nil
	for _, name := range sending.Files {
		a := file.Attachment{ID: name, Name: gone, Kind: file.Other}
		if f, ok := offered[name]; ok {
			a = f.Attachment()
		}
		sending.Question.Attachments = append(sending.Question.Attachments, a)
	}
	return nil
}

// blind names the images among files, which a model that doesn't see can't be sent.
func blind(files []file.Attachment) error {
	var c problem.Check
	for i, a := range files {
		if a.Kind == file.Image {
			fault(&c, attachment(i), errBlind)
		}
	}
	return c.Err()
}

func errDialogueFull() error {
	e := *file.ErrDialogueFull
	e.Fields = []problem.Field{{Field: "attachments", Code: e.Code, Detail: e.Message}}
	return &e
}
