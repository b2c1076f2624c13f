package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
	"parley/shared/chat"
)

// progress prints a line every five seconds until ctx ends.
func (r *run) progress(ctx context.Context) {
	for sleep(ctx, 5*time.Second) == nil {
		r.mu.Lock()
		kills, mid := len(r.history.Kills), midst(r.history.Kills)
		r.mu.Unlock()
		fmt.Printf("%4.0f s  %d of %d ended, %d under way, %d failed, %d cancelled, %d resets; %d kills, %d of them in an answer\n",
			time.Since(r.began).Seconds(), r.ended.Load(), r.set.prompts, r.sent.Load()-r.ended.Load(), r.failed.Load(),
			r.cancelled.Load(), r.resets.Load(), kills, mid)
	}
}

func midst(kills []check.Kill) int {
	n := 0
	for _, k := range kills {
		if k.Mid {
			n++
		}
	}
	return n
}

// report prints what was found and returns whether every guarantee was kept.
func (r *run) report(out io.Writer) bool {
	found := r.history.All()
	slices.SortStableFunc(found, func(a, b check.Violation) int { return strings.Compare(a.Guarantee, b.Guarantee) })
	for i, v := range found {
		if i == 100 {
			fmt.Fprintf(out, "… and %d more\n", len(found)-i)
			break
		}
		fmt.Fprintln(out, "VIOLATED", v)
	}
	r.table(out)
	if err := r.keep(found); err != nil {
		fmt.Fprintln(out, "the history was not kept:", err)
	}
	fmt.Fprintf(out, "seed %d: %d violations\n", r.set.seed, len(found))
	return len(found) == 0
}

// keep writes the kills, and the history of each prompt that something was found
// about or that failed without being poisoned, to history.json beside the logs.
func (r *run) keep(found []check.Violation) error {
	h := check.History{Kills: r.history.Kills, Died: r.history.Died}
	for _, reply := range r.history.Replies {
		if unlucky(reply) || slices.ContainsFunc(found, func(v check.Violation) bool { return v.Reply == reply.Name() }) {
			h.Replies = append(h.Replies, reply)
		}
	}
	body, err := json.Marshal(h.Replies)
	if err != nil {
		return err
	}
	kills, err := json.Marshal(h.Kills)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.fleet.data, "history.json"), fmt.Appendf(nil, `{"kills":%s,"replies":%s}`, kills, body), 0o600)
}

// unlucky reports whether a reply failed though its prompt wasn't poisoned.
func unlucky(r *check.Reply) bool { return r.First.Status == chat.Failed && !r.Poison }

// table prints the figures of the run.
func (r *run) table(out io.Writer) {
	h := &r.history
	row := func(name string, value any) { fmt.Fprintf(out, "%-60s %v\n", name, value) }
	row("took", r.ended_.Sub(r.began).Round(time.Second))
	row("prompts accepted, of those planned", fmt.Sprintf("%d of %d", len(h.Replies), r.set.prompts))
	by := map[chat.Status]int{}
	var poison, luckless, lapsed, taken, cont, readers, drops, resets, exact, same, chars int
	for _, reply := range h.Replies {
		by[reply.First.Status]++
		poison += b2i(reply.Poison)
		luckless += b2i(unlucky(reply))
		lapsed += b2i(reply.First.Failure == chat.DeadlineExceeded.Code)
		taken += b2i(reply.First.Attempt > 1)
		cont += b2i(slices.ContainsFunc(reply.Calls, func(c check.Call) bool { return c.Prefix > 0 }))
		exact += b2i(reply.Exact())
		for _, s := range reply.Seen {
			readers, drops, resets = readers+1, drops+s.Drops, resets+s.Resets
			same += b2i(s.Text == reply.First.Text)
			chars += len(s.Text)
		}
	}
	row("done, cancelled, failed", fmt.Sprintf("%d, %d, %d", by[chat.Done], by[chat.Cancelled], by[chat.Failed]))
	row("poisoned; failed otherwise, by three failures; past deadline", fmt.Sprintf("%d; %d; %d", poison, luckless-lapsed, lapsed))
	row("taken over by another attempt, continued", fmt.Sprintf("%d, %d", taken, cont))
	row("delivered twice by the queue", r.twice.Load())
	row("sent again with the same key; tries that were refused", fmt.Sprintf("%d; %d", r.resent.Load(), r.busy.Load()))
	row("readers; connections lost; resets", fmt.Sprintf("%d; %d; %d", readers, drops, resets))
	row("bytes read; readers whose text is the stored one", fmt.Sprintf("%d; %d of %d", chars, same, readers))
	row("replies whose usage could be counted without doubt", fmt.Sprintf("%d of %d", exact, len(h.Replies)))
	r.kills(row)
	slices.Sort(r.calls.stops)
	if n := len(r.calls.stops); n > 0 {
		row("from cancel to the engine's end: p50, p95, longest", fmt.Sprint(r.calls.stops[n/2].Round(time.Millisecond), ", ",
			r.calls.stops[n*95/100].Round(time.Millisecond), ", ", r.calls.stops[n-1].Round(time.Millisecond)))
	}
}

func (r *run) kills(row func(string, any)) {
	h := &r.history
	hits, by := 0, map[plan.Part]int{}
	empty := 0
	for _, k := range h.Kills {
		by[k.Part]++
		hits += k.Hits
		empty += b2i(k.Part == plan.Valkey && k.Empty)
	}
	row("kills of workers, relays, engines", fmt.Sprintf("%d, %d, %d", by[plan.Worker], by[plan.Relay], by[plan.Engine]))
	row("kills of Valkey; it came back empty", fmt.Sprintf("%d; %d", by[plan.Valkey], empty))
	row("kills in the middle of an answer with a client reading", fmt.Sprintf("%d of %d (%d answers)", midst(h.Kills), len(h.Kills), hits))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
