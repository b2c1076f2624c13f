package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"parley/fleet/enginetest"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
)

// crew is a fleet under measurement: send-message, worker and relay as processes
// over a rig's tables and queues, which they call directly, past the rig's
// recorders; and an engine in this process, whose answers are known.
type crew struct {
	*rig.Rig
	engine    *enginetest.Engine
	engineURL string
	relay     string // URL
	close     []func()
}

// newCrew puts up all but workers and functions. settings are variables of the relay.
func newCrew(ctx context.Context, b *bench, e *enginetest.Engine, settings ...string) (*crew, error) {
	r, err := rig.New(ctx, b.services, rig.Options{Log: b.log})
	if err != nil {
		return nil, err
	}
	c := &crew{Rig: r, engine: e, close: []func(){func() { closeRig(r) }}}
	if c.engineURL, err = c.serve(e); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := r.RotateKeys(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	relay, err := r.Relay(ctx, append(direct(r), settings...)...)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.relay = relay.URL
	return c, nil
}

// Close ends everything; what a rig can't remove goes with the services.
func (c *crew) Close() error {
	for i := range c.close {
		c.close[len(c.close)-1-i]()
	}
	return nil
}

// direct leads a process past the rig's recorders.
func direct(r *rig.Rig) []string {
	return []string{"AWS_ENDPOINT_URL=" + r.Services.AWS, "AWS_ENDPOINT_URL_DYNAMODB=" + r.Services.DynamoDB, "VALKEY_ADDR=" + r.Services.Valkey,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}
}

// serve serves an engine on loopback until the crew is closed.
func (c *crew) serve(e *enginetest.Engine) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: e.Handler()}
	go server.Serve(l)
	c.close = append(c.close, func() { server.Close() })
	return "http://" + l.Addr().String(), nil
}

// worker starts a worker of that engine.
func (c *crew) worker(ctx context.Context, engine string, settings ...string) (*rig.Member, error) {
	return c.Worker(ctx, engine, append(append(direct(c.Rig), "ENGINE_MODEL=small", "ENGINE_TEMPERATURE=0", "SYSTEM_PROMPT="), settings...)...)
}

// front is send-message in as many environments as Lambda would have for what is
// sent side by side.
type front struct {
	free chan *runtimeapi.Environment
	all  []*runtimeapi.Environment
}

func (c *crew) front(ctx context.Context, environments int, settings ...string) (*front, error) {
	f := &front{free: make(chan *runtimeapi.Environment, environments)}
	for range environments {
		e, err := c.Start(ctx, "send-message", append(direct(c.Rig), settings...)...)
		if err != nil {
			f.Close()
			return nil, err
		}
		f.all = append(f.all, e)
		f.free <- e
	}
	return f, nil
}

func (f *front) Close() {
	for _, e := range f.all {
		e.Close()
	}
}

// accepted is what send-message answers.
type accepted struct {
	Chat   string `json:"chat_id"`
	Reply  string `json:"reply_id"`
	Stream string `json:"stream_url"`
}

// errShed is a question that was not accepted: answered with 503 or 429.
var errShed = errors.New("not accepted")

// send asks a question in a new chat.
func (f *front) send(ctx context.Context, who person, text string) (accepted, error) {
	var e *runtimeapi.Environment
	select {
	case e = <-f.free:
	case <-ctx.Done():
		return accepted{}, ctx.Err()
	}
	defer func() { f.free <- e }()
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return accepted{}, err
	}
	event, err := runtimeapi.Request{Method: "POST", Path: "/v1/messages", Body: string(body),
		Header: map[string]string{"Authorization": "Bearer " + who.token}}.Event()
	if err != nil {
		return accepted{}, err
	}
	out, err := e.Invoke(ctx, event)
	if err != nil {
		return accepted{}, err
	}
	return receipt(out.Payload)
}

// receipt reads send-message's answer.
func receipt(payload []byte) (a accepted, err error) {
	var res events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &res); err != nil {
		return a, err
	}
	switch res.StatusCode {
	case http.StatusAccepted:
		return a, json.Unmarshal([]byte(res.Body), &a)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return a, errShed
	}
	return a, fmt.Errorf("send: answer %d %s", res.StatusCode, res.Body)
}

// person is a user who is logged in.
type person struct{ id, token string }

// ref names a reply of that person's.
func (p person) ref(a accepted) chat.Ref {
	return chat.Ref{User: p.id, Chat: a.Chat, Message: a.Reply}
}

var persons atomic.Int64

// join signs somebody up and logs them in on that plan, without limits.
func (c *crew) join(ctx context.Context, plan quota.Plan) (person, error) {
	s := &stage{r: c.Rig, email: id.New(time.Now()) + "@example.com"}
	w, err := s.enter(ctx, "signup", 201, "/v1/signup", map[string]string{"name": "Ada", "email": s.email, "password": password,
		"phone": fmt.Sprintf("+1202555%04d", persons.Add(1)), "country": "US"})
	if err != nil {
		return person{}, err
	}
	act := func() store.Act { return store.Act{Who: "bench", At: time.Now(), ID: id.New(time.Now())} }
	err = errors.Join(c.Accounts.SetPlan(ctx, act(), w.User.ID, plan, time.Now().Add(24*time.Hour)),
		c.Accounts.SetLimits(ctx, act(), w.User.ID, unlimited))
	if err != nil {
		return person{}, err
	}
	in, err := s.enter(ctx, "login", 200, "/v1/login", map[string]string{"email": s.email, "password": password})
	return person{w.User.ID, in.Access}, err
}

// event is one server-sent event of a relay's stream.
type event struct {
	name string
	data map[string]any
	at   time.Time // when it was read
}

// stream reads a reply at the relay; each may return false to leave early.
func (c *crew) stream(ctx context.Context, who person, a accepted, each func(event) bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.relay+a.Stream, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+who.token)
	res, err := clients.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("stream: %s", res.Status)
	}
	name := ""
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
		case "event":
			name = value
		case "data":
			e := event{name: name, at: time.Now()}
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				return err
			}
			if !each(e) {
				return nil
			}
		}
	}
	return lines.Err()
}

// clients keep their connections, as browsers do.
var clients = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
