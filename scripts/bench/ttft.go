package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/prompt"
	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
)

const aimFirstToken = 5 * time.Millisecond

// firstToken measures the time to the first token straight at an engine, of the AWS
// calls alone, and through Parley, by turns.
func firstToken(ctx context.Context, b *bench) (section, error) {
	times, few := 100, 5
	if b.quick {
		times, few = 10, 3
	}
	e := &enginetest.Engine{Words: 5, Pace: 10 * time.Millisecond, Slots: 4, Context: 4096}
	c, err := newCrew(ctx, b, e)
	if err != nil {
		return section{}, err
	}
	defer c.Close()
	rounds, err := countRounds(ctx, b, c.engineURL)
	if err != nil {
		return section{}, fmt.Errorf("count round trips: %w", err)
	}
	made, err := c.race(ctx, c.engineURL, "small", warmUp, times)
	if err != nil {
		return section{}, err
	}
	t := table{Head: []string{"ms", "p50", "p90", "p99"}}
	made.rows(&t, "deterministic engine")
	if url := os.Getenv("ENGINE_URL"); url != "" {
		real, err := c.race(ctx, url, os.Getenv("ENGINE_MODEL"), 1, few)
		if err != nil {
			return section{}, fmt.Errorf("real engine: %w", err)
		}
		real.rows(&t, "llama.cpp")
	}
	more := made.more()
	notes := fmt.Sprintf("Parley adds %.1f ms at p50 besides the emulator's %.1f ms; the aim is %d ms. The question takes %d AWS round trips one after another until its first token: %d in `send-message`, %d in the worker, the delivery of the prompt included. The emulator's time is none of AWS's.",
		milliseconds(more), milliseconds(percentile(made.alone, 50)), aimFirstToken.Milliseconds(), rounds.send+rounds.work, rounds.send, rounds.work)
	return section{Title: "Time to first token", Text: fmt.Sprintf(firstTokenText, times, few), Tables: []table{t}, Notes: notes}, nil
}

const firstTokenText = `From a question's hand-over to ` + "`send-message`" + ` (over the Lambda Runtime API) to the first delta on the relay's stream, beside the same question straight at the
same engine, and beside the AWS calls that lie between alone: the transaction, the write and the SQS send of ` + "`send-message`" + `, the delivery to a poll that waits, the claim and the reading
beside it, made with the same clients by one process. The three take turns, one question at a time, %d of each (%d at llama.cpp with the small model). Function, worker and relay are processes of their
own; DynamoDB is dynoxide, SQS the embedded AWS, which looks only every 100 ms for what a poll waits for: the questions are spread evenly over that time.

Aim: at most 5 ms more than the engine at p50, besides the emulator's own time.
`

// race is what the three ways took.
type race struct{ straight, alone, through []time.Duration }

// more is what Parley adds at p50 to engine and emulator.
func (r race) more() time.Duration {
	return percentile(r.through, 50) - percentile(r.straight, 50) - percentile(r.alone, 50)
}

func (r race) rows(t *table, engine string) {
	row := func(name string, of []time.Duration) {
		t.add(name, "%.1f", milliseconds(percentile(of, 50)), "%.1f", milliseconds(percentile(of, 90)), "%.1f", milliseconds(percentile(of, 99)))
	}
	row(engine+": straight", r.straight)
	row("the AWS calls alone", r.alone)
	row(engine+": through Parley", r.through)
	if len(r.through) >= enough {
		t.add("Parley's own, of the medians", "%.1f", milliseconds(r.more()), "%s", "", "%s", "")
	}
}

// enough questions make a difference of medians mean something: the embedded AWS
// alone takes from 10 to 110 ms.
const enough = 50

// race asks in turns. Every question is another one, so that no cache knows it.
func (c *crew) race(ctx context.Context, engineURL, model string, warm, times int) (race, error) {
	var r race
	who, err := c.join(ctx, quota.Free)
	if err != nil {
		return r, err
	}
	worker, err := c.worker(ctx, engineURL, "ENGINE_MODEL="+model)
	if err != nil {
		return r, err
	}
	defer worker.Kill()
	f, err := c.front(ctx, 1)
	if err != nil {
		return r, err
	}
	defer f.Close()
	straight := engine.New(engine.Settings{URL: engineURL, Model: model, FirstToken: time.Minute, Idle: time.Minute})
	alone, err := newAlone(ctx, c.Rig)
	if err != nil {
		return r, err
	}
	defer alone.close()
	for n := range warm + times {
		q := fmt.Sprintf("Question %d: what is the capital of France?", n)
		a, err1 := firstOf(ctx, straight, q)
		b, err2 := alone.once(ctx, q, spread(n))
		time.Sleep(spread(n))
		p, err3 := c.firstThrough(ctx, f, who, q)
		if err := errors.Join(err1, err2, err3); err != nil {
			return r, err
		}
		if n >= warm {
			r.straight, r.alone, r.through = append(r.straight, a), append(r.alone, b), append(r.through, p)
		}
	}
	return r, nil
}

// firstOf asks an engine itself and reads the answer to its end.
func firstOf(ctx context.Context, e *engine.Client, question string) (first time.Duration, err error) {
	began := time.Now()
	s, err := e.Chat(ctx, engine.Request{Turns: []prompt.Turn{{Role: "user", Text: question}}, MaxTokens: 1000})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for {
		chunk, err := s.Next()
		if err != nil {
			return first, whole(err)
		}
		if first == 0 && chunk.Text != "" {
			first = time.Since(began)
		}
	}
}

// firstThrough asks Parley and reads the answer to its end.
func (c *crew) firstThrough(ctx context.Context, f *front, who person, question string) (first time.Duration, err error) {
	began := time.Now()
	a, err := f.send(ctx, who, question)
	if err != nil {
		return 0, err
	}
	err = c.stream(ctx, who, a, func(e event) bool {
		if first == 0 && e.name == "delta" {
			first = e.at.Sub(began)
		}
		return true
	})
	if err == nil && first == 0 {
		err = errors.New("the reply has no text")
	}
	return first, err
}

// alone makes the AWS calls of a question without anything else.
type alone struct {
	chats  *store.Chats
	queue  *queue.Prompts
	sender *chat.Sender
	user   string
	close  func()
}

// newAlone has a queue of its own, which no worker polls.
func newAlone(ctx context.Context, r *rig.Rig) (*alone, error) {
	out, err := r.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("bench-alone-" + id.New(time.Now())),
		Attributes: map[string]string{"VisibilityTimeout": "3"}})
	if err != nil {
		return nil, err
	}
	// Clients as the processes have them, which keep their connections; but not for
	// long: the embedded AWS closes idle ones, and loses what it was just asked on them.
	to := func(url string) aws.Config {
		return aws.Config{Region: "us-east-1", BaseEndpoint: &url,
			HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10, IdleConnTimeout: time.Second}},
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	}
	a := &alone{user: id.New(time.Now()), queue: queue.New(sqs.NewFromConfig(to(r.Services.AWS)), *out.QueueUrl),
		chats: store.NewChats(dynamodb.NewFromConfig(to(r.Services.DynamoDB)), s3.NewFromConfig(to(r.Services.AWS)), r.ChatsTable, r.Bucket)}
	a.sender = &chat.Sender{Store: a.chats, Queue: a.queue, Now: time.Now, NewID: id.New, Deadlines: map[quota.Plan]time.Duration{quota.Free: time.Minute}}
	a.close = func() { r.SQS.DeleteQueue(context.WithoutCancel(ctx), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}) }
	return a, nil
}

// spread returns the moments of questions, evenly over the 100 ms after which the
// embedded SQS looks again for what a poll waits for. Left to chance, that alone
// would make the medians of 200 questions vary by more than the aim.
func spread(n int) time.Duration { return time.Duration(n*61%100) * time.Millisecond }

// once makes them once. As at a worker, the poll waits before the prompt comes.
func (a *alone) once(ctx context.Context, question string, after time.Duration) (time.Duration, error) {
	polled := make(chan queue.Delivery, 1)
	go func() { polled <- a.poll(ctx) }()
	time.Sleep(100*time.Millisecond + after)
	began := time.Now()
	sent, err := a.sender.Send(ctx, a.user, quota.Free, unlimited, chat.Question{Text: question})
	if err != nil {
		return 0, err
	}
	d := <-polled
	for d.Err == nil && d.Prompt.Reply != sent.Reply { // one that came before and could not be deleted
		d = a.poll(ctx)
	}
	if d.Err != nil {
		return 0, d.Err
	}
	ref := d.Prompt.Ref()
	ref.Message = d.Prompt.Question
	read := make(chan error, 1)
	go func() {
		_, err := a.chats.Recent(ctx, ref, 2)
		read <- err
	}()
	_, err = a.chats.Claim(ctx, d.Prompt)
	err = errors.Join(err, <-read)
	took := time.Since(began)
	a.queue.Delete(ctx, d.Receipt) // the embedded SQS sometimes gives a receipt that counts no more
	return took, err
}

// poll waits for one prompt.
func (a *alone) poll(ctx context.Context) queue.Delivery {
	for {
		got, err := a.queue.Receive(ctx, 1, 10*time.Second)
		if err != nil {
			return queue.Delivery{Err: err}
		}
		if len(got) > 0 {
			return got[0]
		}
	}
}

// rounds are the AWS round trips of a question that wait for one another.
type rounds struct{ send, work int }

// countRounds sees one question pass through recorders, which make each call last
// long enough for those that are made side by side to overlap.
func countRounds(ctx context.Context, b *bench, engineURL string) (n rounds, err error) {
	r, err := rig.New(ctx, b.services, rig.Options{Delay: 50 * time.Millisecond, Log: b.log})
	if err != nil {
		return n, err
	}
	c := &crew{Rig: r, close: []func(){func() { closeRig(r) }}}
	defer c.Close()
	if err := r.RotateKeys(ctx); err != nil {
		return n, err
	}
	relay, err := r.Relay(ctx)
	if err != nil {
		return n, err
	}
	c.relay = relay.URL
	who, err := c.join(ctx, quota.Free)
	if err != nil {
		return n, err
	}
	worker, err := r.Worker(ctx, engineURL, "ENGINE_MODEL=small", "SYSTEM_PROMPT=")
	if err != nil {
		return n, err
	}
	env, err := r.Start(ctx, "send-message")
	if err != nil {
		return n, err
	}
	defer env.Close()
	f := &front{free: make(chan *runtimeapi.Environment, 1)}
	f.free <- env
	if _, err := c.firstThrough(ctx, f, who, "A first question fills the caches."); err != nil {
		return n, err
	}
	r.Recorder.Reset(nil)
	worker.Reset()
	a, err := f.send(ctx, who, "How many round trips?")
	if err != nil {
		return n, err
	}
	sent, err := r.Recorder.Calls()
	if err != nil {
		return n, err
	}
	n.send = ledger.Rounds(sent)
	var failed error
	err = c.stream(ctx, who, a, func(e event) bool {
		if e.name == "delta" && n.work == 0 {
			var calls []ledger.Call
			calls, failed = worker.AWS.Calls()
			n.work = 1 + ledger.Rounds(slices.DeleteFunc(calls, polls)) // the poll that brought it waits, too
		}
		return true
	})
	return n, errors.Join(err, failed)
}

// polls tells calls that go on beside a question.
func polls(c ledger.Call) bool { return c.Operation == "ReceiveMessage" || c.Ended.IsZero() }

// whole is nil for the end of a whole answer.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
