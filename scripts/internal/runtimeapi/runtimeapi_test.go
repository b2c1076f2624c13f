package runtimeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"parley/scripts/internal/runtimeapi"
)

// TestMain makes the test's own binary a function where Lambda's variables say
// that it is one.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("FAIL_INIT") != "" {
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(_ context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	switch ev.RawPath {
	case "/fail":
		return events.APIGatewayV2HTTPResponse{}, errors.New("on purpose")
	case "/exit":
		os.Exit(1)
	case "/slow":
		time.Sleep(100 * time.Millisecond)
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusTeapot, Headers: map[string]string{"x-greeting": os.Getenv("GREETING")},
		Body: ev.RequestContext.HTTP.Method + " " + ev.RawPath + "?" + ev.RawQueryString + " " + ev.Body,
	}, nil
}

func spec(t *testing.T, env ...string) runtimeapi.Spec {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return runtimeapi.Spec{Binary: binary, Env: env, Timeout: 5 * time.Second}
}

func start(t *testing.T, env ...string) *runtimeapi.Environment {
	t.Helper()
	e, err := runtimeapi.Start(spec(t, env...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestCall(t *testing.T) {
	e := start(t, "GREETING=hello")
	if took, err := e.Ready(t.Context()); err != nil || took <= 0 {
		t.Fatalf("ready after %v, %v", took, err)
	}
	for range 2 { // the second event finds the environment warm
		res, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "POST", Path: "/a%20b?x=1", Body: "{}"})
		if err != nil {
			t.Fatal(err)
		}
		if res.Status != http.StatusTeapot || res.Header.Get("X-Greeting") != "hello" || res.Body != "POST /a%20b?x=1 {}" || res.Duration <= 0 {
			t.Errorf("answer %+v", res)
		}
	}
}

func TestFunctionError(t *testing.T) {
	e := start(t)
	_, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "GET", Path: "/fail"})
	failed, ok := errors.AsType[*runtimeapi.FunctionError](err)
	if !ok || failed.Init || !strings.Contains(string(failed.Payload), "on purpose") {
		t.Fatalf("error %v", err)
	}
	if _, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "GET", Path: "/"}); err != nil {
		t.Errorf("the event after a failed one: %v", err)
	}
}

func TestDeath(t *testing.T) {
	e := start(t)
	if _, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "GET", Path: "/exit"}); !errors.Is(err, runtimeapi.ErrDied) {
		t.Errorf("error %v of a process that ended", err)
	}
	if _, err := start(t, "FAIL_INIT=1").Ready(t.Context()); !errors.Is(err, runtimeapi.ErrDied) {
		t.Errorf("error %v of a process that never was ready", err)
	}
}

func TestKillWhileBusy(t *testing.T) {
	e := start(t)
	time.AfterFunc(20*time.Millisecond, e.Kill)
	if _, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "GET", Path: "/slow"}); !errors.Is(err, runtimeapi.ErrDied) {
		t.Errorf("error %v", err)
	}
}

func TestFunctionScales(t *testing.T) {
	f := runtimeapi.NewFunction(spec(t), 3)
	defer f.Close()
	var wg sync.WaitGroup
	for range 9 {
		wg.Go(func() {
			if _, err := runtimeapi.Call(t.Context(), f, runtimeapi.Request{Method: "GET", Path: "/slow"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestEvent(t *testing.T) {
	event, err := runtimeapi.Request{Method: "GET", Path: "/v1/x?limit=2", Header: map[string]string{"Authorization": "Bearer t"}}.Event()
	if err != nil {
		t.Fatal(err)
	}
	var got events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &got); err != nil {
		t.Fatal(err)
	}
	if got.RawPath != "/v1/x" || got.RawQueryString != "limit=2" || got.Headers["authorization"] != "Bearer t" || got.RequestContext.HTTP.SourceIP == "" {
		t.Errorf("event %s", event)
	}
}
