package main

import (
	"bytes"
	"context"
	"io"
)

// input is standard input, read in the background. That way a line can be waited
// for together with something else: an answer that runs, or the program's end.
type input struct {
	ctx    context.Context
	chunks chan []byte
	rest   []byte // of the last chunk
}

func readInput(ctx context.Context, r io.Reader) *input {
	in := &input{ctx: ctx, chunks: make(chan []byte)}
	go in.pump(r)
	return in
}

// pump ends with the input, or with the program: nothing ends a read that waits
// for a key.
func (in *input) pump(r io.Reader) {
	defer close(in.chunks)
	for {
		buf := make([]byte, 4096)
		n, err := r.Read(buf)
		if n > 0 {
			select {
			case in.chunks <- buf[:n]:
			case <-in.ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	if len(in.rest) == 0 && !in.more(nil) {
		return 0, io.EOF
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
}

// more waits for the next chunk and adds it to the rest, until done is closed.
func (in *input) more(done <-chan struct{}) bool {
	select {
	case chunk, ok := <-in.chunks:
		in.rest = append(in.rest, chunk...)
		return ok
	case <-done:
		return false
	case <-in.ctx.Done():
		return false
	}
}

// line takes a whole line off the rest.
func (in *input) line() (string, bool) {
	line, after, found := bytes.Cut(in.rest, []byte("\n"))
	if !found {
		return "", false
	}
	in.rest = after
	return string(bytes.TrimSuffix(line, []byte("\r"))), true
}

// nextLine waits for a line; the last one may lack its end.
func (in *input) nextLine() (string, error) {
	for {
		if line, ok := in.line(); ok {
			return line, nil
		}
		if in.more(nil) {
			continue
		}
		if len(in.rest) == 0 || in.ctx.Err() != nil {
			return "", io.EOF
		}
		line := string(in.rest)
		in.rest = nil
		return line, nil
	}
}

// watchFor reads ahead until done is closed and calls stop if the next line is
// word. Every other line stays for later.
func (in *input) watchFor(word string, done <-chan struct{}, stop func() bool) {
	for !bytes.Contains(in.rest, []byte("\n")) {
		if !in.more(done) {
			return
		}
	}
	before := in.rest
	if line, _ := in.line(); line == word {
		stop()
		return
	}
	in.rest = before
}
