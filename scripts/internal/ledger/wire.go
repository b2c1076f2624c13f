package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Wire is a proxy in front of Valkey that notes every command. A pipeline of
// commands that are sent and answered together is one Call, named by all of them,
// because it is one round trip.
type Wire struct {
	upstream string
	delay    time.Duration
	listener net.Listener

	mu    sync.Mutex
	calls []*Call
	conns map[net.Conn]bool
}

// NewWire starts a proxy in front of the server at that address (host:port). Each
// round trip takes delay longer. Close must be called in the end.
func NewWire(upstream string, delay time.Duration) (*Wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for Valkey's clients: %w", err)
	}
	w := &Wire{upstream: upstream, delay: delay, listener: listener, conns: map[net.Conn]bool{}}
	go w.serve()
	return w, nil
}

// Addr is where the recorded process finds Valkey.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

// Close ends the proxy and all connections.
func (w *Wire) Close() {
	w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// Reset forgets all calls.
func (w *Wire) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// Calls returns the round trips since the last Reset, in order of beginning.
func (w *Wire) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := make([]Call, len(w.calls))
	for i, c := range w.calls {
		calls[i] = *c
	}
	slices.SortStableFunc(calls, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return calls
}

func (w *Wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", w.upstream)
		if err != nil {
			client.Close()
			continue
		}
		w.mu.Lock()
		w.conns[client], w.conns[server] = true, true
		w.mu.Unlock()
		l := &line{wire: w}
		go l.up(client, server)
		go l.down(server, client)
	}
}

// line is one client's connection. What the server sends while a call is open
// answers that call; what it sends otherwise is a published message.
type line struct {
	wire *Wire
	mu   sync.Mutex
	open *Call
}

// up passes commands to the server.
func (l *line) up(client, server net.Conn) {
	defer server.Close()
	in := bufio.NewReaderSize(client, 64<<10)
	for {
		names, raw, err := readPipeline(in)
		if err != nil {
			return
		}
		l.begin(names, len(raw))
		time.Sleep(l.wire.delay)
		if _, err := server.Write(raw); err != nil {
			return
		}
	}
}

// down passes answers to the client.
func (l *line) down(server, client net.Conn) {
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if n > 0 {
			l.answered(n)
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *line) begin(names []string, sent int) {
	call := &Call{Service: Valkey, Operation: strings.Join(names, "+"), Nth: 1, Began: time.Now(), Sent: sent}
	l.mu.Lock()
	l.open = call
	l.mu.Unlock()
	l.wire.mu.Lock()
	defer l.wire.mu.Unlock()
	l.wire.calls = append(l.wire.calls, call)
}

func (l *line) answered(n int) {
	l.mu.Lock()
	call := l.open
	l.open = nil
	l.mu.Unlock()
	if call == nil {
		return
	}
	l.wire.mu.Lock()
	defer l.wire.mu.Unlock()
	call.Ended, call.Status = time.Now(), 200
	call.Received += n
}

// readPipeline reads the commands that a client has sent together.
func readPipeline(in *bufio.Reader) (names []string, raw []byte, err error) {
	for first := true; first || in.Buffered() > 0; first = false {
		name, command, err := readCommand(in)
		if err != nil {
			return nil, nil, err
		}
		names, raw = append(names, name), append(raw, command...)
	}
	return names, raw, nil
}

var errWire = errors.New("this is no RESP command")

// readCommand reads one command, an array of bulk strings, and returns its name
// and its bytes.
func readCommand(in *bufio.Reader) (name string, raw []byte, err error) {
	header, err := in.ReadBytes('\n')
	if err != nil {
		return "", nil, err
	}
	count, err := length(header, '*')
	if err != nil {
		return "", nil, err
	}
	raw = header
	for i := range count {
		head, err := in.ReadBytes('\n')
		if err != nil {
			return "", nil, err
		}
		size, err := length(head, '$')
		if err != nil {
			return "", nil, err
		}
		body := make([]byte, size+2)
		if _, err := io.ReadFull(in, body); err != nil {
			return "", nil, err
		}
		if i == 0 {
			name = strings.ToUpper(string(body[:size]))
		}
		if name == "SET" && strings.EqualFold(string(body[:size]), "NX") {
			name = "SETNX" // the same thing, older
		}
		raw = append(append(raw, head...), body...)
	}
	return name, raw, nil
}

// maxBulk bounds what a length may claim, in bytes or elements.
const maxBulk = 8 << 20

func length(header []byte, kind byte) (int, error) {
	if len(header) < 4 || header[0] != kind {
		return 0, errWire
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(header[1:])))
	if err != nil || n < 0 || n > maxBulk {
		return 0, errWire
	}
	return n, nil
}
