// Package check judges what a chaos run has seen: it takes the history of every
// prompt, as clients, table and engines have it, and names each guarantee that was
// not kept. It asks nobody anything, so that its tests can show it a history in
// which one was broken.
package check

import (
	"fmt"
	"strings"
	"time"

	"parley/scripts/chaos/plan"
	"parley/shared/chat"
)

// Row is a reply as the table has it.
type Row struct {
	Status  chat.Status
	Text    string
	Finish  string
	Usage   chat.Usage
	Failure string // its code
	Attempt int
}

// Seen is what one reader has seen of a reply.
type Seen struct {
	Wait    bool // it waited; of a stream it has the rest, too
	Text    string
	Resets  int
	Ends    int // last events: there may be one
	Status  chat.Status
	Failure string
	Usage   *chat.Usage
	Drops   int      // connections that it lost or gave up
	Wrong   []string // what no stream may bring
}

// Call is one request for an answer that an engine got.
type Call struct {
	Prefix  int   // bytes of the text that it went on from
	Sizes   []int // bytes of the tokens that it could bring, in order
	Total   int   // tokens that the engine says it brought in all; 0: it doesn't say
	State   State
	Strange bool // it went on from what was never said
	Prompt  int  // tokens; 0: unknown
	At      time.Time
}

// State is how a call ended.
type State string

// The states of a call.
const (
	Finished State = "finished"
	Aborted  State = "aborted" // by its client
	Broken   State = "broken"  // by a fault, or its engine was killed
	Refused  State = "refused"
)

// Reply is the history of one accepted prompt.
type Reply struct {
	plan.Prompt
	Ref      chat.Ref
	Hour     string
	Others   []string // ids of replies that other sends with the same key were told of
	Accepted time.Time
	Ended    time.Time // when the table was seen to have its end

	Want   []string // tokens of the whole answer; nil: unknown
	First  Row      // as it was when it had just ended
	Last   Row      // as it was at the end of the run
	Seen   []Seen
	Calls  []Call
	Killed int  // kills of a worker that was writing it, or of its engine
	Asked  bool // somebody asked to cancel it
	Stop   *Row // what the cancel was answered
}

// Kill is one that has happened.
type Kill struct {
	plan.Kill
	At   time.Time
	Back time.Time // when the part was started again
	Mid  bool      // in the middle of an answer that a client was reading
	Hits int       // such answers
}

// during reports whether the part was away at some time in a reply's life.
func (k Kill) during(r *Reply) bool {
	return k.Back.Add(regained).After(r.Accepted) && k.At.Before(r.Ended)
}

// History is all that a run has seen.
type History struct {
	Replies []*Reply
	Kills   []Kill
	Used    map[Window]int // messages that the quota has counted
	Died    []string       // processes that ended by themselves
}

// Window is one user's hour.
type Window struct{ User, Hour string }

// Violation is a guarantee that was not kept.
type Violation struct {
	Guarantee string
	Reply     string // name of the prompt; empty: none in particular
	What      string
}

// String is one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s %s", v.Guarantee, v.Reply, v.What)
}

// attempts is how often a prompt may fail before it is given up.
const attempts = 3

// All returns every violation.
func (h *History) All() []Violation {
	var found []Violation
	for _, r := range h.Replies {
		c := judge{h: h, r: r, found: &found}
		c.ended()
		c.once()
		c.texts()
		c.usage()
		c.resets()
		c.failure()
		c.cancelled()
	}
	h.quota(&found)
	for _, name := range h.Died {
		found = append(found, Violation{"processes live", "", name})
	}
	return found
}

// judge looks at one reply.
type judge struct {
	h     *History
	r     *Reply
	found *[]Violation
}

func (c judge) wrong(guarantee, format string, args ...any) {
	*c.found = append(*c.found, Violation{guarantee, c.r.Name(), fmt.Sprintf(format, args...)})
}

func (c judge) ended() {
	if !c.r.First.Status.Ended() {
		c.wrong("accepted is kept", "is %s (attempt %d)", c.r.First.Status, c.r.First.Attempt)
	}
	for i, s := range c.r.Seen {
		if s.Ends == 0 {
			c.wrong("accepted is kept", "reader %d saw no end", i)
		}
		for _, w := range s.Wrong {
			c.wrong("accepted is kept", "reader %d: %s", i, w)
		}
	}
}

// once: one text was committed, every reader heard of one end, and each send with
// the same key was told of the same reply.
func (c judge) once() {
	if c.r.First != c.r.Last {
		c.wrong("exactly one answer", "ended as %s with %d bytes, later it was %s with %d", c.r.First.Status, len(c.r.First.Text), c.r.Last.Status, len(c.r.Last.Text))
	}
	for i, s := range c.r.Seen {
		if s.Ends > 1 || s.Ends == 1 && s.Status != c.r.First.Status {
			c.wrong("exactly one answer", "reader %d saw %d ends, %s; stored is %s", i, s.Ends, s.Status, c.r.First.Status)
		}
	}
	for _, other := range c.r.Others {
		if other != c.r.Ref.Message {
			c.wrong("one send per key", "a second send became reply %s, not %s", other, c.r.Ref.Message)
		}
	}
}

// texts: what was streamed is what is stored, and that is the engine's answer.
func (c judge) texts() {
	for i, s := range c.r.Seen {
		if s.Ends > 0 && s.Text != c.r.First.Text {
			c.wrong("streamed is stored", "reader %d has %s", i, difference(s.Text, c.r.First.Text))
		}
	}
	if c.r.Want == nil {
		return
	}
	want := strings.Join(c.r.Want, "")
	switch {
	case c.r.First.Status == chat.Done && c.r.First.Text != want:
		c.wrong("the text is whole", "stored is %s", difference(c.r.First.Text, want))
	case !strings.HasPrefix(want, c.r.First.Text):
		c.wrong("the text is whole", "stored is no beginning: %s", difference(c.r.First.Text, want))
	}
	for _, call := range c.r.Calls {
		if call.Strange {
			c.wrong("the text is whole", "an engine was to go on from what it never said")
		}
	}
}

// difference shows where two texts part.
func difference(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%d bytes for %d, from byte %d on %.40q for %.40q", len(got), len(want), i, got[i:], want[i:])
}

// regained is how long after its start everybody has found a part again.
const regained = 3 * time.Second

// resets: none unless Valkey was away meanwhile.
func (c judge) resets() {
	n := 0
	for _, s := range c.r.Seen {
		n += s.Resets
	}
	if n == 0 {
		return
	}
	for _, k := range c.h.Kills {
		if k.Part == plan.Valkey && k.during(c.r) {
			return
		}
	}
	c.wrong("no reset", "%d, and Valkey lived", n)
}
