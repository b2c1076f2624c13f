package serve

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"parley/shared/api"
)

// wire is the answer to one request, written to its connection in chunks. The
// connection is taken from the HTTP server, because there a stream would keep two
// goroutines and the buffers of a request, most of what it costs.
type wire struct {
	conn    net.Conn
	chunked bool          // HTTP/1.0 knows no chunks
	limit   time.Duration // for the client to take what is written; up to twice that
	until   time.Time     // the write deadline that is set
	held    *[]byte       // not written yet; nil while there is nothing
}

const (
	chunkHead = 10       // room for a chunk's size and the end of its line
	wireFull  = 32 << 10 // what is held is written when it has that many bytes
)

var wireBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// newWire answers 200 with the header that w has. The caller has to close it.
func newWire(w http.ResponseWriter, req *api.Request, limit time.Duration) (*wire, error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("take the connection over: %w", err)
	}
	out := &wire{conn: conn, limit: limit, chunked: req.ProtoAtLeast(1, 1)}
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if out.chunked {
		h.Set("Transfer-Encoding", "chunked")
	}
	out.hold()
	head := sliceWriter{out.held}
	_, _ = io.WriteString(head, "HTTP/1.1 200 OK\r\n") // memory takes everything
	_ = h.Write(head)
	_, _ = io.WriteString(head, "\r\n")
	return out, nil
}

type sliceWriter struct{ b *[]byte }

func (w sliceWriter) Write(p []byte) (int, error) {
	*w.b = append(*w.b, p...)
	return len(p), nil
}

func (w *wire) hold() {
	if w.held == nil {
		w.held = wireBuffers.Get().(*[]byte)
	}
}

// write adds what put appends, as one chunk.
func (w *wire) write(put func([]byte) []byte) error {
	w.hold()
	b := *w.held
	if !w.chunked {
		b = put(b)
	} else {
		at := len(b)
		b = put(append(b, "          "[:chunkHead]...))
		b = append(seal(b, at), "\r\n"...)
	}
	*w.held = b
	if len(b) >= wireFull {
		return w.flush()
	}
	return nil
}

// seal writes the size of the chunk that begins at that place, and moves it up to
// its size.
func seal(b []byte, at int) []byte {
	var digits [chunkHead]byte
	head := append(strconv.AppendInt(digits[:0], int64(len(b)-at-chunkHead), 16), "\r\n"...)
	n := copy(b[at:], head)
	return append(b[:at+n], b[at+chunkHead:]...)
}

// flush sends what is held. A client that doesn't take it in time is dropped; it
// has the id of what came before.
func (w *wire) flush() error {
	if w.held == nil {
		return nil
	}
	if now := time.Now(); w.until.Sub(now) < w.limit {
		w.until = now.Add(2 * w.limit) // seldom, because each setting has its price
		if err := w.conn.SetWriteDeadline(w.until); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
	}
	_, err := w.conn.Write(*w.held)
	if cap(*w.held) <= 2*wireFull {
		*w.held = (*w.held)[:0]
		wireBuffers.Put(w.held)
	}
	w.held = nil
	if err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// close ends the answer: whole is whether the client may take it for complete.
func (w *wire) close(whole bool) {
	if whole && w.chunked {
		w.hold()
		*w.held = append(*w.held, "0\r\n\r\n"...)
	}
	if whole {
		_ = w.flush() // the connection ends either way
	}
	w.held = nil
	_ = w.conn.Close()
}

var errClientGone = errors.New("the client has closed the connection")

// alive asks, without waiting, whether the client has closed its side. Nobody
// reads from the connection, so nothing else would tell before something is
// written.
func (w *wire) alive() error {
	raw, ok := w.conn.(syscall.Conn)
	if !ok {
		return nil
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return errClientGone
	}
	var n int
	var failed error
	err = c.Read(func(fd uintptr) bool {
		var one [1]byte
		n, failed = syscall.Read(int(fd), one[:])
		return true
	})
	if err != nil || failed == nil && n == 0 || failed != nil && !errors.Is(failed, syscall.EAGAIN) && !errors.Is(failed, syscall.EINTR) {
		return errClientGone
	}
	return nil
}
