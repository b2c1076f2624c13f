package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"runtime"
	"testing"

	"parley/shared/file"
)

// zeros is that many bytes, and notes the most that the heap has while they are read.
type zeros struct {
	left int64
	top  uint64 // bytes
}

func (z *zeros) Read(b []byte) (int, error) {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	z.top = max(z.top, now.HeapAlloc)
	n := min(int64(len(b)), z.left)
	if z.left -= n; n == 0 {
		return 0, io.EOF
	}
	clear(b[:n])
	return int(n), nil
}

func (*zeros) Close() error { return nil }

// verifying is the most that the heap has, beyond what it had, while so many bytes are
// verified.
func verifying(t *testing.T, size int64) int64 {
	t.Helper()
	sum := sha256.New()
	_, _ = io.Copy(sum, &zeros{left: size})
	body := &zeros{left: size}
	j := &job{Processor: newWorld(t, fox).processor(), file: file.File{Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))},
		open: func(context.Context, file.File) (io.ReadCloser, error) { return body, nil }}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if why, err := j.verify(t.Context()); why != nil || err != nil {
		t.Fatalf("%d bytes: %+v, %v", size, why, err)
	}
	return int64(body.top) - int64(before.HeapAlloc)
}

// A function of 2 GB verifies the largest file beside all else that it does.
func TestVerificationTakesNoMoreMemoryForLargerFiles(t *testing.T) {
	const mib = 1 << 20
	small, large := verifying(t, mib), verifying(t, 64*mib)
	if small < mib || large > small+8*mib {
		t.Errorf("1 MB takes %d bytes of heap, 64 MB take %d", small, large)
	}
}
