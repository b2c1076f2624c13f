package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/passage"
)

// world is a table, a bucket and a reader in memory. Each call passes step, which may
// fail before or after it.
type world struct {
	t     *testing.T
	sum   string                // of the bytes
	rows  map[string]*file.File // by user/id
	sent  map[string][]byte     // by key@version
	tags  map[string]string     // by key@version
	refs  map[string]int        // by hash
	kept  map[string][]byte     // by hash, and hash/what
	spied []file.Stage          // stages in the order of their beginning
	now   time.Time
	calls int
	fail  func(call int, name string, after bool) error
	body  func(io.Reader) io.Reader // what the connection makes of it
	found Reading
}

const (
	user, id = "01KC3WJ9S2Q9N5X5Y2GZ0T8R4M", "01KC3WK0V7F1Q3C8B6D2ZJ5N9H"
	key      = user + "/" + id
	version  = "v1"
)

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// newWorld has one file whose bytes have arrived.
func newWorld(t *testing.T, bytes []byte) *world {
	w := &world{t: t, sum: hash(bytes), sent: map[string][]byte{key + "@" + version: bytes}, tags: map[string]string{}, refs: map[string]int{}, kept: map[string][]byte{}, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	w.rows = map[string]*file.File{key: {User: user, ID: id, Name: "fox.txt", ContentType: "text/x-stated", Size: int64(len(bytes)), SHA256: hash(bytes), Status: file.Uploading}}
	text := passage.Document{Version: passage.Version, Characters: 3, Passages: []passage.Passage{{Line: 1, Text: "fox"}}}
	w.found = Reading{ContentType: "text/plain", Kind: file.Text, Document: &text, Thumbnail: []byte("t"), Picture: []byte("p"), PictureType: "image/png"}
	return w
}

func (w *world) arrival() Arrival { return Arrival{Key: key, Version: version} }

func (w *world) processor() *Processor {
	return &Processor{Files: w, Counts: w, Incoming: w, Blobs: w, Reader: w, Room: &Room{Path: w.t.TempDir()},
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
}

func (w *world) step(name string, do func() error) error {
	w.calls++
	call := w.calls
	if w.fail != nil {
		if err := w.fail(call, name, false); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if w.fail != nil {
		return w.fail(call, name, true)
	}
	return nil
}

// row runs do on a file that is being processed.
func (w *world) row(name string, f file.File, do func(*file.File) error) error {
	return w.step(name, func() error {
		r := w.rows[f.User+"/"+f.ID]
		if r == nil || r.Status != file.Processing {
			return file.ErrGone
		}
		return do(r)
	})
}

func (w *world) Arrived(_ context.Context, u, i, v string) (f file.File, err error) {
	err = w.step("Arrived", func() error {
		r := w.rows[u+"/"+i]
		if r == nil || r.Status == file.Deleted {
			return file.ErrNoFile
		}
		if r.Status == file.Uploading {
			r.Status, r.Version = file.Processing, v
		}
		f = *r
		return nil
	})
	return f, err
}

func (w *world) Begin(_ context.Context, f file.File, s file.Stage) (out file.File, err error) {
	err = w.row("Begin", f, func(r *file.File) error {
		if r.Stage != "" && r.Stage != s && r.Stage != f.Stage {
			return file.ErrGone
		}
		if r.Stage != s {
			r.Stage, r.Tries = s, 0
			w.spied = append(w.spied, s)
		}
		r.Tries++
		r.Begun, r.Malware = w.now, f.Malware
		out = *r
		return nil
	})
	return out, err
}

func (w *world) Spare(_ context.Context, f file.File) error {
	return w.row("Spare", f, func(r *file.File) error { r.Tries--; return nil })
}

func (w *world) Ready(_ context.Context, f file.File) error {
	return w.row("Ready", f, func(r *file.File) error { *r = f; r.Status, r.Begun = file.Ready, time.Time{}; return nil })
}

func (w *world) Reject(_ context.Context, f file.File, why file.Remark) error {
	return w.row("Reject", f, func(r *file.File) error { r.Status, r.Reason = file.Rejected, &why; return nil })
}

func (w *world) Hold(_ context.Context, f file.File) error {
	return w.row("Hold", f, func(r *file.File) error {
		if !r.Stored {
			r.Stored = true
			w.refs[f.SHA256]++
		}
		return nil
	})
}

func (w *world) Sweep(_ context.Context, sha string) error {
	return w.step("Sweep", func() error {
		if w.refs[sha] == 0 {
			for _, k := range []string{sha, sha + "/text/plain", sha + "/pictures"} {
				delete(w.kept, k)
			}
		}
		return nil
	})
}

// remove is what a user's deletion does.
func (w *world) remove() {
	r := w.rows[key]
	if r == nil {
		return
	}
	if r.Stored {
		w.refs[r.SHA256]--
	}
	delete(w.rows, key)
	delete(w.sent, key+"@"+version)
	if w.refs[r.SHA256] == 0 {
		delete(w.kept, r.SHA256)
		delete(w.kept, r.SHA256+"/text/plain")
		delete(w.kept, r.SHA256+"/pictures")
	}
}

func (w *world) Owner(k string) (string, string, bool) { return user, id, k == key }

func (w *world) Open(_ context.Context, f file.File) (body io.ReadCloser, err error) {
	err = w.step("Open", func() error {
		b, ok := w.sent[key+"@"+f.Version]
		if !ok {
			return errors.New("no such version")
		}
		var r io.Reader = bytes.NewReader(b)
		if w.body != nil {
			r = w.body(r)
		}
		body = io.NopCloser(r)
		return nil
	})
	return body, err
}

func (w *world) Verdict(_ context.Context, f file.File) (tag string, err error) {
	return w.tags[key+"@"+f.Version], w.step("Verdict", func() error { return nil })
}

func (w *world) Drop(_ context.Context, k, v string) error {
	return w.step("Drop", func() error { delete(w.sent, k+"@"+v); return nil })
}

func (w *world) Copy(_ context.Context, f file.File) error {
	return w.step("Copy", func() error {
		if w.refs[f.SHA256] == 0 && w.rows[key] != nil {
			w.t.Error("copied without a count")
		}
		b, ok := w.sent[key+"@"+f.Version]
		if !ok {
			return errors.New("no such version")
		}
		w.kept[f.SHA256] = b
		return nil
	})
}

func (w *world) OpenBlob(_ context.Context, f file.File) (body io.ReadCloser, err error) {
	return io.NopCloser(bytes.NewReader(w.kept[f.SHA256])), w.step("OpenBlob", func() error { return nil })
}

func (w *world) Made(_ context.Context, f file.File) (whole bool, err error) {
	whole = w.kept[f.SHA256+"/"+f.ContentType] != nil && w.kept[f.SHA256+"/pictures"] != nil
	return whole, w.step("Made", func() error { return nil })
}

func (w *world) PutText(_ context.Context, sha, contentType string, text []byte) error {
	return w.step("PutText", func() error { w.kept[sha+"/"+contentType] = text; return nil })
}

func (w *world) PutPictures(_ context.Context, sha, contentType string, thumbnail, picture []byte) error {
	return w.step("PutPictures", func() error {
		w.kept[sha+"/pictures"] = []byte(contentType + string(thumbnail) + string(picture))
		return nil
	})
}

func (w *world) Read(_ context.Context, path, name, contentType string) (Reading, error) {
	said := "text/x-stated"
	if r := w.rows[key]; r != nil {
		said = r.ContentType
	}
	b, err := os.ReadFile(path)
	if err != nil || hash(b) != w.sum || name != "fox.txt" || contentType != said {
		w.t.Errorf("asked to read %d bytes of %q, %q: %v", len(b), name, contentType, err)
	}
	return w.found, w.step("Read", func() error { return nil })
}
