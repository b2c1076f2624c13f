//go:build service

// Tests of the worker as a process, with a real queue: what a signal does to it.
package main_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/fleet/child"
	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
)

// site is a stack whose workers are processes and whose queue is SQS's.
type site struct {
	*fleettest.Stack
	engine *enginetest.Engine
	binary string
	env    []string
	queues queue.Plans
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Stack: fleettest.New(t), engine: enginetest.New(t), binary: filepath.Join(t.TempDir(), "worker"), queues: queue.Plans{}}
	s.engine.Words, s.engine.Pace = 60, 50*time.Millisecond
	if out, err := exec.Command("go", "build", "-o", s.binary, "parley/fleet/worker").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	suffix := id.New(time.Now())
	s.env = append(os.Environ(), "AWS_ENDPOINT_URL_DYNAMODB="+fleettest.Env(t, "DYNAMODB_URL"), "CHATS_TABLE="+s.Table,
		"BODIES_BUCKET=none", "FILES_TABLE=none", "FILES_BUCKET=none", "ENGINE_URL="+s.engine.URL, "ENGINE_MODEL=small", "ENGINE_SLOTS=4", "USAGE_EVERY=1s", "MODELS=", "LISTEN=")
	s.makeQueues(t, sqs.NewFromConfig(cfg), suffix)
	bucket := "usage-" + strings.ToLower(suffix)
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "USAGE_BUCKET="+bucket)
	return s
}

// makeQueues makes queues as template.yaml has them, two for free prompts, and sends
// prompts there.
func (s *site) makeQueues(t *testing.T, client *sqs.Client, suffix string) {
	t.Helper()
	set := queue.Settings{FreeUsed: 2}
	for name, url := range map[string]*[]string{"free": &set.Free, "free-2": &set.Free, "premium": &set.Premium} {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-" + suffix),
			Attributes: map[string]string{"VisibilityTimeout": "15"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, _ = client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}) // it goes with the emulator
		})
		*url = append(*url, *out.QueueUrl)
	}
	s.queues = set.Plans(client)
	s.env = append(s.env, "QUEUE_URLS_FREE="+strings.Join(set.Free, ","), "QUEUE_URLS_PREMIUM="+strings.Join(set.Premium, ","))
	s.Sender.Queue = s.queues
}

// work starts a worker; the test's end kills it.
func (s *site) work(env ...string) *exec.Cmd {
	s.T.Helper()
	w := exec.Command(s.binary)
	w.Env = append(append([]string{}, s.env...), env...)
	if testing.Verbose() {
		w.Stderr = os.Stderr
	}
	if err := child.Start(w); err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() {
		_ = w.Process.Kill() // unless it has ended
		_ = w.Wait()
	})
	return w
}

// follow reads a reply's stream to its end and calls once after its fifth piece.
func (s *site) follow(ref chat.Ref, once func()) []fleettest.Event {
	deltas := 0
	return s.Stream(s.T.Context(), ref, "", func(e fleettest.Event) {
		if e.Name == "delta" {
			if deltas++; deltas == 5 {
				once()
			}
		}
	})
}

// row reads a reply.
func (s *site) row(ref chat.Ref) chat.Message {
	s.T.Helper()
	m, err := s.Chats.Message(s.T.Context(), ref)
	if err != nil {
		s.T.Fatal(err)
	}
	return m
}

// seamless checks that what was shown is what is stored and what the engine said.
func (s *site) seamless(ref chat.Ref, events []fleettest.Event, attempts, handedBack int) {
	s.T.Helper()
	shown, resets := fleettest.Text("", events)
	m := s.row(ref)
	want := enginetest.Answer("Why?", 60)
	if m.Status != chat.Done || m.Text != want || shown != want || resets > 0 {
		s.T.Errorf("%s, %d resets:\nstored %q\nshown  %q", m.Status, resets, m.Text, shown)
	}
	if m.Attempt != attempts || m.HandedBack != handedBack || m.Usage == nil || m.Usage.CompletionTokens != 60 {
		s.T.Errorf("attempt %d, handed back %d, usage %+v", m.Attempt, m.HandedBack, m.Usage)
	}
}

// Chats' prompts are in two queues of their plan; one worker answers them all, and
// leaves neither queue anything.
func TestAWorkerReadsAllQueuesOfAPlan(t *testing.T) {
	s := newSite(t)
	s.engine.Words, s.engine.Pace = 5, time.Millisecond
	var refs []chat.Ref
	for range 24 { // all in one queue: once in eight million times
		refs = append(refs, s.Ask("", "Why?"))
	}
	lanes := s.queues[quota.Free].All()
	for i, q := range lanes {
		if waiting, _, err := q.Depth(t.Context()); err != nil || waiting == 0 || waiting == len(refs) {
			t.Errorf("queue %d has %d of %d prompts, %v", i+1, waiting, len(refs), err)
		}
	}
	if waiting, _, err := s.queues[quota.Free].Depth(t.Context()); err != nil || waiting != len(refs) {
		t.Errorf("%d prompts wait in all, %v", waiting, err)
	}
	s.work()
	for _, ref := range refs {
		s.follow(ref, func() {})
		if m := s.row(ref); m.Status != chat.Done || m.Attempt != 1 {
			t.Errorf("%s: %s, attempt %d", ref.Message, m.Status, m.Attempt)
		}
	}
	fleettest.Await(t, 30*time.Second, "both queues are empty", func() bool {
		waiting, hidden, err := s.queues[quota.Free].Depth(t.Context())
		return err == nil && waiting+hidden == 0
	})
}

// pause returns the longest time that a reader waited for the next piece.
func pause(events []fleettest.Event) time.Duration {
	longest, last := time.Duration(0), time.Time{}
	for _, e := range events {
		if e.Name == "delta" {
			if !last.IsZero() {
				longest = max(longest, e.At.Sub(last))
			}
			last = e.At
		}
	}
	return longest
}

// A worker dies by SIGKILL in the middle of an answer. Within 15 s another one goes
// on from the frames, and the reader's stream has no seam.
func TestAKilledWorkersAnswerGoesOn(t *testing.T) {
	s := newSite(t)
	first := s.work()
	ref := s.Ask("", "Why?")
	events := s.follow(ref, func() {
		if err := first.Process.Kill(); err != nil {
			t.Error(err)
		}
		s.work()
	})
	s.seamless(ref, events, 2, 0)
	took := pause(events)
	t.Logf("the stream stood still for %s", took)
	if took > 15*time.Second {
		t.Errorf("the answer went on after %s", took)
	}
}

// SIGTERM: what runs is given the time to end, what waits is left alone, and the
// process ends well.
func TestADrainedWorkerEndsItsAnswersFirst(t *testing.T) {
	s := newSite(t)
	w := s.work("GRACE=20s")
	ref := s.Ask("", "Why?")
	var later chat.Ref
	events := s.follow(ref, func() {
		if err := w.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		time.Sleep(500 * time.Millisecond) // the signal has arrived; a long poll may still bring something
		later = s.Ask("", "And why not?")
	})
	if err := w.Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	s.seamless(ref, events, 1, 0)
	if m := s.row(later); m.Status != chat.Queued || m.Attempt != 0 {
		t.Errorf("sent after the signal: %s, attempt %d", m.Status, m.Attempt)
	}
}

// SIGTERM with too little time left: the answer is handed over with its frames, at
// once, and nobody is blamed.
func TestADrainedWorkerHandsOver(t *testing.T) {
	s := newSite(t)
	w := s.work("GRACE=100ms")
	ref := s.Ask("", "Why?")
	var ended sync.WaitGroup
	events := s.follow(ref, func() {
		if err := w.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		s.work()
		ended.Go(func() {
			if err := w.Wait(); err != nil {
				t.Errorf("the worker ended with %v", err)
			}
		})
	})
	ended.Wait()
	s.seamless(ref, events, 2, 1)
	if took := pause(events); took > 8*time.Second {
		t.Errorf("the answer went on after %s", took)
	}
}
