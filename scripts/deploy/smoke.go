package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"parley/scripts/internal/client"
	"parley/shared/api"
	"parley/shared/chat"
)

// probe is one request of the test and what has to be answered.
type probe struct {
	name, method, path, body string
	status                   int
	holds                    func(body []byte) error // nil: the status is enough
}

// probes go to each function that has a route, and need no account: all but the
// first two have to be refused, by Parley and not by somebody before it.
var probes = []probe{
	{name: "keys that check tokens", method: "GET", path: "/.well-known/jwks.json", status: 200, holds: hasKey},
	{name: "sign-up that is refused", method: "POST", path: "/v1/signup", body: `{"email":"nobody"}`, status: 422, holds: hasCode("invalid")},
	{name: "account", method: "GET", path: "/v1/me", status: 401, holds: hasCode("")},
	{name: "send", method: "POST", path: "/v1/messages", body: `{"text":"hello"}`, status: 401, holds: hasCode("")},
	{name: "history", method: "GET", path: "/v1/chats", status: 401, holds: hasCode("")},
	{name: "upload", method: "POST", path: "/v1/uploads", body: `{}`, status: 401, holds: hasCode("")},
	{name: "files", method: "GET", path: "/v1/files", status: 401, holds: hasCode("")},
	{name: "search", method: "GET", path: "/v1/search?q=hello", status: 401, holds: hasCode("")},
}

// edgeProbes are asked of the public origin besides.
var edgeProbes = []probe{
	{name: "page", method: "GET", path: "/", status: 200},
	{name: "relay", method: "GET", path: "/v1/models", status: 401, holds: hasCode("")},
}

func hasKey(body []byte) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return fmt.Errorf("its body is no key set: %w", err)
	}
	if len(set.Keys) == 0 {
		return errors.New("it has no keys, so nobody can log in")
	}
	return nil
}

// hasCode wants a problem as Parley's API describes it; with "" any code will do.
func hasCode(code string) func([]byte) error {
	return func(body []byte) error {
		var problem struct {
			Code string `json:"code"`
		}
		if err := json.Unmarshal(body, &problem); err != nil || problem.Code == "" {
			return errors.New("its body is no problem of Parley's")
		}
		if code != "" && problem.Code != code {
			return fmt.Errorf("its code is %s, not %s", problem.Code, code)
		}
		return nil
	}
}

// test is the test of one address.
type test struct {
	base   string
	secret string // with which the edge goes to the API; empty for the edge itself
	http   *http.Client
}

func newTest(base, secret string) *test {
	return &test{strings.TrimRight(base, "/"), secret, &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// run asks until all is answered as it should be, or the time is over: what has
// just been deployed may need a moment.
func (t *test) run(ctx context.Context, d *desk, probes []probe, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for _, p := range probes {
		for {
			err := t.once(ctx, p)
			if err == nil {
				d.say("  ok    %s: %s %s", p.name, p.method, p.path)
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if time.Now().After(deadline) {
				d.say("  FAIL  %s: %s %s", p.name, p.method, p.path)
				return fmt.Errorf("%s: %s %s%s: %w", p.name, p.method, t.base, p.path, err)
			}
			if err := pause(ctx, 500*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

const largestAnswer = 1 << 20

func (t *test) once(ctx context.Context, p probe) error {
	req, err := http.NewRequestWithContext(ctx, p.method, t.base+p.path, bytes.NewReader([]byte(p.body)))
	if err != nil {
		return err
	}
	if p.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if t.secret != "" {
		req.Header.Set(api.EdgeSecretHeader, t.secret)
	}
	res, err := t.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := readAll(res.Body, largestAnswer)
	if err != nil {
		return err
	}
	if res.StatusCode != p.status {
		return fmt.Errorf("answered %s instead of %d", res.Status, p.status)
	}
	if p.holds != nil {
		return p.holds(body)
	}
	return nil
}

// turn asks a question as a user and waits for the whole answer.
func (d *desk) turn(ctx context.Context, base, email, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	c := client.New(base, nil)
	if err := c.LogIn(ctx, email, password); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	defer c.LogOut(context.WithoutCancel(ctx))
	sent, err := c.Send(ctx, client.Question{Text: "Say hello in one word."})
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer c.Delete(context.WithoutCancel(ctx), sent.Chat)
	for {
		reply, err := c.Wait(ctx, sent.Chat, sent.Reply, 20*time.Second)
		if err != nil {
			return fmt.Errorf("wait for the answer: %w", err)
		}
		switch reply.Status {
		case chat.Done:
			d.say("  ok    a full turn, answered with %d characters", len(reply.Text))
			return nil
		case chat.Failed, chat.Cancelled:
			return fmt.Errorf("the answer is %s", reply.Status)
		}
	}
}

// smokeTest tests what was deployed.
func (d *desk) smokeTest(ctx context.Context, c *cloud, t stackUnderTest) error {
	d.say("Testing %s:", t.name)
	if t.api != "" {
		if rotate := t.outputs["RotateKeysFunctionName"]; rotate != "" { // or the first log-ins would wait an hour for a key
			res, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &rotate, Payload: []byte("{}")})
			if err != nil {
				return fmt.Errorf("make a signing key: %w", err)
			}
			if res.FunctionError != nil {
				return fmt.Errorf("make a signing key: the function failed: %s", *res.FunctionError)
			}
		}
		if err := newTest(t.api, t.secret).run(ctx, d, probes, d.options.smoke); err != nil {
			return err
		}
	}
	if t.origin == "" {
		return nil
	}
	if err := newTest(t.origin, "").run(ctx, d, append(probes, edgeProbes...), d.options.smoke); err != nil {
		return err
	}
	email, password := os.Getenv("SMOKE_EMAIL"), os.Getenv("SMOKE_PASSWORD")
	if email == "" || password == "" {
		return nil
	}
	return d.turn(ctx, t.origin, email, password)
}

// stackUnderTest says where a deployed stack answers.
type stackUnderTest struct {
	name    string
	api     string // empty: it has none
	origin  string // empty: not to be tested through the edge
	secret  string
	outputs map[string]string
}
