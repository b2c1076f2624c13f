// Package events_test keeps the events of this folder true: each is what AWS
// sends to the function of its name, and is taken by the code that handles it.
// With the build tag sam it runs them, by SAM CLI's own emulation.
package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"parley/docs"
	"parley/shared/accountapi"
	"parley/shared/api"
	"parley/shared/chatapi"
	"parley/shared/fileapi"
	"parley/shared/ingest"
	"parley/shared/queue"
	"parley/shared/searchapi"
)

// TestEveryFunction: each function has an event, and each event a function.
func TestEveryFunction(t *testing.T) {
	functions, err := filepath.Glob("../functions/*/main.go")
	if err != nil || len(functions) == 0 {
		t.Fatal("no functions", err)
	}
	for _, f := range functions {
		if _, err := os.Stat(filepath.Base(filepath.Dir(f)) + ".json"); err != nil {
			t.Error(err)
		}
	}
	if files, _ := filepath.Glob("*.json"); len(files) != len(functions) {
		t.Errorf("%d events for %d functions", len(files), len(functions))
	}
}

// TestRequests sends the events of the API through the code that functions have
// them from, up to the endpoint, and checks the request that arrives there
// against docs/openapi.yaml.
func TestRequests(t *testing.T) {
	doc, err := libopenapi.NewDocument(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	contract, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for name, routes := range map[string]map[string]http.Handler{
		"signup":       accountapi.SignUp(nil, nil),
		"login":        accountapi.Login(nil, nil, nil),
		"account":      merged(accountapi.Upkeep(nil, nil), accountapi.Keys(nil, nil)),
		"send-message": chatapi.Send(nil, nil),
		"history":      chatapi.History(nil, nil, nil, nil),
		"upload":       fileapi.Upload(nil, nil),
		"files":        fileapi.Files(nil, nil, nil),
		"search":       searchapi.Search(nil, nil),
	} {
		t.Run(name, func(t *testing.T) {
			ev := load[events.APIGatewayV2HTTPRequest](t, name)
			got := arrives(t, ev, routes)
			if got == nil || got.Pattern != ev.RouteKey {
				t.Fatalf("the event of %s arrived as %v", ev.RouteKey, got)
			}
			if ok, errs := contract.ValidateHttpRequestSync(got); !ok {
				t.Errorf("%s: %v", ev.RouteKey, errs)
			}
		})
	}
}

func merged(some ...map[string]http.Handler) map[string]http.Handler {
	all := map[string]http.Handler{}
	for _, routes := range some {
		maps.Copy(all, routes)
	}
	return all
}

// arrives returns the request of an event as its endpoint gets it, nil if it
// reaches none.
func arrives(t *testing.T, ev events.APIGatewayV2HTTPRequest, routes map[string]http.Handler) *http.Request {
	t.Helper()
	var got *http.Request
	for pattern := range routes {
		routes[pattern] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			got = r
		})
	}
	service := &api.Service{Log: slog.New(slog.DiscardHandler)}
	if _, err := service.Lambda(routes)(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMessages(t *testing.T) {
	consumed(t, "fail-reply", queue.Decode)
	consumed(t, "purge", queue.DecodePurge)
	consumed(t, "index-history", queue.DecodeIndex)
}

// filesBucket is the bucket's name in the event of process-upload.
const filesBucket = "parley-filesbucket-1x9c3k7w2q5e"

func TestArrival(t *testing.T) {
	var got []ingest.Arrival
	consume := queue.NewArrivals(nil, "", filesBucket, slog.New(slog.DiscardHandler)).Consume(
		func(_ context.Context, a ingest.Arrival) error { got = append(got, a); return nil })
	out, err := consume(t.Context(), load[events.SQSEvent](t, "process-upload"))
	if err != nil || len(out.BatchItemFailures) > 0 || len(got) != 1 || got[0].Version == "" {
		t.Errorf("%+v arrived, failures %v, %v", got, out.BatchItemFailures, err)
	}
}

// consumed checks that each record of an event is decoded and acknowledged.
func consumed[T any](t *testing.T, name string, decode func(string) (T, error)) {
	t.Helper()
	ev := load[events.SQSEvent](t, name)
	n := 0
	consume := queue.Consume(slog.New(slog.DiscardHandler), decode, func(context.Context, T) error { n++; return nil })
	out, err := consume(t.Context(), ev)
	if err != nil || len(out.BatchItemFailures) > 0 || n == 0 || n != len(ev.Records) {
		t.Errorf("%s: %d of %d records were handled, failures %v, %v", name, n, len(ev.Records), out.BatchItemFailures, err)
	}
}

func TestSchedule(t *testing.T) {
	for _, name := range []string{"rotate-keys", "report-backlog", "billing-report"} {
		if ev := load[events.EventBridgeEvent](t, name); ev.Source != "aws.scheduler" || ev.Time.IsZero() {
			t.Errorf("the event of %s is %+v", name, ev)
		}
	}
}

// load decodes an event into the type that its handler has, every field of it.
func load[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var ev T
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&ev); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return ev
}
