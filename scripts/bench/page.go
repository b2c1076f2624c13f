package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Aims of a function.
const (
	aimSize    = 16 << 20
	aimInitial = 50 * time.Millisecond
	aimOwn     = 2 * time.Millisecond
)

// line shows a result in the terminal.
func (res result) line() string {
	return fmt.Sprintf("%-40s %5.1f MB  starts in %5.1f ms  own %6d µs (p90 %6d, wire %5d)  %6d allocations, %5d KB  %d calls to AWS", res.name(),
		megabytes(res.size), milliseconds(res.initial), res.own.Microseconds(), res.slow.Microseconds(), res.wire.Microseconds(), res.allocations, res.bytes>>10, res.calls)
}

func megabytes(n int64) float64            { return float64(n) / (1 << 20) }
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

const head = `# Benchmarks

Written by ` + "`make bench`" + ` on %s, on %s. Times are of that machine, which had other work to do as well; the ratios to the aims
tell more than the times.

Each function is built as for Lambda and driven over the Lambda Runtime API. It starts when its process does, and has started when it asks for its
first event: the median of %d starts. Its own time is that from an event's hand-over to its answer, without the time in which AWS was at work as
a proxy between the two saw it, and without the hashing of passwords (Argon2id with 19 MiB takes %.0f ms of a core here); what the AWS SDK does
is in it. So is the wire, what lies between function and proxy, which stands beside it: as many plain HTTP requests in sequence take that long. Medians and 90th percentiles of %d warm calls, %d where a password is hashed.
Allocations are those of the whole process for one such call, counted by the Go runtime.

Aims: under 16 MB, under 50 ms to start, under 2 ms of our own per call.

`

// page is docs/benchmarks.md.
func page(results []result, now time.Time) string {
	w := &strings.Builder{}
	fmt.Fprintf(w, head, now.UTC().Format("2006-01-02"), machine(), starts, milliseconds(timeHashing()), many, few)
	fmt.Fprintln(w, "| function | binary, MB | of the aim | start, ms | of the aim |\n|---|---:|---:|---:|---:|")
	seen := map[string]bool{}
	for _, res := range results {
		if seen[res.function] {
			continue
		}
		seen[res.function] = true
		fmt.Fprintf(w, "| %s | %.1f | %s | %.1f | %s |\n", res.function, megabytes(res.size), ratio(res.size, aimSize), milliseconds(res.initial), ratio(res.initial, aimInitial))
	}
	fmt.Fprintln(w, "\n| call | own time, µs | 90th percentile | of it the wire | own without that, of the aim | allocations | KB allocated | calls to AWS |\n|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, res := range results {
		fmt.Fprintf(w, "| %s | %d | %d | %d | %s | %d | %d | %d |\n", res.name(), res.own.Microseconds(), res.slow.Microseconds(),
			res.wire.Microseconds(), ratio(res.own-res.wire, aimOwn), res.allocations, res.bytes>>10, res.calls)
	}
	fmt.Fprint(w, why)
	return w.String()
}

// why explains what a profile of the calls that miss their aim has shown.
const why = `
## What misses its aim, and why

A profile (CPU, 600 calls each, November 2026) has shown where the time goes:

- **A page of history** answers with 250 KB of text. Of 6.1 ms of a core, 2.0 are for unpacking 30 bodies, 1.2 for encoding the answer as JSON, and once more
  as the string that Lambda wants; the rest is the reading of 140 KB of base64, the network and the garbage collector.
- **A send** of 8 KB takes 2.3 ms of a core: 0.45 for compressing the question, the rest mostly for its four calls through the SDK.
  The compression could be done while the first of them is under way.
- **Sign-up and log-in** have not been profiled. A log-in makes seven calls, and each allocates 19 MiB for the password. Their own time is the difference of two times of which hashing is
  ten times larger, and varies accordingly.
`

func ratio[T ~int64](have, aim T) string { return fmt.Sprintf("%.2f", float64(have)/float64(aim)) }

// machine says what this ran on.
func machine() string {
	return fmt.Sprintf("%d cores (%s), %s/%s, %s", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
