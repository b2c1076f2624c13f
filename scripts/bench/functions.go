package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"parley/scripts/internal/ledger/rig"
)

// Aims of a function.
const (
	aimSize    = 16 << 20
	aimInitial = 50 * time.Millisecond
	aimOwn     = 2 * time.Millisecond
)

// functions measures every function in its cases.
func functions(ctx context.Context, b *bench) (section, error) {
	r, err := rig.New(ctx, b.services, rig.Options{})
	if err != nil {
		return section{}, err
	}
	defer closeRig(r)
	s, err := build(ctx, r)
	if err != nil {
		return section{}, fmt.Errorf("prepare: %w", err)
	}
	var results []result
	for _, c := range s.cases() {
		if b.quick {
			c.times = min(c.times, 5)
		}
		res, err := measure(ctx, r, c)
		if err != nil {
			return section{}, err
		}
		fmt.Fprintln(os.Stderr, res.line())
		results = append(results, res)
	}
	return section{Title: "Functions", Text: fmt.Sprintf(functionsText, starts, milliseconds(timeHashing()), many, few),
		Tables: []table{sizes(results), calls(results)}, Notes: functionsNotes}, nil
}

// closeRig removes what a rig made; what it can't remove goes with the services.
func closeRig(r *rig.Rig) {
	if err := r.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: clean up:", err)
	}
}

// line shows a result in the terminal.
func (res result) line() string {
	return fmt.Sprintf("%-40s %5.1f MB  starts in %5.1f ms  own %6d µs (p90 %6d, wire %5d)  %6d allocations, %5d KB  %d calls to AWS", res.name(),
		megabytes(res.size), milliseconds(res.initial), res.own.Microseconds(), res.slow.Microseconds(), res.wire.Microseconds(), res.allocations, res.bytes>>10, res.calls)
}

func sizes(results []result) table {
	t := table{Head: []string{"function", "binary, MB", "of the aim", "start, ms", "of the aim"}}
	seen := map[string]bool{}
	for _, res := range results {
		if seen[res.function] {
			continue
		}
		seen[res.function] = true
		t.add(res.function, "%.1f", megabytes(res.size), "%s", ratio(res.size, aimSize), "%.1f", milliseconds(res.initial), "%s", ratio(res.initial, aimInitial))
	}
	return t
}

func calls(results []result) table {
	t := table{Head: []string{"call", "own time, µs", "90th percentile", "of it the wire", "own without that, of the aim", "allocations", "KB allocated", "calls to AWS"}}
	for _, res := range results {
		t.add(res.name(), "%d", res.own.Microseconds(), "%d", res.slow.Microseconds(), "%d", res.wire.Microseconds(),
			"%s", ratio(res.own-res.wire, aimOwn), "%d", res.allocations, "%d", res.bytes>>10, "%d", res.calls)
	}
	return t
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

func ratio[T ~int64](have, aim T) string { return fmt.Sprintf("%.2f", float64(have)/float64(aim)) }

const functionsText = `Each function is built as for Lambda and driven over the Lambda Runtime API. It starts when its process does, and has started when it asks for its
first event: the median of %d starts. Its own time is that from an event's hand-over to its answer, without the time in which AWS was at work as
a proxy between the two saw it, and without the hashing of passwords (Argon2id with 19 MiB takes %.0f ms of a core here); what the AWS SDK does
is in it. So is the wire, what lies between function and proxy, which stands beside it: as many plain HTTP requests in sequence take that long. Medians and 90th percentiles of %d warm calls, %d where a password is hashed.
Allocations are those of the whole process for one such call, counted by the Go runtime.

Aims: under 16 MB, under 50 ms to start, under 2 ms of our own per call.
`

// functionsNotes explains what a profile of the calls that miss their aim has shown.
const functionsNotes = `What misses its aim, and why. A profile (CPU, 600 calls each, November 2026) has shown where the time goes:

- **A page of history** answers with 250 KB of text. Of 6.1 ms of a core, 2.0 are for unpacking 30 bodies, 1.2 for encoding the answer as JSON, and once more
  as the string that Lambda wants; the rest is the reading of 140 KB of base64, the network and the garbage collector.
- **A send** of 8 KB takes 2.3 ms of a core: 0.45 for compressing the question, the rest mostly for its four calls through the SDK.
  The compression could be done while the first of them is under way.
- **process-upload** carries PDFium, some 5 MB of WebAssembly, and its interpreter; nobody waits for its start.
- **Sign-up and log-in** have not been profiled. A log-in makes seven calls, and each allocates 19 MiB for the password. Their own time is the difference of two times of which hashing is
  ten times larger, and varies accordingly.
`
