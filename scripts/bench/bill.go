package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
)

const billText = `Time and memory of reading a month's REPORT lines into a bill, beside what unpacking and counting them takes: ` + "`zcat FILE | wc`" + `. The file is gzipped; its lines are of twenty functions, whose times and sizes vary. The program is that of ` + "`make bill`" + `, whose core is the function's. Aims: twice the time of ` + "`zcat | wc`" + `, and memory that doesn't grow with the file; what is remembered of lines, so that one that comes again isn't billed twice, takes 128 MB at most, of the last four million or more. Each takes its turn three times, and the fastest counts; its processor time says more, where others use the machine. The check is that the bill has as many requests and GB-seconds as were written.`

// aimBill is how much longer than zcat | wc a bill may take.
const aimBill = 2

// took is the time of a run, and the memory.
type took struct {
	clock, cpu     time.Duration
	heap, resident int // MB
}

// billing measures make bill on each form in which lines come.
func billing(ctx context.Context, b *bench) (section, error) {
	s := section{Title: "The bill", Text: billText}
	lines := 10_000_000
	if b.quick {
		lines = 200_000
	}
	dir, err := os.MkdirTemp("", "parley-bill-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bill")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./scripts/bill")
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return s, fmt.Errorf("build: %s", out)
	}
	t := table{Head: []string{"lines", "file, MB", "zcat \\| wc, s", "bill, s", "ratio", "ratio of processor time", "largest heap, MB", "resident, MB"}}
	for _, form := range reportForms {
		r, err := measureBill(ctx, dir, program, form, lines)
		if err != nil {
			return s, fmt.Errorf("%s: %w", form.name, err)
		}
		t.add(fmt.Sprintf("%d, %s", lines, form.name), "%d", r.mb, "%.1f", r.theirs.clock.Seconds(), "%.1f", r.ours.clock.Seconds(),
			"%.2f", r.ours.clock.Seconds()/r.theirs.clock.Seconds(), "%.2f", r.ours.cpu.Seconds()/r.theirs.cpu.Seconds(), "%d", r.ours.heap, "%d", r.ours.resident)
		fmt.Fprintf(os.Stderr, "bench: %s: %v of %v, processor %v of %v\n", form.name, r.ours.clock, r.theirs.clock, r.ours.cpu, r.theirs.cpu) // it takes minutes
		if ratio := r.ours.clock.Seconds() / r.theirs.clock.Seconds(); ratio > aimBill {
			s.Notes += fmt.Sprintf("%s takes %.2f times as long as zcat | wc, which is more than the aim of %d. ", form.name, ratio, aimBill)
		}
	}
	s.Tables = []table{t}
	return s, nil
}

// billed is what came of one form.
type billed struct {
	mb           int64
	theirs, ours took
}

func measureBill(ctx context.Context, dir, program string, form reportForm, lines int) (r billed, err error) {
	path := filepath.Join(dir, "function=f", "lines.gz")
	want, err := writeReports(path, form, lines)
	if err != nil {
		return r, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return r, err
	}
	r.mb = info.Size() >> 20
	for range 3 {
		theirs, err := count(ctx, path)
		if err != nil {
			return r, err
		}
		ours, err := runBill(ctx, dir, program, path, want)
		if err != nil {
			return r, err
		}
		if r.theirs.clock == 0 || theirs.clock < r.theirs.clock {
			r.theirs = theirs
		}
		if r.ours.clock == 0 || ours.clock < r.ours.clock {
			r.ours = ours
		}
	}
	return r, nil
}

// count runs zcat | wc.
func count(ctx context.Context, path string) (r took, err error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, "sh", "-c", `zcat "$0" | wc`, path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return r, fmt.Errorf("zcat | wc: %s", out)
	}
	r.clock, r.cpu = time.Since(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	return r, nil
}

// sums are what a bill must come to.
type sums struct{ requests, mbms int64 }

// runBill makes the bill, and checks it.
func runBill(ctx context.Context, dir, program, path string, want sums) (r took, err error) {
	out := filepath.Join(dir, "out")
	trace := &gcTrace{}
	cmd := exec.CommandContext(ctx, program, "--quiet", "--month", "2026-11", "--out", out, "--from-logs", path)
	cmd.Env, cmd.Stderr = append(os.Environ(), "GODEBUG=gctrace=1"), trace
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%w: %s", err, trace)
	}
	r.clock, r.cpu, r.heap = time.Since(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), trace.largest()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.resident = int(usage.Maxrss >> 10)
	}
	return r, checkBill(filepath.Join(out, "bills", "2026-11", "functions.csv"), want)
}

func checkBill(path string, want sums) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	last := rows[len(rows)-1]
	seconds := strconv.FormatInt(want.mbms/1_024_000, 10)
	if got, _, _ := strings.Cut(last[6], "."); last[4] != strconv.FormatInt(want.requests, 10) || got != seconds {
		return fmt.Errorf("the bill has %s requests and %s GB-seconds of %d and %s", last[4], last[6], want.requests, seconds)
	}
	return nil
}

// reportForm is a form in which lines come: how a line is written, and what stands
// around some of them.
type reportForm struct {
	name string
	line func(w io.Writer, at time.Time, id [2]uint64, ms float64, billed, mb int64)
	each int // lines between begin and end
	head func(n int) string
	tail string
}

var reportForms = []reportForm{
	{"as an export has them", func(w io.Writer, at time.Time, id [2]uint64, ms float64, billed, mb int64) {
		fmt.Fprintf(w, "%s REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: 80 MB\t\n",
			at.Format("2006-01-02T15:04:05.000Z"), requestID(id), ms, billed, mb)
	}, 0, nil, ""},
	{"text, by a subscription", func(w io.Writer, at time.Time, id [2]uint64, ms float64, billed, mb int64) {
		fmt.Fprintf(w, `{"id":"38%018d%018d%018d","timestamp":%d,"message":"REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: 80 MB\t\n"}`,
			at.UnixNano()%1e18, id[0]%1e18, id[1]%1e18, at.UnixMilli(), requestID(id), ms, billed, mb)
	}, 500, subscriptionHead, "]}"},
	{"JSON, by a subscription", func(w io.Writer, at time.Time, id [2]uint64, ms float64, billed, mb int64) {
		fmt.Fprintf(w, `{"id":"38%018d%018d%018d","timestamp":%d,"message":"{\"time\":\"%s\",\"type\":\"platform.report\",\"record\":{\"requestId\":\"%s\",\"metrics\":{\"durationMs\":%.3f,\"billedDurationMs\":%d,\"memorySizeMB\":%d,\"maxMemoryUsedMB\":80},\"status\":\"success\"}}\n"}`,
			at.UnixNano()%1e18, id[0]%1e18, id[1]%1e18, at.UnixMilli(), at.Format("2006-01-02T15:04:05.000Z"), requestID(id), ms, billed, mb)
	}, 500, subscriptionHead, "]}"},
}

func subscriptionHead(n int) string {
	return fmt.Sprintf(`{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/parley-function-%d","logStream":"2026/11/22/[$LATEST]1f","subscriptionFilters":["parley-report-lines"],"logEvents":[`, n%20)
}

func requestID(id [2]uint64) string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", id[0]>>32, id[0]>>16&0xffff, id[0]&0xfff, id[1]>>48&0xfff, id[1]&0xffffffffffff)
}

// writeReports writes so many lines of November 2026 and returns what they sum to.
// The same lines come each time.
func writeReports(path string, form reportForm, lines int) (want sums, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return want, err
	}
	f, err := os.Create(path)
	if err != nil {
		return want, err
	}
	defer f.Close()
	zip, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return want, err
	}
	w := bufio.NewWriterSize(zip, 1<<20)
	r := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	sizes := []int64{256, 256, 512, 2048}
	for i := range lines {
		if form.each > 0 && i%form.each == 0 {
			w.WriteString(form.head(i / form.each)) // an error stays until Flush
		} else if form.each > 0 {
			w.WriteByte(',')
		}
		ms, mb := r.Float64()*400, sizes[r.IntN(len(sizes))]
		billed := int64(ms) + 1
		form.line(w, start.Add(30*24*time.Hour/time.Duration(lines)*time.Duration(i)), [2]uint64{r.Uint64(), r.Uint64()}, ms, billed, mb)
		want.requests, want.mbms = want.requests+1, want.mbms+billed*mb
		if form.each > 0 && (i+1)%form.each == 0 || i == lines-1 {
			w.WriteString(form.tail)
		}
	}
	err = w.Flush()
	if closing := zip.Close(); err == nil {
		err = closing
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return want, err
}
