package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Download writes a file's bytes as they were sent to w and returns their number.
// A connection that breaks is taken up where it broke.
//
// The bytes come from another host, by a URL that carries the right to read them;
// the access token doesn't go there.
func (c *Client) Download(ctx context.Context, id string, w io.Writer) (int64, error) {
	d := download{client: c, path: filePath(id) + "/content", w: w}
	for drop := 0; ; drop++ {
		before := d.n
		err := d.connect(ctx)
		if err == nil || d.final || ctx.Err() != nil {
			return d.n, err
		}
		if d.n > before {
			drop = 0
		}
		if drop == drops {
			return d.n, err
		}
		if sleep(ctx, c.pause<<min(drop, 4)) != nil {
			return d.n, err
		}
	}
}

// download is the state that outlives a connection.
type download struct {
	client *Client
	path   string
	w      io.Writer
	n      int64 // bytes written
	final  bool  // another try won't help
}

// connect reads from where the last connection ended to where this one does.
func (d *download) connect(ctx context.Context) error {
	location, err := d.client.location(ctx, d.path)
	if err != nil {
		d.final = true // calls of the API are repeated by themselves
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errStalled) })
	defer watch.Stop()
	res, err := d.open(ctx, location)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := d.check(res); err != nil {
		return err
	}
	n, err := io.Copy(keeper{d}, &alive{r: res.Body, watch: watch})
	if err == nil && res.ContentLength >= 0 && n < res.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (d *download) open(ctx context.Context, location string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		d.final = true
		return nil, fmt.Errorf("the address of a file is not a URL: %w", err)
	}
	if d.n > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.n))
	}
	return d.client.storage.Do(req)
}

// check sees to it that what follows is what is still missing.
func (d *download) check(res *http.Response) error {
	switch {
	case res.StatusCode == http.StatusOK && d.n > 0:
		_, err := io.CopyN(io.Discard, res.Body, d.n)
		res.ContentLength = -1
		return err
	case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusPartialContent && d.n > 0:
		return nil
	}
	err := storageError(res)
	d.final = !mayArrive(err)
	return err
}

// keeper writes to the caller, whose failure is final.
type keeper struct{ d *download }

// Write implements io.Writer.
func (k keeper) Write(p []byte) (int, error) {
	n, err := k.d.w.Write(p)
	k.d.n += int64(n)
	k.d.final = k.d.final || err != nil
	return n, err
}

var errNoLocation = errors.New("no place is named to read the file from")

// location asks where a file's bytes can be read.
func (c *Client) location(ctx context.Context, path string) (string, error) {
	res, err := c.send(ctx, request{method: http.MethodGet, path: path, again: true})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	at, err := res.Location()
	if err != nil {
		return "", errNoLocation
	}
	return at.String(), nil
}
