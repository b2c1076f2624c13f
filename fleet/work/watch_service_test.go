//go:build service

package work_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus/testutil"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/metrics"
	"parley/fleet/trace"
	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
	wire "parley/shared/trace"
	"parley/shared/usage"
)

// collector is an OTLP/HTTP receiver.
type collector struct {
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   strings.Builder
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = zip
	}
	raw, err := io.ReadAll(body)
	var data tracepb.TracesData // the request has the same form
	if err == nil {
		err = proto.Unmarshal(raw, &data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(raw)
	for _, rs := range data.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
}

// of returns the spans of a trace by name.
func (c *collector) of(traceID string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.TraceId) == traceID {
			found[s.Name] = s
		}
	}
	return found
}

// realQueue makes a queue in the embedded AWS.
func realQueue(t *testing.T) (*queue.Prompts, aws.Config) {
	t.Helper()
	fleettest.Env(t, "AWS_ENDPOINT_URL")
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(cfg)
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("watch-" + strings.ToLower(id.New(time.Now()))), Attributes: map[string]string{"VisibilityTimeout": "15"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			t.Error(err)
		}
	})
	return queue.New(client, *out.QueueUrl), cfg
}

// A reply's way can be seen as one trace: from its acceptance over a real queue to the
// commit, in the caller's trace if the request brought one. Nobody's words are in it.
func TestATraceCrossesTheQueue(t *testing.T) {
	seen := newCollector(t)
	q, _ := realQueue(t)
	e, s := enginetest.New(t), fleettest.New(t)
	s.Sender.Queue = queue.Plans{quota.Free: queue.NewLanes(1, q)}
	tracer, flush, err := trace.Open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parts(e.URL)
	p.Queues, p.Tracer = map[quota.Plan][]work.Queue{quota.Free: {q}}, tracer
	s.Work(p)

	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	carried := ask(t, s, wire.With(t.Context(), parent), "A secret of mine, in a caller's trace")
	plain := ask(t, s, t.Context(), "A secret of mine")
	own := wire.Of(plain.Message)
	for _, c := range []struct {
		ref         chat.Ref
		trace, span string
	}{{carried, parent[3:35], parent[36:52]}, {plain, own[3:35], own[36:52]}} {
		until(t, "the reply is done", func() bool { return row(t, s, c.ref).Status == chat.Done })
		until(t, "its spans are exported", func() bool { return len(seen.of(c.trace)) == 7 })
		spans := seen.of(c.trace)
		answer := spans["answer"]
		for name, parent := range map[string]string{"queue": c.span, "answer": c.span,
			"claim": hex.EncodeToString(answer.SpanId), "context": hex.EncodeToString(answer.SpanId), "engine": hex.EncodeToString(answer.SpanId), "commit": hex.EncodeToString(answer.SpanId)} {
			if got := spans[name]; got == nil || hex.EncodeToString(got.ParentSpanId) != parent {
				t.Errorf("%s: %v, want a child of %s", name, got, parent)
			}
		}
		if from, to := spans["send"], spans["queue"]; from.EndTimeUnixNano != to.StartTimeUnixNano || to.EndTimeUnixNano < to.StartTimeUnixNano {
			t.Errorf("sent %v, queued %v", from, to)
		}
	}
	if root := seen.of(own[3:35])["send"]; len(root.ParentSpanId) != 0 || hex.EncodeToString(root.SpanId) != own[36:52] {
		t.Errorf("the first span is %v", root)
	}
	if err := flush(t.Context()); err != nil {
		t.Error(err)
	}
	for _, word := range []string{"secret", "word", s.User} {
		if strings.Contains(seen.raw.String(), word) {
			t.Errorf("%q was exported", word)
		}
	}
}

func ask(t *testing.T, s *fleettest.Stack, ctx context.Context, text string) chat.Ref {
	t.Helper()
	r, err := s.Sender.Send(ctx, s.User, quota.Free, quota.Of(quota.Free, quota.Limits{MessagesPerHour: 1000}), chat.Question{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return chat.Ref{User: s.User, Chat: r.Chat, Message: r.Reply}
}

// What a reply has used is in the bucket as the engine counted it before its prompt is
// gone, and in the worker's metrics.
func TestUsageReachesTheBucket(t *testing.T) {
	q, cfg := realQueue(t)
	objects := s3.NewFromConfig(cfg)
	bucket := "usage-" + strings.ToLower(id.New(time.Now()))
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	e, s := enginetest.New(t), fleettest.New(t)
	s.Sender.Queue = queue.Plans{quota.Free: queue.NewLanes(1, q)}
	counted := metrics.Registry()
	p := s.Parts(e.URL)
	p.Queues, p.Metrics = map[quota.Plan][]work.Queue{quota.Free: {q}}, metrics.NewWorker(counted, "small")
	p.Usage, p.Gather = store.NewUsage(objects, bucket), 50*time.Millisecond
	stop := s.Work(p)
	var refs []chat.Ref
	for range 3 {
		refs = append(refs, ask(t, s, t.Context(), "Why?"))
	}
	files, now := store.NewUsage(objects, bucket), time.Now()
	var records []usage.Record
	until(t, "three records are in the bucket", func() bool {
		var err error
		if records, err = usage.Read(t.Context(), files, now.Add(-time.Hour), now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		return len(records) == 3
	})
	stop()
	tokens := 0
	for i, r := range records {
		m := row(t, s, refs[i])
		tokens += m.Usage.CompletionTokens
		if r.Reply != m.ID || r.Status != chat.Done || r.CompletionTokens != e.Words || r.CompletionTokens != m.Usage.CompletionTokens ||
			r.PromptTokens != m.Usage.PromptTokens || r.User != usage.Pseudonym(s.User) || r.Attempts != 1 || r.Found || r.TotalMS < r.QueueMS {
			t.Errorf("record %+v of reply %+v, usage %+v", r, m, m.Usage)
		}
	}
	if n, err := testutil.GatherAndCount(counted, "parley_first_token_seconds"); n != 1 || err != nil {
		t.Errorf("%d series of first tokens, %v", n, err)
	}
	families, err := counted.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "parley_completion_tokens_total" && int(f.Metric[0].GetCounter().GetValue()) != tokens {
			t.Errorf("counted %v, want %d tokens", f, tokens)
		}
	}
	if got, err := q.Receive(t.Context(), 1, 0); len(got) > 0 || err != nil {
		t.Errorf("prompts left: %v, %v", got, err)
	}
}
