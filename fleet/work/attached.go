package work

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"parley/fleet/prompt"
	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/problem"
)

// Files knows users' files.
type Files interface {
	Some(ctx context.Context, user string, ids []string) ([]file.File, error) // perhaps a moment old, without those that aren't there
	File(ctx context.Context, user, id string) (file.File, error)             // file.ErrNoFile
}

// Bounds of what is read for one prompt. Files that were sent before are named.
const (
	maxFiles      = 100     // newest files
	maxCharacters = 8 << 20 // of their texts in all
	cacheRoom     = 64 << 20
	atOnceRead    = 8 // contents
)

var errNoFiles = problem.New(problem.Unavailable, "no_files", "This worker has no access to files.")

// attached gets the files of a thread, beside the reading of its messages. Those of
// messages without files cost nothing.
type attached struct {
	*job
	ctx    context.Context
	asked  map[string]bool
	pages  errgroup.Group // of messages: their files' rows
	bodies errgroup.Group // texts and pictures
	before chan struct{}  // closed when the page before is through
	// The page that is let in has these.
	found    map[string]*prompt.File
	left     int // characters that may still be read
	pictures int // that may still be read
}

func (j *job) attached(ctx context.Context) *attached {
	a := &attached{job: j, ctx: ctx, asked: map[string]bool{}, found: map[string]*prompt.File{}, before: make(chan struct{}), left: maxCharacters}
	if j.sees() {
		a.pictures = prompt.MaxPictures
	}
	a.bodies.SetLimit(atOnceRead)
	close(a.before)
	return a
}

// want begins to get the files of messages, newest first. A reply's row names those
// of its thread, however far back they were sent.
func (a *attached) want(messages []chat.Message) {
	var ids []string
	add := func(id string) {
		if !a.asked[id] && len(a.asked) < maxFiles {
			a.asked[id] = true
			ids = append(ids, id)
		}
	}
	for _, m := range messages {
		for _, f := range slices.Backward(m.Attachments) {
			add(f.ID)
		}
		for _, id := range slices.Backward(m.Sent) {
			add(id)
		}
	}
	if len(ids) == 0 {
		return
	}
	before, done := a.before, make(chan struct{})
	a.before = done
	a.pages.Go(func() error {
		defer close(done)
		rows, err := a.rows(ids)
		<-before
		if err != nil {
			return err
		}
		for _, id := range ids { // in this order, so that each attempt leaves out the same
			if f, ok := rows[id]; ok {
				a.begin(f)
			}
		}
		return nil
	})
}

// rows reads files. One that seems not to be ready was so when it was sent, unless
// it is gone: the read may have been behind.
func (a *attached) rows(ids []string) (map[string]file.File, error) {
	if a.Files == nil || a.Contents == nil {
		return nil, errNoFiles
	}
	some, err := a.Files.Some(a.ctx, a.ref.User, ids)
	if err != nil {
		return nil, err
	}
	rows := map[string]file.File{}
	for _, f := range some {
		rows[f.ID] = f
	}
	for _, id := range ids {
		if rows[id].Status == file.Ready {
			continue
		}
		delete(rows, id)
		switch f, err := a.Files.File(a.ctx, a.ref.User, id); {
		case errors.Is(err, file.ErrNoFile):
		case err != nil:
			return nil, err
		case f.Status == file.Ready:
			rows[id] = f
		}
	}
	return rows, nil
}

// begin begins to get what a model gets of a file.
func (a *attached) begin(row file.File) {
	f := &prompt.File{File: row}
	a.found[row.ID] = f
	switch {
	case row.Kind == file.Image && a.pictures > 0:
		a.pictures--
		a.read(f)
	case row.Kind == file.Text && row.Characters <= a.left:
		a.left -= row.Characters
		a.read(f)
	case row.Kind == file.Image || row.Kind == file.Text:
		f.Skipped = true
	}
}

func (a *attached) read(f *prompt.File) {
	f.Skipped = false
	a.bodies.Go(func() error {
		got, err := a.contents.get(a.ctx, f.ContentType+" "+f.SHA256, func(ctx context.Context) (content, error) { return a.load(ctx, f.File) })
		f.Text, f.Picture = got.text, got.picture
		return err
	})
}

// sees reports whether the prompt's model takes pictures.
func (j *job) sees() bool { return j.Sees != nil && j.Sees(j.prompt.Model) }

// of waits for the files of a thread that were wanted; before are those that were
// sent before it begins.
func (a *attached) of(thread []chat.Message) (files map[string]prompt.File, before []string, err error) {
	if err := errors.Join(a.pages.Wait(), a.bodies.Wait()); err != nil {
		return nil, nil, err
	}
	a.siblings(thread)
	err = a.bodies.Wait()
	files = map[string]prompt.File{}
	all, before := sentIn(thread)
	for _, id := range all {
		switch found, ok := a.found[id]; {
		case ok:
			files[id] = *found
		case !a.asked[id]:
			files[id] = prompt.File{Skipped: true}
		}
	}
	return files, before, err
}

// sentIn returns the ids of the files of a thread, oldest first, and those of them
// that were sent before its first message.
func sentIn(thread []chat.Message) (all, before []string) {
	within := map[string]bool{}
	for _, m := range thread {
		for _, f := range m.Attachments {
			within[f.ID] = true
		}
	}
	known := map[string]bool{}
	add := func(id string) {
		if !known[id] {
			known[id] = true
			all = append(all, id)
			if !within[id] {
				before = append(before, id)
			}
		}
	}
	for _, m := range thread {
		for _, id := range m.Sent {
			add(id)
		}
		for _, f := range m.Attachments {
			add(f.ID)
		}
	}
	return all, before
}

// siblings reads the pictures of a thread that were left out for those of messages
// beside it.
func (a *attached) siblings(thread []chat.Message) {
	if a.pictures > 0 || !a.sees() {
		return
	}
	most := prompt.MaxPictures
	for _, m := range slices.Backward(thread) {
		for _, at := range slices.Backward(m.Attachments) {
			f, ok := a.found[at.ID]
			if !ok || f.Kind != file.Image || most == 0 {
				continue
			}
			if most--; f.Skipped {
				a.read(f)
			}
		}
	}
}
