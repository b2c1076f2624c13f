//go:build service

package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/search"
	"parley/shared/shelf"
	"parley/shared/store"
)

// indexery is where tests let histories be indexed by the compiled function.
type indexery struct {
	*rig.Rig
	bucket  string
	queue   string
	shelf   *shelf.Shelf
	indexer *search.Indexer // in this process, for what comes before
	made    time.Time       // of the next message
}

func newIndexery(t *testing.T) *indexery {
	t.Helper()
	r, _ := newRig(t)
	x := &indexery{Rig: r, bucket: "rig-index-" + strings.ToLower(id.New(time.Now())), made: time.Now().Add(-24 * time.Hour)}
	x.S3 = s3.New(x.S3.Options(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := x.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &x.bucket}); err != nil {
		t.Fatal(err)
	}
	made, err := x.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &x.bucket, Attributes: map[string]string{"VisibilityTimeout": "15"}})
	if err != nil {
		t.Fatal(err)
	}
	x.queue = *made.QueueUrl
	t.Cleanup(func() { x.remove(t) })
	if x.shelf, err = shelf.New(x.S3, x.bucket, t.TempDir(), 0); err != nil {
		t.Fatal(err)
	}
	x.indexer = &search.Indexer{Ledger: x.Chats, Shelf: x.shelf, Texts: x.texts(), Lag: time.Minute, Now: time.Now}
	return x
}

func (x *indexery) texts() search.Texts {
	return search.Library{Files: store.NewFiles(x.DB, x.FilesTable, x.ChatsTable), Contents: noContents{}}
}

// noContents has the text of no file.
type noContents struct{}

// Text implements search.Contents.
func (noContents) Text(context.Context, string, string) ([]byte, error) { return nil, file.ErrNoFile }

func (x *indexery) remove(t *testing.T) {
	ctx := context.Background()
	for _, name := range x.objects(t, "") {
		if _, err := x.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &x.bucket, Key: aws.String("segments/" + name)}); err != nil {
			t.Error(err)
		}
	}
	_, err := x.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &x.bucket})
	_, failed := x.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &x.queue})
	if err := errors.Join(err, failed); err != nil {
		t.Error(err)
	}
}

// objects are the segments in a folder.
func (x *indexery) objects(t *testing.T, folder string) (names []string) {
	t.Helper()
	prefix := "segments/" + folder
	for pages := s3.NewListObjectsV2Paginator(x.S3, &s3.ListObjectsV2Input{Bucket: &x.bucket, Prefix: &prefix}); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			names = append(names, strings.TrimPrefix(*o.Key, prefix))
		}
	}
	return names
}

// history is a user with what was said.
type history struct {
	user string
	want map[search.Doc]bool
}

// say adds a chat of one turn, with text of that size that nobody else has.
func (x *indexery) say(t *testing.T, h *history, size int) {
	t.Helper()
	x.made = x.made.Add(2 * time.Millisecond)
	now := x.made
	q := id.New(now)
	s := chat.Sending{User: h.user, Chat: id.New(now), NewChat: true, Title: "Of everything", Reply: chat.ReplyOf(q), Limit: 1 << 30, At: now,
		Question: chat.Message{ID: q, Role: chat.User, Text: "What of " + q + "?", Deadline: time.Now().Add(time.Hour), Hour: "H"}}
	var b strings.Builder
	for fmt.Fprintf(&b, "This of %s. ", s.Reply); b.Len() < size; {
		fmt.Fprintf(&b, "w%x ", rand.Uint32())
	}
	_, err := x.Chats.Accept(t.Context(), s)
	if err == nil {
		_, err = x.Chats.Ask(t.Context(), s)
	}
	p := chat.Prompt{Version: chat.PromptVersion, User: s.User, Chat: s.Chat, Question: q, Reply: s.Reply, Hour: "H", Deadline: s.Question.Deadline}
	var m chat.Message
	if err == nil {
		m, err = x.Chats.Claim(t.Context(), p)
	}
	if err == nil {
		err = x.Chats.Commit(t.Context(), p.Ref(), m.Attempt, chat.Result{Status: chat.Done, Text: b.String(), Finish: "stop"})
	}
	if err != nil {
		t.Fatal(err)
	}
	h.want[search.Doc{Chat: s.Chat, Message: s.Chat, Kind: search.Title}] = true
	h.want[search.Doc{Chat: s.Chat, Message: q}], h.want[search.Doc{Chat: s.Chat, Message: s.Reply}] = true, true
}

// indexing is a kind of run. prepare brings a user to where it begins.
type indexing struct {
	name    string
	job     search.Job // but for the user
	prepare func(t *testing.T, x *indexery, h *history)
	batch   string        // KB
	time    time.Duration // that Lambda gives a run
}

const worthy = 70 << 10 // bytes that are worth a segment

var indexings = []indexing{
	{name: "first segment", batch: "32768", time: 15 * time.Minute, prepare: func(t *testing.T, x *indexery, h *history) {
		x.say(t, h, worthy)
		x.say(t, h, 100)
	}},
	{name: "several runs", batch: "100", time: 30 * time.Second, prepare: func(t *testing.T, x *indexery, h *history) {
		for range 3 {
			x.say(t, h, worthy)
		}
	}},
	{name: "second of several runs", batch: "100", time: 30 * time.Second, prepare: func(t *testing.T, x *indexery, h *history) {
		for range 5 {
			x.say(t, h, worthy)
		}
		x.indexer.Batch = 100 << 10
		defer func() { x.indexer.Batch = 0 }()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // too short for a second segment
		defer cancel()
		if done, err := x.indexer.Run(ctx, search.Job{User: h.user}); err != nil || !done.Again {
			t.Fatalf("the first run did %+v, %v", done, err)
		}
	}},
	{name: "merge", batch: "32768", time: 15 * time.Minute, prepare: func(t *testing.T, x *indexery, h *history) {
		for n := range 4 {
			x.say(t, h, worthy)
			if n < 3 {
				x.index(t, search.Job{User: h.user})
			}
		}
	}},
	{name: "sweep", batch: "32768", time: 15 * time.Minute, prepare: func(t *testing.T, x *indexery, h *history) {
		for range 4 {
			x.say(t, h, worthy)
			x.index(t, search.Job{User: h.user})
		}
		x.say(t, h, worthy) // what was merged was replaced a day ago
	}},
	{name: "all anew", batch: "100", time: 15 * time.Minute, job: search.Job{Anew: true}, prepare: func(t *testing.T, x *indexery, h *history) {
		x.say(t, h, worthy)
		x.index(t, search.Job{User: h.user})
		x.say(t, h, worthy)
	}},
}

// index indexes in this process, up to the newest message.
func (x *indexery) index(t *testing.T, j search.Job) {
	t.Helper()
	x.made = x.made.Add(2 * time.Minute)
	now := x.made
	x.indexer.Now = func() time.Time { return now }
	if _, err := x.indexer.Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

// start starts a fresh environment of index-history.
func (x *indexery) start(t *testing.T, i indexing) *runtimeapi.Environment {
	t.Helper()
	spec, err := x.Spec(t.Context(), "index-history", "TMPDIR="+t.TempDir(), "INDEX_BUCKET="+x.bucket, "INDEX_QUEUE_URL="+x.queue, "INDEX_BATCH_KB="+i.batch)
	if err != nil {
		t.Fatal(err)
	}
	spec.Timeout = i.time
	e, err := runtimeapi.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if _, err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// begin makes a user and the event of a job for them.
func (x *indexery) begin(t *testing.T, i indexing) (h *history, event []byte) {
	t.Helper()
	x.Recorder.Reset(nil)
	h = &history{user: id.New(time.Now()), want: map[search.Doc]bool{}}
	i.prepare(t, x, h)
	if err := queue.NewIndexes(x.SQS, x.queue).Index(t.Context(), queue.IndexJob{User: h.user, Anew: i.job.Anew}); err != nil {
		t.Fatal(err)
	}
	jobs := x.queued(t, 10) // SQS may take a moment to show it
	if len(jobs) == 0 {
		t.Fatal("the job isn't in its queue")
	}
	return h, jobs[0]
}

// queued takes all jobs out of the queue, as the events that Lambda makes of them. If
// there is none, it waits for so many seconds.
func (x *indexery) queued(t *testing.T, wait int32) (all [][]byte) {
	t.Helper()
	out, err := x.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &x.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: wait})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		all = append(all, jobEvent(t, *m.Body))
		if _, err := x.SQS.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &x.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// jobEvent is what Lambda gets for a message of the queue.
func jobEvent(t *testing.T, body string) []byte {
	t.Helper()
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: id.New(time.Now()), ReceiptHandle: "none", Body: body,
		EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": "1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// finish delivers an event until it is acknowledged, then what that has queued.
func (x *indexery) finish(t *testing.T, i indexing, event []byte) {
	t.Helper()
	e := x.start(t, i)
	defer e.Close()
	for left := [][]byte{event}; len(left) > 0; {
		done, err := deliver(t.Context(), e, left[0])
		if err != nil {
			t.Fatal(err)
		}
		if done {
			left = left[1:]
		}
		left = append(left, x.queued(t, 0)...)
	}
}

// wantOnce expects each message to be in one segment, once, and to be found.
func (x *indexery) wantOnce(t *testing.T, h *history) {
	t.Helper()
	body, _, err := x.Chats.Indexed(t.Context(), h.user)
	if err != nil {
		t.Fatal(err)
	}
	m, err := search.DecodeManifest(body)
	if err != nil || m.Build != nil {
		t.Fatalf("manifest %+v, %v", m, err)
	}
	all := map[search.Doc]bool{}
	for _, g := range m.Segments {
		index, release, err := x.shelf.Open(t.Context(), h.user, g)
		if err != nil {
			t.Fatal(err)
		}
		for n := range index.Docs() {
			d, err := index.Doc(n)
			if err != nil || all[d] || !h.want[d] {
				t.Errorf("%+v is indexed, %v; before: %t, wanted: %t", d, err, all[d], h.want[d])
			}
			all[d] = true
		}
		release()
	}
	if len(all) != len(h.want) {
		t.Errorf("%d documents are indexed, want %d", len(all), len(h.want))
	}
	s := &search.Searcher{Archive: x.Chats, Reader: x.Chats, Segments: x.shelf, Texts: x.texts(), Jobs: x, Now: time.Now,
		Failed: func(what string, err error) { t.Errorf("searched without %s: %v", what, err) }}
	for d := range h.want {
		if d.Kind != search.Said {
			continue
		}
		p, err := s.Search(t.Context(), search.Request{User: h.user, Query: d.Message, Limit: search.MaxPage})
		if err != nil || p.Partial || len(p.Hits) != 1 || p.Hits[0].Message != d.Message {
			t.Errorf("%s: found %+v, %v", d.Message, p, err)
		}
	}
}

// Index queues nothing: nothing is to be mended.
func (x *indexery) Index(context.Context, search.Job) error { return nil }

// indexSteps returns the names of the calls to AWS that an undisturbed run makes.
func (x *indexery) indexSteps(t *testing.T, i indexing) (names []string) {
	t.Helper()
	h, event := x.begin(t, i)
	e := x.start(t, i)
	x.Recorder.Reset(nil)
	if done, err := deliver(t.Context(), e, event); err != nil || !done {
		t.Fatalf("indexed %v, %v", done, err)
	}
	calls, err := x.Recorder.Calls()
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	for _, c := range calls {
		names = append(names, c.Name())
	}
	x.finish(t, i, event)
	x.wantOnce(t, h)
	return names
}

// TestKillIndexing kills the function before and after each of its calls to AWS, and
// delivers the job again: every message is in the index once, and found.
func TestKillIndexing(t *testing.T) {
	x := newIndexery(t)
	for _, i := range indexings {
		steps := x.indexSteps(t, i)
		t.Logf("%s: %q", i.name, steps)
		if !slices.Contains(steps, "s3 PUT 1") {
			t.Errorf("%s: no segment is made", i.name)
		}
		for _, step := range steps {
			for stage, at := range stages {
				t.Run(fmt.Sprintf("%s/%s %s", i.name, stage, step), func(t *testing.T) {
					h, event := x.begin(t, i)
					e := x.start(t, i)
					defer e.Close()
					x.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool {
						if s == at && c.Name() == step {
							e.Kill()
							return false
						}
						return true
					})
					_, err := deliver(t.Context(), e, event)
					x.Recorder.Settle()
					x.Recorder.Reset(nil)
					if !errors.Is(err, runtimeapi.ErrDied) {
						t.Fatalf("the function was to die, but answered: %v", err)
					}
					x.finish(t, i, event)
					x.wantOnce(t, h)
				})
			}
		}
	}
}
