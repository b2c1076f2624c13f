package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"parley/shared/file"
)

// Files returns a page of the user's files, newest first. A limit of zero leaves
// it to the server.
func (c *Client) Files(ctx context.Context, limit int, cursor string) (Page[file.File], error) {
	var p Page[file.File]
	err := c.call(ctx, request{method: http.MethodGet, path: "/v1/files" + page(limit, cursor), again: true}, &p)
	return p, err
}

// File returns one file.
func (c *Client) File(ctx context.Context, id string) (file.File, error) {
	var f file.File
	err := c.call(ctx, request{method: http.MethodGet, path: filePath(id), again: true}, &f)
	return f, err
}

// DeleteFile removes a file with its bytes. Messages go on showing its name.
func (c *Client) DeleteFile(ctx context.Context, id string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: filePath(id), again: true}, nil)
}

// Rejected is the error of a file that arrived and is refused for what it is.
type Rejected struct{ File file.File }

// Error is the server's sentence.
func (e *Rejected) Error() string {
	if e.File.Reason == nil || e.File.Reason.Detail == "" {
		return "The file was rejected."
	}
	return e.File.Reason.Detail
}

// Pauses between two looks at a file that is processed: the first, which is what
// a small one takes, and the longest.
const (
	firstLook   = 200 * time.Millisecond
	longestLook = 3 * time.Second
)

// Await returns a file once it is ready; *Rejected if it never will be. Whenever
// its stage changes it is reported.
func (c *Client) Await(ctx context.Context, id string, report func(file.File)) (file.File, error) {
	stage := file.Stage("unknown")
	for pause := firstLook; ; pause = min(pause*3/2, longestLook) {
		f, err := c.File(ctx, id)
		switch {
		case err != nil:
			return f, err
		case f.Status == file.Ready:
			return f, nil
		case f.Status == file.Rejected:
			return f, &Rejected{File: f}
		}
		if f.Stage != stage && report != nil {
			report(f)
		}
		stage = f.Stage
		if err := sleep(ctx, pause); err != nil {
			return f, err
		}
	}
}

func filePath(id string) string { return "/v1/files/" + url.PathEscape(id) }

func uploadPath(id string) string { return "/v1/uploads/" + url.PathEscape(id) }
