//go:build service

package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/file"
	"parley/shared/ingest"
)

// processSteps returns the names of the calls to AWS that undisturbed processing
// makes.
func (m *mill) processSteps(t *testing.T, u upload) []string {
	t.Helper()
	e := m.start(t)
	m.Recorder.Reset(nil)
	if done, err := deliver(t.Context(), e, u.event); err != nil || !done {
		t.Fatalf("processed %v, %v", done, err)
	}
	calls, err := m.Recorder.Calls()
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	var names []string
	for _, c := range calls {
		names = append(names, c.Name())
	}
	return names
}

// killProcessing delivers u's event to an environment that dies at that stage of
// that call.
func (m *mill) killProcessing(t *testing.T, u upload, step string, at ledger.Stage) {
	t.Helper()
	e := m.start(t)
	defer e.Close()
	m.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool {
		if s == at && c.Name() == step {
			e.Kill()
			return false
		}
		return true
	})
	defer m.Recorder.Reset(nil)
	_, err := deliver(t.Context(), e, u.event)
	m.Recorder.Settle()
	if !errors.Is(err, runtimeapi.ErrDied) {
		t.Fatalf("the function was to die, but answered: %v", err)
	}
}

// TestKillProcessing kills the function before and after each of its calls to AWS,
// and delivers the event again: one blob, counted once, and nothing left over. Some
// bytes are new, and some others have, too.
func TestKillProcessing(t *testing.T) {
	m := newMill(t)
	shared, owners := lines(1000), 1
	m.settle(t, m.upload(t, "shared.txt", shared))
	for _, c := range []struct {
		kind, name string
		body       func() []byte
		want       func(*testing.T, upload)
	}{
		{"new text", "a.txt", func() []byte { return lines(1000) }, m.wantText},
		{"known text", "b.txt", func() []byte { owners++; return shared }, m.wantText},
		{"image", "c.png", func() []byte { return picture(t) }, m.wantImage},
	} {
		steps := m.processSteps(t, m.upload(t, c.name, c.body()))
		t.Logf("%s: %q", c.kind, steps)
		for _, step := range steps {
			for stage, at := range stages {
				t.Run(fmt.Sprintf("%s/%s %s", c.kind, stage, step), func(t *testing.T) {
					u, references := m.upload(t, c.name, c.body()), 1
					if u.SHA256 == hexSum(shared) {
						references = owners
					}
					m.killProcessing(t, u, step, at)
					m.settle(t, u)
					c.want(t, u)
					m.wantStored(t, u, references)
				})
			}
		}
	}
}

// TestKillWhileTheChildRuns kills the function while its child reads: the child goes
// with it, its temporary files with the next process, and the file becomes ready.
func TestKillWhileTheChildRuns(t *testing.T) {
	m := newMill(t)
	u := m.upload(t, "long.txt", lines(4<<20))
	tmp := t.TempDir()
	e := m.start(t, "TMPDIR="+tmp)
	answered := make(chan error, 1)
	go func() {
		_, err := deliver(context.WithoutCancel(t.Context()), e, u.event)
		answered <- err
	}()
	m.catch(t, syscall.SIGSTOP)
	e.Kill()
	if err := <-answered; !errors.Is(err, runtimeapi.ErrDied) {
		t.Fatalf("the function was to die, but answered: %v", err)
	}
	eventually(t, "the child has ended", func() bool { return len(m.children(t)) == 0 })
	if left := rooms(t, tmp); len(left) != 1 {
		t.Errorf("left by the dead: %q", left)
	}
	again := m.start(t, "TMPDIR="+tmp)
	if left := rooms(t, tmp); len(left) != 0 {
		t.Errorf("left for the living: %q", left)
	}
	if done, err := deliver(t.Context(), again, u.event); err != nil || !done {
		t.Fatalf("processed %v, %v", done, err)
	}
	m.wantText(t, u)
	m.wantStored(t, u, 1)
	if left := rooms(t, tmp); len(left) != 0 {
		t.Errorf("left after all: %q", left)
	}
}

// TestAChildThatIsKilledIsTheFilesFailure kills the child alone.
func TestAChildThatIsKilledIsTheFilesFailure(t *testing.T) {
	m := newMill(t)
	u := m.upload(t, "long.txt", lines(4<<20))
	e := m.start(t)
	answered := make(chan error, 1)
	go func() {
		done, err := deliver(context.WithoutCancel(t.Context()), e, u.event)
		if err == nil && !done {
			err = errors.New("the event comes again")
		}
		answered <- err
	}()
	m.catch(t, syscall.SIGKILL)
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	f := m.file(t, u)
	if f.Status != file.Ready || f.Note == nil || f.Kind != file.Other {
		t.Errorf("the file is %+v", f)
	}
	m.wantStored(t, u, 1)
}

// catch waits for a child and signals it.
func (m *mill) catch(t *testing.T, s syscall.Signal) {
	t.Helper()
	eventually(t, "a child runs", func() bool {
		pids := m.children(t)
		return len(pids) == 1 && syscall.Kill(pids[0], s) == nil
	})
}

// rooms returns the files in the folders for temporary files under tmp.
func rooms(t *testing.T, tmp string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(tmp, "parley-room-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it isn't so that %s", what)
		}
		time.Sleep(500 * time.Microsecond) // it polls another process
	}
}

// TestTwoProcessTheSameEvent has two environments work on one event side by side.
func TestTwoProcessTheSameEvent(t *testing.T) {
	m := newMill(t)
	one, two := m.start(t), m.start(t)
	for range 5 {
		u := m.upload(t, "a.txt", lines(1000))
		var wg sync.WaitGroup
		for _, e := range []*runtimeapi.Environment{one, two} {
			wg.Go(func() {
				if _, err := deliver(t.Context(), e, u.event); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		m.settle(t, u)
		m.wantText(t, u)
		if got := m.references(t, u.SHA256); got != 1 {
			t.Errorf("%d files count at the blob", got)
		}
		if got := m.versions(t, "incoming/"+u.User); len(got) != 0 {
			t.Errorf("where the bytes arrived: %q", got)
		}
		// Two copies at once may both find no blob; only AWS knows the condition
		// that keeps the second one out. They are the same bytes.
		if got := m.versions(t, "blobs/"+u.SHA256); len(got) < 1 || len(got) > 2 {
			t.Errorf("versions of the blob: %q", got)
		}
	}
}

// TestTwoUsersOneBlobOneDeletes has two users' equal files processed side by side
// while one of them deletes theirs. The other's stays whole; in the end, without
// either, nothing stays.
func TestTwoUsersOneBlobOneDeletes(t *testing.T) {
	m := newMill(t)
	remover := &file.Remover{Files: m.rows, Graves: m.rows, Estates: m.rows, Bytes: m.bucket}
	later := *m.rows // when nobody can be at a file any more that was deleted while it was processed
	later.Now = func() time.Time { return time.Now().Add(file.Settle + time.Second) }
	lateRemover := &file.Remover{Files: &later, Graves: &later, Estates: &later, Bytes: m.bucket}
	drop := func(u upload) {
		if _, err := m.rows.Delete(t.Context(), u.User, u.ID); err != nil {
			t.Error(err)
		}
		if err := remover.File(t.Context(), u.User, u.ID, u.SHA256); err != nil {
			t.Logf("removed later: %v", err) // a job of the queue comes again
		}
	}
	one, two := m.start(t), m.start(t)
	for n := range 10 {
		body := lines(1000)
		stays, goes := m.upload(t, "stays.txt", body), m.upload(t, "goes.txt", body)
		var wg sync.WaitGroup
		wg.Go(func() { deliver(t.Context(), one, stays.event) })
		wg.Go(func() { deliver(t.Context(), two, goes.event) })
		wg.Go(func() {
			time.Sleep(time.Duration(n) * 10 * time.Millisecond) // the deletion comes at another moment each time
			drop(goes)
		})
		wg.Wait()
		m.settle(t, stays)
		m.wantText(t, stays)
		eventually(t, "the deleted one is gone", func() bool {
			return lateRemover.File(t.Context(), goes.User, goes.ID, goes.SHA256) == nil
		})
		e := m.start(t)
		if done, err := deliver(t.Context(), e, goes.event); err != nil || !done {
			t.Errorf("the event of the deleted one: %v, %v", done, err)
		}
		e.Close()
		if got := m.references(t, stays.SHA256); got != 1 {
			t.Errorf("%d files count at the blob", got)
		}
		if _, err := m.bucket.Text(t.Context(), stays.SHA256, "text/plain"); err != nil {
			t.Errorf("the text of the one that stays: %v", err)
		}
		drop(stays)
		eventually(t, "the other one is gone", func() bool {
			return lateRemover.File(t.Context(), stays.User, stays.ID, stays.SHA256) == nil
		})
		if got := m.versions(t, ""); len(got) != 0 || m.references(t, stays.SHA256) != -1 {
			t.Errorf("without either there are %q", got)
		}
	}
}

// TestStorageAwayAndBack takes S3 away for more deliveries than there are tries; then
// processing catches up.
func TestStorageAwayAndBack(t *testing.T) {
	m := newMill(t)
	upstream, err := url.Parse(m.Recorder.URL())
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	proxy.FlushInterval = -1
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler) // closes the connection, as a server that has died does
		}
		proxy.ServeHTTP(w, r)
	}))
	defer s3.Close()
	e := m.start(t, "AWS_ENDPOINT_URL_S3="+s3.URL)
	u := m.upload(t, "a.txt", lines(1000))
	away.Store(true)
	for range ingest.MaxTries + 1 {
		if done, err := deliver(t.Context(), e, u.event); err != nil || done {
			t.Fatalf("without storage: acknowledged %v, %v", done, err)
		}
	}
	if f := m.file(t, u); f.Status != file.Processing || f.Tries > 1 {
		t.Errorf("without storage the file is %s after %d tries", f.Status, f.Tries)
	}
	away.Store(false)
	if done, err := deliver(t.Context(), e, u.event); err != nil || !done {
		t.Fatalf("with storage: acknowledged %v, %v", done, err)
	}
	m.wantText(t, u)
	m.wantStored(t, u, 1)
	if !strings.Contains(m.log.String(), "storage_unavailable") {
		t.Error("the log doesn't say that the storage was away")
	}
}

// TestVerdicts has the scanner say all that it may, at first nothing and then that it failed.
func TestVerdicts(t *testing.T) {
	m := newMill(t)
	e := m.start(t, "MALWARE_SCAN=guardduty")
	for tag, want := range map[string]file.File{
		"NO_THREATS_FOUND": {Status: file.Ready, Malware: file.Clean},
		"UNSUPPORTED":      {Status: file.Ready, Malware: file.Unsupported},
		"THREATS_FOUND":    {Status: file.Rejected, Reason: &file.Remark{Code: "malware"}},
	} {
		u := m.upload(t, "a.txt", lines(1000))
		for range ingest.MaxTries + 1 {
			if done, err := deliver(t.Context(), e, u.event); err != nil || done {
				t.Fatalf("without a verdict: acknowledged %v, %v", done, err)
			}
			if f := m.file(t, u); f.Status != file.Processing || f.Stage != file.Scan {
				t.Errorf("without a verdict the file is %s at stage %s", f.Status, f.Stage)
			}
		}
		m.mark(t, u, "FAILED")
		if done, err := deliver(t.Context(), e, u.event); err != nil || done || len(m.versions(t, "incoming/"+u.User)) != 1 {
			t.Errorf("a scanner that has failed: acknowledged %v, %v, or bytes are gone", done, err)
		}
		m.mark(t, u, tag)
		if done, err := deliver(t.Context(), e, u.event); err != nil || !done {
			t.Fatalf("with verdict %s: acknowledged %v, %v", tag, done, err)
		}
		f := m.file(t, u)
		if f.Status != want.Status || f.Malware != want.Malware || f.Status == file.Rejected && f.Reason.Code != want.Reason.Code {
			t.Errorf("%s: the file is %s, %q, reason %+v", tag, f.Status, f.Malware, f.Reason)
		}
		if left := m.versions(t, "incoming/"+u.User); len(left) != 0 {
			t.Errorf("%s: where the bytes arrived: %q", tag, left)
		}
		if blob := m.versions(t, "blobs/"+u.SHA256); len(blob) == 1 != (want.Status == file.Ready) {
			t.Errorf("%s: the blob has %d versions", tag, len(blob))
		}
	}
}

// TestWrongBytes sends other bytes than were stated.
func TestWrongBytes(t *testing.T) {
	m := newMill(t)
	e := m.start(t)
	for want, state := range map[string]func(*file.File){
		"hash_mismatch": func(f *file.File) { f.SHA256 = hexSum([]byte(f.ID)) },
		"size_mismatch": func(f *file.File) { f.Size++ },
	} {
		u := m.upload(t, "a.txt", lines(1000), state)
		if done, err := deliver(t.Context(), e, u.event); err != nil || !done {
			t.Fatalf("%s: acknowledged %v, %v", want, done, err)
		}
		if f := m.file(t, u); f.Status != file.Rejected || f.Reason.Code != want {
			t.Errorf("the file is %s, reason %+v, want %s", f.Status, f.Reason, want)
		}
		if used, err := m.rows.Used(t.Context(), u.User); err != nil || used != 0 {
			t.Errorf("a rejected file takes %d bytes (%v)", used, err)
		}
		if got := m.versions(t, "incoming/"+u.User); len(got) != 0 || m.references(t, u.SHA256) != -1 {
			t.Errorf("where the bytes arrived: %q", got)
		}
	}
}

// TestAFullDiskIsToldAndTriedAgain gives the function a disk of one megabyte.
func TestAFullDiskIsToldAndTriedAgain(t *testing.T) {
	m := newMill(t)
	small := filepath.Join(t.TempDir(), "small")
	if err := errors.Join(os.Mkdir(small, 0o700), syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m")); err != nil {
		t.Skipf("this needs the right to mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, 0) })
	u := m.upload(t, "large.txt", lines(3<<20))
	e := m.start(t, "TMPDIR="+small)
	for range ingest.MaxTries + 1 {
		if done, err := deliver(t.Context(), e, u.event); err != nil || done {
			t.Fatalf("on a full disk: acknowledged %v, %v", done, err)
		}
	}
	if !strings.Contains(m.log.String(), "no space left on device") {
		t.Error("the log doesn't say that the disk is full")
	}
	e.Close()
	m.settle(t, u)
	m.wantText(t, u)
	m.wantStored(t, u, 1)
}

// TestProcessingLosesAnAnswer loses the answer of each call once: the function tries
// again by itself, and nothing is done twice.
func TestProcessingLosesAnAnswer(t *testing.T) {
	m := newMill(t)
	steps := m.processSteps(t, m.upload(t, "a.txt", lines(1000)))
	slices.Sort(steps)
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			u := m.upload(t, "b.txt", lines(1000))
			e := m.start(t)
			m.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool { return s == ledger.Before || c.Name() != step })
			_, err := deliver(t.Context(), e, u.event)
			e.Close()
			m.Recorder.Reset(nil)
			if err != nil {
				t.Fatal(err)
			}
			m.settle(t, u)
			m.wantText(t, u)
			if got := m.references(t, u.SHA256); got != 1 {
				t.Errorf("%d files count at the blob", got)
			}
		})
	}
}
