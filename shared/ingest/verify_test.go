package ingest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"

	"parley/shared/problem"
)

func TestTakeHashesWhatItWrites(t *testing.T) {
	noise := make([]byte, 9*chunk)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, chunks * chunk, 9 * chunk} {
		var to bytes.Buffer
		n, sum, err := Take(&to, iotest.HalfReader(bytes.NewReader(noise[:size])), int64(size))
		if err != nil || n != int64(size) || sum != hash(noise[:size]) || !bytes.Equal(to.Bytes(), noise[:size]) {
			t.Errorf("%d bytes: took %d, %s, %v", size, n, sum, err)
		}
	}
}

func TestTakeStopsSoonAfterItsMost(t *testing.T) {
	var to bytes.Buffer
	n, _, err := Take(&to, endless{}, 3*chunk)
	if err != nil || n <= 3*chunk || n > 4*chunk {
		t.Errorf("took %d, %v", n, err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// full is a disk without room.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, &os.PathError{Op: "write", Path: "/tmp/file", Err: syscall.ENOSPC}
	}
	return len(b), nil
}

func TestTakeReportsADiskThatIsFull(t *testing.T) {
	_, _, err := Take(&full{room: 2 * chunk}, endless{}, 1<<30)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
}

func TestAFolderThatIsAwayIsTriedAgain(t *testing.T) {
	w := newWorld(t, fox)
	p := w.processor()
	p.Room.Path = filepath.Join(p.Room.Path, "gone")
	for range 2 * MaxTries {
		if err := p.Do(t.Context(), w.arrival()); problem.From(err).Kind != problem.Unavailable {
			t.Fatalf("error %v", err)
		}
	}
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	w.wantReady()
}

func TestARoomIsRemovedOnceItsProcessHasEnded(t *testing.T) {
	base := t.TempDir()
	open := func() *Room {
		t.Helper()
		r, err := OpenRoom(base)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	there := func(r *Room) bool {
		_, err := os.Stat(r.Path)
		return err == nil
	}
	first, second := open(), open()
	if err := os.WriteFile(filepath.Join(first.Path, "file"), fox, 0o600); err != nil {
		t.Fatal(err)
	}
	first.lock.Close() // as its process's end does
	if third := open(); there(first) || !there(second) || !there(third) {
		t.Errorf("the first room is there %v, the second %v, the third %v", there(first), there(second), there(third))
	}
	if err := second.Close(); err != nil || there(second) {
		t.Errorf("a closed room is there: %v", err)
	}
}
