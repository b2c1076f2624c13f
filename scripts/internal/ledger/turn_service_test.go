//go:build service

package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"parley/scripts/internal/ledger"
)

// turnCalls is what a turn called.
type turnCalls struct {
	send, worker, relay []ledger.Call
	accepted            time.Time
	seen                watched
	ids                 receipt
}

// turn sends a question with files into a chat, watches the answer come, and returns all the
// calls over it: of the function, the worker and the relay.
func (b *book) turn(chatID string, seed uint64, files ...string) turnCalls {
	b.t.Helper()
	opened := make(chan struct{})
	b.worker.Reset()
	b.relay.Reset()
	// The stream is open before the worker gets the prompt: the dearest order.
	b.worker.AWS.Reset(func(s ledger.Stage, c ledger.Call) bool {
		if s == ledger.After && c.Messages > 0 {
			<-opened
		}
		return true
	})
	var c turnCalls
	c.send = b.count(func() { c.ids = b.send(chatID, seed, files...) })
	c.accepted = time.Now()
	c.seen = b.watch(c.ids, opened)
	b.await("the prompt's deletion", func() bool {
		return slices.ContainsFunc(b.calls(b.worker.AWS), func(c ledger.Call) bool { return c.Operation == "DeleteMessageBatch" && c.Status == 200 })
	})
	c.worker = onTheWay(append(b.calls(b.worker.AWS), b.worker.Valkey.Calls()...))
	c.relay = onTheWay(append(b.calls(b.relay.AWS), b.relay.Valkey.Calls()...))
	return c
}

func (b *book) calls(r *ledger.Recorder) []ledger.Call {
	b.t.Helper()
	calls, err := r.Calls()
	if err != nil {
		b.t.Fatal(err)
	}
	return calls
}

func (b *book) await(what string, done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			b.t.Fatalf("waited too long for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// onTheWay leaves out what a process does in any case, by the clock: polls that
// bring nothing, heartbeats (counted by their rate in docs/cost.md), reports.
func onTheWay(calls []ledger.Call) []ledger.Call {
	kept := slices.DeleteFunc(calls, func(c ledger.Call) bool {
		switch c.Operation {
		case "ReceiveMessage":
			return c.Messages == 0
		case "ChangeMessageVisibilityBatch", "PutItem", "PING", "SET":
			return true
		}
		return strings.Contains(c.Operation, "HELLO") || strings.Contains(c.Operation, "EVAL")
	})
	slices.SortStableFunc(kept, func(a, b ledger.Call) int { return a.Began.Compare(b.Began) })
	return kept
}

// toFirstToken returns the calls of the worker, from the 202 to the first frame
// with text; the relay needs no call of its own to pass that on.
func (c turnCalls) toFirstToken() []ledger.Call {
	frames := 0
	var path []ledger.Call
	for _, k := range c.worker {
		if k.Operation == "SUBSCRIBE" || k.Operation == "EXISTS" || k.Ended.Before(c.accepted) {
			continue // waiting for a wish to stop is beside the way
		}
		path = append(path, k)
		if strings.Contains(k.Operation, "XADD") {
			frames++
		}
		if frames == 2 { // the first announces the attempt
			break
		}
	}
	return path
}

// log shows when what was called, in milliseconds from the 202.
func (c turnCalls) log(t *testing.T) {
	t.Helper()
	at := func(when time.Time) float64 { return float64(when.Sub(c.accepted).Microseconds()) / 1000 }
	for _, part := range []struct {
		name  string
		calls []ledger.Call
	}{{"send-message", c.send}, {"worker", c.worker}, {"relay", c.relay}} {
		for _, k := range part.calls {
			t.Logf("%-12s %8.1f to %8.1f  %-50s %v reads %v writes", part.name, at(k.Began), at(k.Ended), k.Name(), k.Reads, k.Writes)
		}
	}
}

// frameCommands returns how many commands publish one frame: most of them, as some
// also set when the stream expires.
func (c turnCalls) frameCommands() int {
	var counts []int
	for _, k := range c.worker {
		if strings.Contains(k.Operation, "XADD") && !strings.Contains(k.Operation, "XRANGE") {
			counts = append(counts, strings.Count(k.Operation, "+")+1)
		}
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}
