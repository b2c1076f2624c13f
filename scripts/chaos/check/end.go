package check

import (
	"parley/scripts/chaos/plan"
	"parley/shared/chat"
)

// broke is how often a reply's writing was broken off.
func (r *Reply) broke() int {
	n := r.Killed
	for _, call := range r.Calls {
		if call.State == Broken || call.State == Refused {
			n++
		}
	}
	return n
}

// failure: only what failed three times has failed, and a poisoned prompt has.
func (c judge) failure() {
	switch first := c.r.First; {
	case c.r.Poison && (first.Status != chat.Failed || first.Failure != chat.EngineFailed.Code):
		c.wrong("poison ends", "is %s %s", first.Status, first.Failure)
	case c.r.Poison && c.r.broke() < attempts:
		c.wrong("poison ends", "after %d failures", c.r.broke())
	case c.r.Poison && len(c.r.Calls) > attempts*max(first.Attempt, 1)+c.engineKills():
		c.wrong("poison ends", "after %d calls of the engine", len(c.r.Calls))
	case c.r.Poison || first.Status != chat.Failed || first.Failure == chat.DeadlineExceeded.Code:
	case first.Failure != chat.EngineFailed.Code || c.mayHaveBroken() < attempts:
		c.wrong("accepted is kept", "failed with %s after %d failures", first.Failure, c.r.broke())
	}
	for i, s := range c.r.Seen {
		if s.Ends == 1 && s.Failure != c.r.First.Failure {
			c.wrong("exactly one answer", "reader %d was told %q, stored is %q", i, s.Failure, c.r.First.Failure)
		}
	}
}

// mayHaveBroken is how often a reply's writing can have been broken off at most. A
// worker that is killed while it reads the chat, or waits for its engine, takes an
// attempt along of which no engine knows: so each attempt but the last may have met
// one of the kills that came in the reply's life.
func (c judge) mayHaveBroken() int {
	calls := c.r.broke() - c.r.Killed
	return calls + min(c.kills(plan.Worker), c.r.First.Attempt-1)
}

// engineKills counts those that came in the reply's life: each may have cost a call
// for which its prompt isn't to blame.
func (c judge) engineKills() int { return c.kills(plan.Engine) }

// kills counts those of a kind of part that came in the reply's life.
func (c judge) kills(part plan.Part) int {
	n := 0
	for _, k := range c.h.Kills {
		n += b2i(k.Part == part && k.during(c.r))
	}
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cancelled: only what somebody wished to be, and as the cancel was answered.
func (c judge) cancelled() {
	first := c.r.First
	if first.Status == chat.Cancelled && !c.r.Asked {
		c.wrong("stop is a wish", "was cancelled by nobody")
	}
	if s := c.r.Stop; s != nil && (s.Status != first.Status || s.Text != first.Text) {
		c.wrong("stop keeps the text", "the cancel was answered %s with %d bytes, stored is %s with %d", s.Status, len(s.Text), first.Status, len(first.Text))
	}
}

// quota: each accepted message is counted once, and given back once if it failed.
func (h *History) quota(found *[]Violation) {
	want := map[Window]int{}
	for _, r := range h.Replies {
		w := Window{r.Ref.User, r.Hour}
		want[w] += 0
		if r.Last.Status != chat.Failed {
			want[w]++
		}
	}
	for w, n := range h.Used {
		if n != want[w] {
			*found = append(*found, Violation{"quota", "", w.User + " has used " + plural(n) + ", its replies say " + plural(want[w])})
		}
		delete(want, w)
	}
	for w := range want {
		*found = append(*found, Violation{"quota", "", w.User + " was not counted"})
	}
}
