package client

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/shared/file"
)

const (
	sideBySide = 4 // parts that are sent at once
	partTries  = 8 // how often a part is sent: the pauses add up to half a minute
	maxRefusal = 64 << 10
)

// transfer is the way of an upload's bytes into the storage.
type transfer struct {
	client *Client
	upload Upload
	id     string
	size   int64 // bytes of a part
	report func(Progress)

	turn    sync.Mutex // who fetches fresh URLs
	mu      sync.Mutex
	missing map[int]part
	fetched time.Time // when their URLs were made
	round   int       // how often
	done    int64     // bytes that are there or on their way
	brought int64     // bytes of the parts that were brought to their end
}

func newTransfer(c *Client, u Upload, state transferState, report func(Progress)) *transfer {
	t := &transfer{client: c, upload: u, id: state.File, size: state.PartSize, report: report}
	if t.size <= 0 {
		t.size = file.PartSize
	}
	t.set(state)
	return t
}

// set takes over what the server says is missing.
func (t *transfer) set(state transferState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing = map[int]part{}
	if state.Status == file.Uploading {
		for _, p := range state.Parts {
			t.missing[p.Number] = p
		}
	}
	t.fetched = time.Now()
	t.round++
}

// send brings every missing part, some side by side.
func (t *transfer) send(ctx context.Context) error {
	var group *errgroup.Group
	group, ctx = errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, n := range t.start() {
		group.Go(func() error { return t.bring(ctx, n) })
	}
	return group.Wait()
}

// start lists the missing parts in order and says what is there already.
func (t *transfer) start() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []int
	t.done = t.upload.Size
	for n := 1; int64(n-1)*t.size < t.upload.Size; n++ {
		if _, ok := t.missing[n]; ok {
			all = append(all, n)
			t.done -= t.section(n).Size()
		}
	}
	t.tell()
	return all
}

// tell reports; the caller holds the lock.
func (t *transfer) tell() {
	t.report(Progress{Step: Sending, Done: t.done, Total: t.upload.Size})
}

func (t *transfer) moved(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done += n
	t.tell()
}

func (t *transfer) section(n int) *io.SectionReader {
	at := int64(n-1) * t.size
	return io.NewSectionReader(t.upload.Content, at, min(t.size, t.upload.Size-at))
}

// bring sends one part until it has arrived.
func (t *transfer) bring(ctx context.Context, n int) error {
	pause := t.client.pause
	for try := 1; ; try++ {
		err := t.attempt(ctx, n)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !mayArrive(err) || try == partTries:
			return err
		}
		if sleep(ctx, pause/2+rand.N(pause)) != nil {
			return ctx.Err()
		}
		pause *= 2
	}
}

// attempt sends a part once, unless it has arrived after all. A URL that is too old,
// or that the storage refuses, is replaced.
func (t *transfer) attempt(ctx context.Context, n int) error {
	p, round, fresh := t.target(n)
	if !fresh {
		if err := t.renew(ctx, round); err != nil {
			return err
		}
		p, round, _ = t.target(n)
	}
	if p.URL == "" {
		return nil
	}
	err := t.put(ctx, p)
	if err == nil {
		t.arrived(n)
		return nil
	}
	if refusedURL(err) {
		if err := t.renew(ctx, round); err != nil {
			return err
		}
	}
	return err
}

func (t *transfer) arrived(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.missing, n)
	t.brought += t.section(n).Size()
}

// target is where a part goes; without a URL when it isn't missing.
func (t *transfer) target(n int) (p part, round int, fresh bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missing[n], t.round, time.Since(t.fetched) < urlLife
}

// renew fetches URLs in the place of those of that round, once for all who ask.
func (t *transfer) renew(ctx context.Context, round int) error {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.mu.Lock()
	now := t.round
	t.mu.Unlock()
	if now != round {
		return nil
	}
	state, err := t.client.state(ctx, t.id)
	if err == nil {
		t.set(state)
	}
	return err
}

var errStalled = errors.New("the connection stands still")

// put sends a part once. The URL carries the right to do so, so no token goes
// along.
func (t *transfer) put(ctx context.Context, p part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errStalled) })
	defer watch.Stop()
	body := &sent{section: t.section(p.Number), watch: watch, moved: t.moved}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, body)
	if err != nil {
		return fmt.Errorf("the address of a part is not a URL: %w", err)
	}
	req.ContentLength = body.section.Size()
	for name, value := range p.Headers {
		req.Header.Set(name, value)
	}
	res, err := t.client.storage.Do(req)
	if err == nil {
		err = verdict(res)
	}
	n, broken := body.end()
	if err == nil {
		return nil
	}
	t.moved(-n)
	return cmp.Or(broken, err)
}

// verdict reads the storage's answer. That there is something already means that
// an earlier try arrived, whose answer was lost.
func verdict(res *http.Response) error {
	defer res.Body.Close()
	if res.StatusCode/100 == 2 || res.StatusCode == http.StatusPreconditionFailed {
		return nil
	}
	return storageError(res)
}

// StorageError is what the storage answered instead of a result.
type StorageError struct {
	Status int    // of HTTP
	Code   string // S3's word, "AccessDenied" for instance
}

// Error says that the storage refused, and why.
func (e *StorageError) Error() string {
	if e.Code == "BadDigest" || e.Code == "XAmzContentChecksumMismatch" || e.Code == "XAmzContentSHA256Mismatch" {
		return "the bytes that arrived are not those that were hashed: has the file changed?"
	}
	return fmt.Sprintf("the storage refused it (%d %s)", e.Status, e.Code)
}

func storageError(res *http.Response) error {
	var doc struct {
		Code string `xml:"Code"`
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal)) // half a document is no document
	if xml.Unmarshal(body, &doc) != nil || doc.Code == "" {
		doc.Code = http.StatusText(res.StatusCode)
	}
	return &StorageError{Status: res.StatusCode, Code: doc.Code}
}

// mayArrive tells whether the same bytes may be taken later. A URL that has run
// out is replaced; bytes may have been garbled on their way.
func mayArrive(err error) bool {
	if _, final := errors.AsType[*Error](err); final || errors.Is(err, errChanged) || errors.Is(err, errUnreadable) {
		return false
	}
	e, answered := errors.AsType[*StorageError](err)
	if !answered || e.Status >= 500 || refusedURL(err) {
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return false
}

// refusedURL tells whether another URL might help. One whose upload was given up
// is unknown to the storage; the server says so then.
func refusedURL(err error) bool {
	e, ok := errors.AsType[*StorageError](err)
	return ok && (e.Status == http.StatusForbidden || e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound)
}

// sent is a part on its way. The transport may go on reading after it has given
// up, so what it reads then doesn't count.
type sent struct {
	watch *time.Timer // put back whenever bytes go out
	moved func(int64)

	mu      sync.Mutex
	section *io.SectionReader
	n       int64
	broken  error // why the source could not be read
	over    bool
}

// Read implements io.Reader.
func (s *sent) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, io.ErrClosedPipe
	}
	n, err := s.section.Read(p)
	s.n += int64(n)
	s.moved(int64(n))
	s.watch.Reset(silence)
	switch {
	case err == io.EOF && s.n < s.section.Size():
		s.broken = errChanged
	case err != nil && err != io.EOF:
		s.broken = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return n, err
}

// Close implements io.Closer; the part is read again if it has to be.
func (*sent) Close() error { return nil }

// end returns how much was read, and what was wrong with the source.
func (s *sent) end() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.n, s.broken
}
