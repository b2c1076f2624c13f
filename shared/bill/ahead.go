package bill

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// unpacked reads a file that may be gzipped, as one member or several. Unpacking
// goes on while the caller works; stop ends it, and must be called.
func unpacked(r io.Reader) (_ io.Reader, stop func()) {
	a := &ahead{full: make(chan chunk, 4), free: make(chan []byte, 4), done: make(chan struct{})}
	for range cap(a.free) {
		a.free <- make([]byte, 256<<10)
	}
	go a.fill(r)
	return a, func() { close(a.done) }
}

// ahead hands chunks from one goroutine to another.
type ahead struct {
	full  chan chunk
	free  chan []byte
	done  chan struct{}
	whole []byte // the chunk that is being read, to be given back
	rest  []byte
	err   error
}

type chunk struct {
	bytes []byte
	err   error
}

func (a *ahead) fill(r io.Reader) {
	defer close(a.full)
	in := bufio.NewReaderSize(r, 64<<10)
	var src io.Reader = in
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(in)
		if err != nil {
			a.hand(chunk{nil, err})
			return
		}
		src = zip
	}
	for {
		var buffer []byte
		select {
		case buffer = <-a.free:
		case <-a.done:
			return
		}
		n, err := 0, error(nil)
		for n < len(buffer) && err == nil {
			var some int
			some, err = src.Read(buffer[n:])
			n += some
		}
		if !a.hand(chunk{buffer[:n], err}) || err != nil {
			return
		}
	}
}

func (a *ahead) hand(c chunk) bool {
	select {
	case a.full <- c:
		return true
	case <-a.done:
		return false
	}
}

// Read implements io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.whole != nil {
			a.free <- a.whole[:cap(a.whole)]
		}
		c, ok := <-a.full
		if !ok {
			return 0, io.EOF
		}
		a.whole, a.rest, a.err = c.bytes, c.bytes, c.err
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// source marks the errors of where bytes come from, which say nothing of what they are.
type source struct{ io.Reader }

type sourceError struct{ error }

func (s source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = sourceError{err}
	}
	return n, err
}

// broken counts an error that says that a file is damaged from that row on, and
// returns one of its source.
func (r *Read) broken(file string, row int64, err error) error {
	if foreign, ok := errors.AsType[sourceError](err); ok {
		return foreign.error
	}
	r.fault(file, row, fmt.Sprintf("the rest of the file: %.120v", err))
	return nil
}
