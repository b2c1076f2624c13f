package work

import "sync/atomic"

// counts are a worker's counters of what isn't the usual way of a prompt.
type counts struct {
	unreadable, later, forgotten, duplicate, handedBack, poisoned, lost atomic.Int64
}

// Counts is what a worker has met since it began.
type Counts struct {
	Unreadable int64 // messages that are no prompts, deleted
	Later      int64 // prompts that only a later release can read, left to that
	Forgotten  int64 // prompts of chats or users that are gone, deleted
	Duplicate  int64 // deliveries of a prompt that a living worker holds
	HandedBack int64 // attempts given up without the prompt's fault
	Poisoned   int64 // replies that failed after too many attempts
	Lost       int64 // attempts that another one has overtaken, or that couldn't be kept
}

// Counts returns the counters; it may be called at any time.
func (w *Worker) Counts() Counts {
	c := &w.counts
	return Counts{
		Unreadable: c.unreadable.Load(), Later: c.later.Load(), Forgotten: c.forgotten.Load(), Duplicate: c.duplicate.Load(),
		HandedBack: c.handedBack.Load(), Poisoned: c.poisoned.Load(), Lost: c.lost.Load(),
	}
}
