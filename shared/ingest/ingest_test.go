package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/passage"
	"parley/shared/problem"
)

var fox = []byte("The quick brown fox jumps over the lazy dog.")

// do has a processor of its own do the world's arrival.
func (w *world) do() error {
	p := w.processor()
	err := p.Do(w.t.Context(), w.arrival())
	if left, _ := os.ReadDir(p.Room.Path); len(left) != 0 {
		w.t.Errorf("%d temporary files stay", len(left))
	}
	return err
}

// wantReady asserts that the file ended as it should.
func (w *world) wantReady() {
	w.t.Helper()
	f := w.rows[key]
	want := file.File{User: user, ID: id, Name: "fox.txt", ContentType: "text/plain", Size: int64(len(fox)), SHA256: hash(fox), Status: file.Ready, Stage: file.Read,
		Malware: file.NotScanned, Kind: file.Text, Characters: 3, Version: version, Stored: true, Tries: f.Tries}
	if diff := cmp.Diff(want, *f); diff != "" {
		w.t.Error(diff)
	}
	text, err := passage.Decode(w.kept[f.SHA256+"/text/plain"])
	if err != nil || text.Passages[0].Text != "fox" {
		w.t.Errorf("kept text %+v, %v", text, err)
	}
	if !bytes.Equal(w.kept[f.SHA256], fox) || string(w.kept[f.SHA256+"/pictures"]) != "image/pngtp" || w.refs[f.SHA256] != 1 {
		w.t.Errorf("kept %q, counted %v", w.kept, w.refs)
	}
	if len(w.sent) != 0 {
		w.t.Errorf("%d objects stay where they arrived", len(w.sent))
	}
}

func TestAFileBecomesReadyStageByStage(t *testing.T) {
	w := newWorld(t, fox)
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	w.wantReady()
	if diff := cmp.Diff([]file.Stage{file.Verify, file.Store, file.Read}, w.spied); diff != "" {
		t.Error(diff)
	}
}

// A storage that doesn't answer must not take the time that is needed to say so.
func TestTheLastSecondsAreForGivingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fox)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		p := w.processor()
		p.Incoming = silent{w}
		began := time.Now()
		err := p.Do(ctx, w.arrival())
		if took := time.Since(began); problem.From(err).Kind != problem.Unavailable || took > 5*time.Minute-reserve || ctx.Err() != nil {
			t.Errorf("%v after %v", err, took)
		}
		if f := w.rows[key]; f.Tries != 0 || f.Stage != file.Verify {
			t.Errorf("%d tries at stage %s", f.Tries, f.Stage)
		}
	})
}

// silent is a storage that takes a call and never answers.
type silent struct{ *world }

func (silent) Open(ctx context.Context, _ file.File) (io.ReadCloser, error) {
	<-ctx.Done()
	return nil, away("away", ctx.Err())
}

// A process may end before and after each of its calls. The next one goes on, and
// all ends as if nothing had been.
func TestWhereverAProcessEndsTheNextOneGoesOn(t *testing.T) {
	w := newWorld(t, fox)
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= w.calls; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d after %v", n, after), func(t *testing.T) {
				w := newWorld(t, fox)
				dead := errors.New("the process has ended")
				w.fail = func(call int, _ string, a bool) error {
					if call > n || call == n && a == after {
						return dead // and no call of this process comes after it
					}
					return nil
				}
				if err := w.do(); !errors.Is(err, dead) || !problem.Retryable(err) {
					t.Fatalf("error %v", err)
				}
				w.fail = nil
				if err := w.do(); err != nil {
					t.Fatal(err)
				}
				w.wantReady()
				if err := w.do(); err != nil {
					t.Errorf("an arrival that is delivered once more: %v", err)
				}
				w.wantReady()
			})
		}
	}
}

// An arrival may be delivered to two processes at once. Here the second one comes
// between two calls of the first, and gets as far as its own nth call.
func TestTwoAtOnceDoNoHarm(t *testing.T) {
	w := newWorld(t, fox)
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	for at := 1; at <= w.calls; at++ {
		for dies := 1; dies <= w.calls+1; dies++ {
			w := newWorld(t, fox)
			w.fail = func(call int, _ string, after bool) error {
				if call != at || after {
					return nil
				}
				w.calls, w.fail = 0, func(call int, _ string, _ bool) error {
					if call >= dies {
						return errors.New("the second process has ended")
					}
					return nil
				}
				err := w.do()
				if w.fail = nil; err == nil && w.rows[key].Status != file.Ready {
					t.Errorf("the second acknowledges at %s", w.rows[key].Status)
				}
				return nil
			}
			if err := w.do(); err != nil {
				if !problem.Retryable(err) {
					t.Errorf("the first fails for good: %v", err)
				}
				if err := w.do(); err != nil {
					t.Errorf("after both: %v", err)
				}
			}
			w.wantReady()
		}
	}
}

// A file may be deleted at any time, and the one who removes it may have looked
// before a late copy. In the end nothing is left.
func TestADeletedFileLeavesNothing(t *testing.T) {
	w := newWorld(t, fox)
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < w.calls; n++ { // after the last one there is a ready file
		for _, at := range []bool{false, true} {
			w := newWorld(t, fox)
			w.fail = func(call int, name string, after bool) error {
				if call == n && after == at && (name != "Ready" || !after) {
					w.remove()
				}
				return nil
			}
			if err := w.do(); err != nil {
				err = w.do() // what arrived was gone as well, which may also be somebody's fault
				if err != nil {
					t.Errorf("call %d: %v", n, err)
				}
			}
			ready := w.rows[key] != nil
			if !ready && (len(w.kept) != 0 || len(w.sent) != 0) {
				t.Errorf("deleted at call %d, after %v: kept %q, sent %q", n, at, w.kept, w.sent)
			}
		}
	}
}

func TestBytesThatAreNotWhatWasStatedAreRejected(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*file.File)
		code   string
	}{
		"other bytes": {func(f *file.File) { f.SHA256 = hash([]byte("other")) }, "hash_mismatch"},
		"too few":     {func(f *file.File) { f.Size++ }, "size_mismatch"},
		"too many":    {func(f *file.File) { f.Size-- }, "size_mismatch"},
		"none stated": {func(f *file.File) { f.Size = 0 }, "size_mismatch"},
	} {
		w := newWorld(t, fox)
		c.change(w.rows[key])
		if err := w.do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f := w.rows[key]
		if f.Status != file.Rejected || f.Reason.Code != c.code || len(w.kept) != 0 || len(w.refs) != 0 || len(w.sent) != 0 {
			t.Errorf("%s: %s, reason %+v; kept %q, sent %q", name, f.Status, f.Reason, w.kept, w.sent)
		}
	}
}

// What reads like an early end must not be taken for a file that is too short.
func TestABrokenConnectionIsNoReasonToReject(t *testing.T) {
	w := newWorld(t, bytes.Repeat(fox, 1<<16))
	w.found = Reading{ContentType: "text/plain", Kind: file.Text}
	w.body = func(r io.Reader) io.Reader {
		return io.MultiReader(io.LimitReader(r, 1<<20+17), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	for range 2 * MaxTries {
		if err := w.do(); problem.From(err).Kind != problem.Unavailable {
			t.Fatalf("error %v", err)
		}
	}
	w.body = nil
	if err := w.do(); err != nil || w.rows[key].Status != file.Ready {
		t.Errorf("afterwards: %v, %s", err, w.rows[key].Status)
	}
}

// Whatever is away, and for however long, costs no file.
func TestAnOutageIsOutlived(t *testing.T) {
	for _, part := range []string{"Open", "Hold", "Copy", "PutText", "PutPictures", "Drop", "Begin", "Ready", "Spare"} {
		w := newWorld(t, fox)
		w.fail = func(_ int, name string, after bool) error {
			if after != (part == "Ready") && name == part || part == "Spare" && name == "Open" {
				return problem.New(problem.Unavailable, "away", "…")
			}
			return nil
		}
		tries := 3 * MaxTries
		if part == "Begin" || part == "Spare" {
			tries = MaxTries // a count that can't be taken back counts
		}
		for range tries - 1 {
			if err := w.do(); !problem.Retryable(err) {
				t.Fatalf("%s: error %v", part, err)
			}
		}
		w.fail = nil
		if err := w.do(); err != nil {
			t.Errorf("%s: %v", part, err)
		}
		w.wantReady()
	}
}

func TestAFileThatBringsDownItsProcessIsGivenUp(t *testing.T) {
	for stage, dies := range map[file.Stage]string{file.Verify: "Open", file.Store: "Copy", file.Read: "Read"} {
		w := newWorld(t, fox)
		w.fail = func(_ int, name string, _ bool) error {
			if name == dies || name == "Spare" {
				return errors.New("the process has ended")
			}
			return nil
		}
		for range MaxTries {
			if err := w.do(); err == nil {
				t.Fatalf("%s: no error", stage)
			}
		}
		if err := w.do(); err != nil {
			t.Fatalf("%s: %v", stage, err)
		}
		f := w.rows[key]
		switch {
		case stage == file.Read && (f.Status != file.Ready || f.Note.Code != "unreadable" || f.Kind != file.Other || f.ContentType != unknownType || f.Malware != file.NotScanned):
			t.Errorf("%s: %+v", stage, f)
		case stage != file.Read && (f.Status != file.Rejected || f.Reason.Code != "processing_failed"):
			t.Errorf("%s: %+v", stage, f)
		}
		if len(w.sent) != 0 {
			t.Errorf("%s: what arrived stays", stage)
		}
	}
}

func TestStrayArrivalsOnlyRemoveTheirBytes(t *testing.T) {
	for name, set := range map[string]func(w *world, a *Arrival){
		"nobody's": func(w *world, a *Arrival) { a.Key = "incoming/else"; w.sent[a.Key+"@"+version] = fox },
		"no file":  func(w *world, a *Arrival) { delete(w.rows, key) },
		"deleted":  func(w *world, a *Arrival) { w.rows[key].Status = file.Deleted },
		"ready":    func(w *world, a *Arrival) { w.rows[key].Status, w.rows[key].Version = file.Ready, version },
		"rejected": func(w *world, a *Arrival) { w.rows[key].Status = file.Rejected },
		"again": func(w *world, a *Arrival) {
			a.Version = "v2"
			w.rows[key].Status, w.rows[key].Version = file.Processing, version
		},
		"again too": func(w *world, a *Arrival) {
			a.Version = "v2"
			w.rows[key].Status, w.rows[key].Version = file.Ready, version
		},
	} {
		w := newWorld(t, fox)
		a := w.arrival()
		w.sent[key+"@v2"] = []byte("other")
		set(w, &a)
		before := len(w.sent)
		if err := w.processor().Do(t.Context(), a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, there := w.sent[a.Key+"@"+a.Version]; there || len(w.sent) != before-1 {
			t.Errorf("%s: of %d objects %d stay, its own %v", name, before, len(w.sent), there)
		}
		if len(w.spied) != 0 || len(w.kept) != 0 {
			t.Errorf("%s: stages %v", name, w.spied)
		}
	}
}

func TestTheScannersVerdictDecides(t *testing.T) {
	for tag, want := range map[string]file.File{
		"NO_THREATS_FOUND": {Status: file.Ready, Malware: file.Clean},
		"UNSUPPORTED":      {Status: file.Ready, Malware: file.Unsupported},
		"THREATS_FOUND":    {Status: file.Rejected, Reason: &malware},
	} {
		w := newWorld(t, fox)
		w.tags[key+"@"+version] = tag
		p := w.processor()
		p.Scanner = true
		if err := p.Do(t.Context(), w.arrival()); err != nil {
			t.Fatal(err)
		}
		f := w.rows[key]
		if diff := cmp.Diff(want, file.File{Status: f.Status, Malware: f.Malware, Reason: f.Reason}); diff != "" {
			t.Errorf("%s: %s", tag, diff)
		}
		if f.Status == file.Rejected && (len(w.kept) != 0 || len(w.sent) != 0) {
			t.Errorf("%s: bytes stay", tag)
		}
	}
}

// wait has a scanned world look for a verdict until that comes, or doesn't.
func (w *world) wait(until func(waited time.Duration)) (looks int, waited time.Duration) {
	w.t.Helper()
	p, a := w.processor(), w.arrival()
	p.Scanner = true
	for began := w.now; ; looks++ {
		err := p.Do(w.t.Context(), a)
		if err == nil {
			return looks, w.now.Sub(began)
		}
		pause := Pause(err, looks+1)
		if !errors.Is(err, ErrPending) || !problem.Retryable(err) || pause < soonest || pause > latest {
			w.t.Fatalf("after %v: pause %v for %v", w.now.Sub(began), pause, err)
		}
		w.now = w.now.Add(pause)
		until(w.now.Sub(began))
	}
}

func TestTheScannerIsWaitedFor(t *testing.T) {
	w := newWorld(t, fox)
	looks, waited := w.wait(func(waited time.Duration) {
		if waited > 40*time.Second {
			w.tags[key+"@"+version] = noThreats
		}
	})
	if diff := cmp.Diff([]file.Stage{file.Verify, file.Scan, file.Store, file.Read}, w.spied); diff != "" {
		t.Error(diff)
	}
	if w.rows[key].Status != file.Ready || w.rows[key].Malware != file.Clean || waited > 70*time.Second || looks > 10 {
		t.Errorf("%s after %v and %d looks", w.rows[key].Status, waited, looks)
	}
	never := newWorld(t, fox)
	looks, waited = never.wait(func(time.Duration) {})
	if f := never.rows[key]; f.Status != file.Rejected || f.Reason.Code != "not_scanned" || waited < MaxScan || waited > MaxScan+latest || looks > 30 {
		t.Errorf("%s after %v and %d looks", f.Status, waited, looks)
	}
}

// A queue may have been long, and the bucket away, before the scanner was first asked
// and since: that is no lateness of its own.
func TestAnOutageMakesNoScannerLate(t *testing.T) {
	w := newWorld(t, fox)
	p, a := w.processor(), w.arrival()
	p.Scanner = true
	look := func(later time.Duration, bucket problem.Kind) {
		t.Helper()
		w.now = w.now.Add(later)
		w.fail = func(_ int, name string, _ bool) error {
			if name == "Verdict" && bucket != "" {
				return problem.New(bucket, "failing", "…")
			}
			return nil
		}
		err := p.Do(t.Context(), a)
		if !problem.Retryable(err) || errors.Is(err, ErrPending) != (bucket == "") || w.rows[key].Stage != file.Scan {
			t.Fatalf("%v, the file is %s at stage %s", err, w.rows[key].Status, w.rows[key].Stage)
		}
	}
	look(24*time.Hour, "")
	look(MaxScan, "")
	look(24*time.Hour, problem.Unavailable)
	look(MaxScan, problem.Unavailable)
	look(time.Minute, "")
	w.now = w.now.Add(MaxScan)
	if err := p.Do(t.Context(), a); err != nil || w.rows[key].Status != file.Rejected || w.rows[key].Reason.Code != "not_scanned" {
		t.Errorf("a scanner that is late: %v, the file is %s", err, w.rows[key].Status)
	}
}

// What a scanner says of itself is no reason to reject a file, however long it does.
func TestAScannerThatFailsCostsNoFile(t *testing.T) {
	for _, word := range []string{"FAILED", "ACCESS_DENIED", "SOMETHING_NEW"} {
		w := newWorld(t, fox)
		w.tags[key+"@"+version] = word
		p, a := w.processor(), w.arrival()
		p.Scanner = true
		for n := range 1000 {
			err := p.Do(t.Context(), a)
			if !problem.Retryable(err) || errors.Is(err, ErrPending) {
				t.Fatalf("%s: look %d: %v", word, n, err)
			}
			w.now = w.now.Add(Pause(err, n+1))
		}
		f := w.rows[key]
		if waited := w.now.Sub(f.Begun); f.Status != file.Processing || f.Stage != file.Scan || len(w.sent) != 1 || waited < 10*24*time.Hour {
			t.Errorf("%s: after %v the file is %s at stage %s, %d objects where it arrived", word, waited, f.Status, f.Stage, len(w.sent))
		}
		w.tags[key+"@"+version] = noThreats
		if err := p.Do(t.Context(), a); err != nil || f.Status != file.Ready || f.Malware != file.Clean {
			t.Errorf("%s: looked at again: %v, the file is %s, %q", word, err, f.Status, f.Malware)
		}
	}
}

// Bytes that have got lost while their verdict was waited for have none to come.
func TestALookThatAlwaysFailsEnds(t *testing.T) {
	w := newWorld(t, fox)
	p, a := w.processor(), w.arrival()
	p.Scanner = true
	for kind, want := range map[problem.Kind]file.Status{problem.Unavailable: file.Processing, problem.Internal: file.Rejected} {
		w.fail = func(_ int, name string, _ bool) error {
			if name == "Verdict" {
				return problem.New(kind, "failing", "…")
			}
			return nil
		}
		began := w.now
		for range 2 * MaxTries {
			if err := p.Do(t.Context(), a); !problem.Retryable(err) {
				t.Fatalf("%s: error %v", kind, err)
			}
		}
		w.now = began.Add(MaxScan + time.Second)
		err := p.Do(t.Context(), a)
		if f := w.rows[key]; f.Status != want || problem.Retryable(err) != (want == file.Processing) {
			t.Errorf("%s: the file is %s, error %v", kind, f.Status, err)
		}
		w.rows[key].Status = file.Processing
	}
}

func TestAVerdictIsAskedForAgainByWhoGoesOn(t *testing.T) {
	w := newWorld(t, fox)
	w.tags[key+"@"+version] = noThreats
	w.fail = func(_ int, name string, _ bool) error {
		if name == "Read" {
			return errors.New("the process has ended")
		}
		return nil
	}
	p := w.processor()
	p.Scanner = true
	if err := p.Do(t.Context(), w.arrival()); err == nil {
		t.Fatal("no error")
	}
	w.fail = nil
	if err := p.Do(t.Context(), w.arrival()); err != nil || w.rows[key].Malware != file.Clean {
		t.Errorf("%v, %q", err, w.rows[key].Malware)
	}
}

func TestPausesGrow(t *testing.T) {
	last := time.Duration(0)
	for n := range 10 {
		pause := Pause(context.DeadlineExceeded, n)
		if pause < last || pause < time.Second || pause > 15*time.Minute {
			t.Errorf("time %d: %v after %v", n, pause, last)
		}
		last = pause
	}
}
