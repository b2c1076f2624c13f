package client

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"parley/shared/file"
)

// Upload is a file to be sent.
type Upload struct {
	Name        string
	ContentType string // empty: by name, else by content
	Size        int64  // bytes
	Content     io.ReaderAt
	Chat        string // the chat that it is for; its room is taken at once

	// Mark is what Keep was given when these bytes were sent before. It is void
	// when the bytes are others.
	Mark Mark
	// Keep is told how to go on, before the first byte is sent; nil: not wanted.
	Keep func(Mark) error
	// Progress is called by one goroutine at a time; nil: not wanted.
	Progress func(Progress)
}

// Mark is what an upload that was broken off, be it by the end of the process, is
// resumed by.
type Mark struct {
	File   string `json:"file_id"`
	SHA256 string `json:"sha256"`
}

// Step is what an upload does at the moment.
type Step string

// The steps, in their order.
const (
	Hashing    Step = "hashing"
	Sending    Step = "sending"
	Processing Step = "processing"
)

// Progress says how far an upload is.
type Progress struct {
	Step  Step
	Done  int64      // bytes that were hashed or sent; a part that has to be sent again is taken off
	Total int64      // bytes of the file
	Stage file.Stage // what is done with it, while it is processed
}

// Uploaded is a file that was sent, or that the user had already.
type Uploaded struct {
	file.File
	Deduplicated bool  // nothing had to be sent
	Sent         int64 // bytes of parts that this call has brought to their end
}

// transferState is the server's answer to the creation of an upload and to the
// question how it stands: the parts are those that have not arrived.
type transferState struct {
	File         string      `json:"file_id"`
	Status       file.Status `json:"status"`
	PartSize     int64       `json:"part_size"`
	Parts        []part      `json:"parts"`
	Deduplicated bool        `json:"deduplicated"`
}

// part is where a part goes to.
type part struct {
	Number  int               `json:"number"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// Upload sends a file and returns it once it is ready; *Rejected if it never will
// be. Parts go side by side, each is repeated until it has arrived, and an upload
// that was broken off goes on where it stopped. The bytes are read twice, once to
// hash them; neither time are they held as a whole.
//
// A call that fails may be repeated, by the Mark that was kept.
func (c *Client) Upload(ctx context.Context, u Upload) (Uploaded, error) {
	if u.Size > file.MaxSize { // nobody wants to wait for its hash
		return Uploaded{}, &Error{Status: http.StatusRequestEntityTooLarge, Code: file.ErrTooLarge.Code, Detail: file.ErrTooLarge.Message}
	}
	report := u.Progress
	if report == nil {
		report = func(Progress) {}
	}
	sum, err := hashAll(ctx, u.Content, u.Size, func(done int64) {
		report(Progress{Step: Hashing, Done: done, Total: u.Size})
	})
	if err != nil {
		return Uploaded{}, err
	}
	state, err := c.begin(ctx, u, sum)
	if err != nil {
		return Uploaded{}, err
	}
	out := Uploaded{Deduplicated: state.Deduplicated}
	if state.Status == file.Uploading {
		if out.Sent, err = c.bring(ctx, u, state, report); err != nil {
			return out, err
		}
	}
	out.File, err = c.Await(ctx, state.File, func(f file.File) {
		report(Progress{Step: Processing, Done: u.Size, Total: u.Size, Stage: f.Stage})
	})
	return out, err
}

// begin goes on with the upload that was marked, or makes a new one.
func (c *Client) begin(ctx context.Context, u Upload, sum sums) (transferState, error) {
	if u.Mark.File != "" && u.Mark.SHA256 == sum.whole {
		state, err := c.state(ctx, u.Mark.File)
		e, answered := errors.AsType[*Error](err)
		over := answered && e.Status == http.StatusNotFound || state.Status == file.Rejected
		if !over {
			return state, err
		}
	}
	state, err := c.create(ctx, u, sum)
	if err == nil && u.Keep != nil {
		err = u.Keep(Mark{File: state.File, SHA256: sum.whole})
	}
	return state, err
}

// create makes an upload. One whose answer is lost is left behind; the server
// forgets it after a day.
func (c *Client) create(ctx context.Context, u Upload, sum sums) (transferState, error) {
	in := map[string]any{
		"name": u.Name, "size": u.Size, "content_type": typeOf(u), "sha256": sum.whole, "parts_sha256": sum.parts,
	}
	if u.Chat != "" {
		in["chat_id"] = u.Chat
	}
	var state transferState
	err := c.call(ctx, request{method: http.MethodPost, path: "/v1/uploads", body: in, again: true}, &state)
	if err == nil && state.Status == "" {
		state.Status = file.Uploading
	}
	return state, err
}

// state asks what has arrived, for fresh URLs of what has not.
func (c *Client) state(ctx context.Context, id string) (transferState, error) {
	var state transferState
	err := c.call(ctx, request{method: http.MethodGet, path: uploadPath(id), again: true}, &state)
	return state, err
}

// completions is how often the server may find, when all parts were sent, that
// some are missing.
const completions = 3

// bring sends what is missing and completes the upload.
func (c *Client) bring(ctx context.Context, u Upload, state transferState, report func(Progress)) (int64, error) {
	t := newTransfer(c, u, state, report)
	for try := 1; ; try++ {
		if err := t.send(ctx); err != nil {
			return t.brought, err
		}
		err := c.complete(ctx, state.File)
		if !IsCode(err, "parts_missing") || try == completions {
			return t.brought, err
		}
		if err := t.renew(ctx, t.round); err != nil {
			return t.brought, err
		}
	}
}

func (c *Client) complete(ctx context.Context, id string) error {
	return c.call(ctx, request{method: http.MethodPost, path: uploadPath(id) + "/complete", body: struct{}{}, again: true}, nil)
}

// Abort gives an upload up, and with it the room that it takes.
func (c *Client) Abort(ctx context.Context, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: uploadPath(id), again: true}, nil)
}

// typeOf is what the sender says about the content; the server looks for itself.
func typeOf(u Upload) string {
	declared := u.ContentType
	if declared == "" {
		declared = mime.TypeByExtension(filepath.Ext(u.Name))
	}
	if declared == "" {
		begin := make([]byte, 512)
		n, _ := u.Content.ReadAt(begin, 0) // what can't be read is said when it is sent
		declared = http.DetectContentType(slices.Clip(begin[:n]))
	}
	media, _, err := mime.ParseMediaType(declared)
	if err != nil {
		return "application/octet-stream"
	}
	return media
}

// urlLife is how long a part's URL is used: a little less than it works.
const urlLife = file.URLLife - 10*time.Minute
