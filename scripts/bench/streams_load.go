package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"parley/fleet/frame"
	"parley/fleet/valkey"
	"parley/shared/chat"
)

// crowd is the streams of many clients and those who write to them.
type crowd struct {
	url, token string
	refs       []chat.Ref
	shared     *sharedValkey
	relay      int // process id
	seq        int // of the last frame, the same for all

	times  [20_000]atomic.Int32 // events by time from frame to client, in steps of 0.1 ms
	wrong  atomic.Int64
	broken atomic.Int64
}

const timeStep = 100 * time.Microsecond

// frameText is what a frame carries: the time and a few words, always as long.
func frameText(now int64) string {
	return fmt.Sprintf("@%019d the quick brown fox ", now)
}

// open opens the streams from..to and leaves a reader at each.
func (c *crowd) open(ctx context.Context, from, to int) error {
	next, failed := make(chan int), make(chan error, 1)
	var opening sync.WaitGroup
	for range 16 {
		opening.Go(func() {
			for i := range next {
				if err := c.openOne(ctx, i); err != nil {
					select {
					case failed <- fmt.Errorf("open stream %d: %w", i, err):
					default:
					}
				}
			}
		})
	}
	for i := from; i < to; i++ {
		next <- i
	}
	close(next)
	opening.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// openOne dials from one of several addresses, for one has too few ports, and
// waits for the first event.
func (c *crowd) openOne(ctx context.Context, i int) error {
	at, err := url.Parse(c.url)
	if err != nil {
		return err
	}
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}, Timeout: 10 * time.Second}
	conn, err := dial.DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return err
	}
	fmt.Fprintf(conn, "GET /v1/chats/%s/messages/%s/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		c.refs[i].Chat, c.refs[i].Message, at.Host, c.token)
	r := bufio.NewReaderSize(conn, 1024)
	status, err := r.ReadString('\n')
	if err != nil || !strings.Contains(status, " 200 ") {
		return fmt.Errorf("%s (%w)", strings.TrimSpace(status), err)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("data: ")) {
			break
		}
	}
	go c.read(ctx, conn, r)
	return nil
}

var textHead = []byte(`data: {"text":"@`)

// read notes when each frame arrives.
func (c *crowd) read(ctx context.Context, conn net.Conn, r *bufio.Reader) {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	last := int64(0)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			c.broken.Add(1)
			return
		}
		if !bytes.HasPrefix(line, textHead) || len(line) < len(textHead)+19 {
			continue
		}
		sent, err := strconv.ParseInt(string(line[len(textHead):len(textHead)+19]), 10, 64)
		if err != nil || sent <= last {
			c.wrong.Add(1)
		}
		last = sent
		step := min(int64(len(c.times)-1), max(0, time.Now().UnixNano()-sent)/int64(timeStep))
		c.times[step].Add(1)
	}
}

// paceResult is what came of publishing at one rate.
type paceResult struct {
	published, read    float64 // frames a second
	p50, p99           time.Duration
	relay, shared, own float64 // cores
}

// run publishes frames to all streams at that rate each.
func (c *crowd) run(ctx context.Context, rate float64, lasts time.Duration) (res paceResult, err error) {
	for i := range c.times {
		c.times[i].Store(0)
	}
	cpu := [3]time.Duration{cpuOf(c.relay), cpuOf(c.shared.pid), cpuOf(os.Getpid())}
	began := time.Now()
	frames, err := c.publish(ctx, rate, lasts)
	if err != nil {
		return res, err
	}
	took := time.Since(began).Seconds()
	cores := func(pid int, before time.Duration) float64 { return (cpuOf(pid) - before).Seconds() / took }
	res = paceResult{published: float64(frames) / took, relay: cores(c.relay, cpu[0]), shared: cores(c.shared.pid, cpu[1]), own: cores(os.Getpid(), cpu[2])}
	time.Sleep(2 * time.Second) // what is on its way counts, too
	read, times := int64(0), [len(c.times)]int64{}
	for i := range c.times {
		times[i] = int64(c.times[i].Load())
		read += times[i]
	}
	res.read = float64(read) / took
	res.p50, res.p99 = quantile(times[:], read, 0.50), quantile(times[:], read, 0.99)
	return res, nil
}

func quantile(times []int64, all int64, q float64) time.Duration {
	seen := int64(0)
	for i, n := range times {
		if seen += n; float64(seen) >= q*float64(all) {
			return time.Duration(i+1) * timeStep
		}
	}
	return time.Duration(len(times)) * timeStep
}

// publish writes whole rounds of frames, evenly spread, until the time is over.
func (c *crowd) publish(ctx context.Context, rate float64, lasts time.Duration) (frames int, err error) {
	conn, err := net.Dial("tcp", c.shared.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	answered := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, conn); answered <- err }()
	rounds := max(1, int(rate*lasts.Seconds()))
	gap := time.Duration(float64(time.Second) / rate)
	began := time.Now()
	var out bytes.Buffer
	for round := range rounds {
		c.seq++
		for done := 0; done < len(c.refs); {
			due := int(float64(len(c.refs)) * float64(time.Since(began)-time.Duration(round)*gap) / float64(gap))
			due = min(due, len(c.refs), done+500)
			if due <= done {
				time.Sleep(2 * time.Millisecond)
				continue
			}
			out.Reset()
			for ; done < due; done++ {
				appendFrame(&out, c.refs[done], c.seq)
			}
			if _, err := conn.Write(out.Bytes()); err != nil {
				return frames, err
			}
			if ctx.Err() != nil {
				return frames, ctx.Err()
			}
		}
		frames += len(c.refs)
	}
	return frames, nil
}

// appendFrame writes the commands by which a worker publishes a frame.
func appendFrame(out *bytes.Buffer, ref chat.Ref, seq int) {
	text := frameText(time.Now().UnixNano())
	f := frame.Frame{Attempt: 1, Seq: int64(seq), Start: (seq - 1) * len(text), Text: text, Tokens: seq * 5}
	body, err := json.Marshal(f)
	if err != nil {
		return // a frame of numbers and ASCII always encodes
	}
	name := valkey.Frames(ref)
	command(out, "MULTI")
	command(out, "XADD", name, "MAXLEN", "~", "18000", f.ID(), "f", string(body))
	command(out, "PUBLISH", name, string(body))
	command(out, "EXPIRE", name, "3600")
	command(out, "EXEC")
}

func command(out *bytes.Buffer, words ...string) {
	fmt.Fprintf(out, "*%d\r\n", len(words))
	for _, w := range words {
		out.WriteString("$" + strconv.Itoa(len(w)) + "\r\n" + w + "\r\n")
	}
}

// sharedValkey is a Valkey of the bench's own, so that nobody else's connections
// count.
type sharedValkey struct {
	addr string
	pid  int
	stop func()
}

func startValkey(ctx context.Context, root string) (*sharedValkey, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr) // it is our own
	l.Close()
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, ".tools", "valkey", "valkey-server"), "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", dir, "--loglevel", "warning")
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Valkey: %w", err)
	}
	v := &sharedValkey{addr: addr, pid: cmd.Process.Pid, stop: func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	}}
	client := valkey.Open(valkey.Settings{Addr: addr})
	defer client.Close()
	for end := time.Now().Add(10 * time.Second); valkey.Ping(ctx, client) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			v.stop()
			return nil, fmt.Errorf("the Valkey at %s doesn't answer", addr)
		}
	}
	return v, nil
}

// connections is how many the relay has: all but the one that asks.
func (v *sharedValkey) connections(ctx context.Context) int {
	client := valkey.Open(valkey.Settings{Addr: v.addr})
	defer client.Close()
	list, err := client.ClientList(ctx).Result()
	if err != nil {
		return -1
	}
	return strings.Count(list, "\n") - 1
}

// resident is the resident set of a process in bytes.
func resident(pid int) int64 {
	pages := int64(0)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		fmt.Sscanf(string(b), "%d %d", new(int64), &pages)
	}
	return pages * int64(os.Getpagesize())
}

// cpuOf is what a process has used of the processor.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11]) // as proc(5) has it, in hundredths of a second
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
