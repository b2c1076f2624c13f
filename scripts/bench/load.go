package main

import (
	"context"
	"sync"
	"time"

	"parley/fleet/enginetest"
	"parley/scripts/internal/ledger/rig"
	"parley/shared/chat"
)

// asked is a question of a load, and what became of it.
type asked struct {
	who      person
	accepted accepted
	at       time.Time
	shed     bool
	err      error
	first    time.Duration // until the first delta, where the reply is watched; 0: none came
}

// arrive asks at a steady rate until ctx ends or most questions are asked, whatever
// becomes of them, and returns when the last has been dealt with. do gets each.
func arrive(ctx context.Context, every time.Duration, most int, do func(ctx context.Context, n int) asked) []asked {
	all := make([]asked, most)
	n := 0
	var under sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ; n < most && ctx.Err() == nil; n++ {
		i := n
		under.Go(func() { all[i] = do(ctx, i) })
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	under.Wait()
	return all[:n]
}

// ask sends a question and, if watch is set, reads the answer at the relay.
func (c *crew) ask(ctx context.Context, f *front, who person, text string, watch bool) asked {
	q := asked{who: who, at: time.Now()}
	q.accepted, q.err = f.send(ctx, who, text)
	if q.err == errShed {
		q.shed, q.err = true, nil
		return q
	}
	if q.err != nil || !watch {
		return q
	}
	q.err = c.stream(ctx, who, q.accepted, func(e event) bool {
		if q.first == 0 && e.name == "delta" {
			q.first = e.at.Sub(q.at)
		}
		return true
	})
	return q
}

// outcome is how a load's replies ended.
type outcome struct {
	done, failed, open, shed int
	errs                     []error
	replies                  map[string]chat.Message // of those that are done, by chat
}

// judge reads every reply that was asked for.
func judge(ctx context.Context, r *rig.Rig, all []asked) outcome {
	o := outcome{replies: map[string]chat.Message{}}
	for _, q := range all {
		switch {
		case q.shed:
			o.shed++
			continue
		case q.err != nil:
			o.errs = append(o.errs, q.err)
			continue
		}
		m, err := r.Chats.Message(ctx, q.who.ref(q.accepted))
		switch {
		case err != nil:
			o.errs = append(o.errs, err)
		case m.Status == chat.Done:
			o.done++
			o.replies[q.accepted.Chat] = m
		case m.AsOf(time.Now()).Status == chat.Failed:
			o.failed++
		default:
			o.open++
		}
	}
	return o
}

// within returns how many of an answer's tokens fall between two moments, taken to
// come evenly between its beginning and its end.
func within(e enginetest.Entry, from, to time.Time) float64 {
	end := e.EndedAt
	if end.IsZero() {
		return 0
	}
	whole := end.Sub(e.BeganAt).Seconds()
	part := minTime(end, to).Sub(maxTime(e.BeganAt, from)).Seconds()
	if whole <= 0 || part <= 0 {
		return 0
	}
	return float64(e.Sent) * part / whole
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
