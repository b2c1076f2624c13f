package ledger

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// answering is a server that says +OK to every pipeline.
func answering(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					names, _, err := readPipeline(in)
					if err != nil {
						return
					}
					io.WriteString(c, strings.Repeat("+OK\r\n", len(names)))
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestWire(t *testing.T) {
	w, err := NewWire(answering(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	c, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for _, pipeline := range []string{"*1\r\n$4\r\nping\r\n", "*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\nx\r\n*1\r\n$4\r\nEXEC\r\n"} {
		if _, err := io.WriteString(c, pipeline); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(pipeline, "*") {
			if answer, err := in.ReadString('\n'); err != nil || answer != "+OK\r\n" {
				t.Fatalf("answer %q, %v", answer, err)
			}
		}
	}
	calls := w.Calls()
	if len(calls) != 2 || calls[0].Operation != "PING" || calls[1].Operation != "MULTI+DEL+EXEC" || Rounds(calls) != 2 {
		t.Errorf("calls %+v", calls)
	}
}

func FuzzReadCommand(f *testing.F) {
	for _, s := range []string{"*1\r\n$4\r\nPING\r\n", "*-1\r\n", "*1\r\n$99999999\r\n", "+OK\r\n", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, raw, err := readCommand(bufio.NewReader(strings.NewReader(s)))
		if err == nil && (!strings.HasPrefix(s, string(raw)) || len(name) > len(raw)) {
			t.Errorf("%q was read as %q, %q", s, name, raw)
		}
	})
}
