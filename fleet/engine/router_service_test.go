//go:build service

package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/prompt"
	"parley/fleet/routertest"
	"parley/shared/chat"
)

const root = "../.."

// fleet is two real engines behind the real router, and a worker of them.
type fleet struct {
	*fleettest.Stack
	router  *routertest.Router
	engines []*routertest.Process
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{Stack: fleettest.New(t), engines: make([]*routertest.Process, 2)}
	var starts sync.WaitGroup
	for i := range f.engines {
		starts.Go(func() { f.start(i, 0) })
	}
	starts.Wait()
	f.router = startRouter(t, f.engines[0].URL, f.engines[1].URL)
	p := f.Parts(f.router.URL)
	p.Slots, p.Context, p.MaxTokens = 4, 1024, 48
	f.Work(p)
	return f
}

func startRouter(t *testing.T, engines ...string) *routertest.Router {
	t.Helper()
	r, err := routertest.StartRouter(t.Context(), root, routertest.Settings{Engines: engines})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

// start starts an engine, at the port of an earlier one if that isn't 0.
func (f *fleet) start(i, port int) {
	e, err := routertest.StartEngine(f.T.Context(), root, port)
	if err != nil {
		f.T.Error(err)
		panic(err) // the test can't go on; this may not be its goroutine
	}
	f.engines[i] = e
	f.T.Cleanup(e.Kill)
}

// turn asks and waits for the answer; it returns that and the index of the engine
// that wrote it, by the engines' own counts.
func (f *fleet) turn(chatID, text string) (m chat.Message, by int) {
	f.T.Helper()
	before := f.written()
	ref := f.Ask(chatID, text)
	f.Stream(f.T.Context(), ref, "", nil)
	m, err := f.Chats.Message(f.T.Context(), ref)
	if err != nil || m.Status != chat.Done {
		f.T.Fatalf("the reply is %s (%v): %+v", m.Status, err, m.Failure)
	}
	return m, f.writer(before)
}

// written is how many tokens each engine has written; -1 for one that is away.
func (f *fleet) written() []float64 {
	counts := make([]float64, len(f.engines))
	for i, e := range f.engines {
		counts[i] = -1
		if m, err := routertest.Metrics(f.T.Context(), e.URL+"/metrics"); err == nil {
			counts[i] = m["llamacpp:tokens_predicted_total"]
		}
	}
	return counts
}

// writer is the one engine that has written more since.
func (f *fleet) writer(before []float64) int {
	f.T.Helper()
	by := -1
	for i, n := range f.written() {
		switch {
		case n <= before[i]:
		case by >= 0:
			f.T.Fatalf("both engines have written: %v before, %v now", before, f.written())
		default:
			by = i
		}
	}
	return by
}

// breaker returns one of the router's metrics of an engine's breaker.
func (f *fleet) breaker(engine int, metric, more string) float64 {
	f.T.Helper()
	m, err := routertest.Metrics(f.T.Context(), f.router.MetricsURL)
	if err != nil {
		f.T.Fatal(err)
	}
	return m[fmt.Sprintf("vllm_router_%s{worker=%q%s}", metric, f.engines[engine].URL, more)]
}

// Chats stay at their engine. When it is killed in the middle of an answer, the
// other one goes on with that, its breaker opens, and its chats move; when it is
// back, the breaker closes and they return.
func TestTwoEnginesBehindTheRouter(t *testing.T) {
	f := newFleet(t)
	homes := map[int]string{} // a chat of each engine
	for range 12 {
		m, by := f.turn("", "Say yes.")
		homes[by] = m.Chat
		if len(homes) == 2 {
			break
		}
	}
	for home, c := range homes {
		m, by := f.turn(c, "Once more, please.")
		if by != home || m.Usage.CachedTokens == 0 {
			t.Errorf("the second turn went to engine %d, not %d; %d of its %d prompt tokens were cached", by, home, m.Usage.CachedTokens, m.Usage.PromptTokens)
		}
	}
	const killed, other = 0, 1
	f.killDuringAnswer(homes[killed], killed)
	if got := f.breaker(killed, "cb_state", ""); got != 1 {
		t.Errorf("the breaker of the killed engine is in state %v, want 1: open", got)
	}
	if _, by := f.turn(homes[killed], "Are you there?"); by != other {
		t.Errorf("engine %d answered", by)
	}
	f.start(killed, f.engines[killed].Port)
	f.awaitClosed(killed, homes[killed])
	if _, by := f.turn(homes[killed], "And now?"); by != killed {
		t.Errorf("engine %d answered a chat of the one that came back", by)
	}
}

// killDuringAnswer asks for a long answer and kills the engine that writes it.
func (f *fleet) killDuringAnswer(chatID string, writer int) {
	t := f.T
	t.Helper()
	ref := f.Ask(chatID, "Tell me a long story about a dog and its many friends.")
	deltas, before := 0, ""
	events := f.Stream(t.Context(), ref, "", func(e fleettest.Event) {
		if e.Name != "delta" {
			return
		}
		if before += e.Data["text"].(string); deltas == 3 {
			f.engines[writer].Kill()
		}
		deltas++
	})
	shown, resets := fleettest.Text("", events)
	m, err := f.Chats.Message(t.Context(), ref)
	if err != nil || m.Status != chat.Done || m.Text != shown || resets > 0 || deltas < 6 {
		t.Errorf("the reply is %s (%v) after %d frames and %d resets: stored %q, shown %q", m.Status, err, deltas, resets, m.Text, shown)
	}
	if m.Attempt != 1 {
		t.Errorf("attempt %d: the worker itself should have gone on", m.Attempt)
	}
}

// awaitClosed asks in the name of a chat until its own engine has it again.
func (f *fleet) awaitClosed(engine int, chatID string) {
	f.T.Helper()
	c := client(f.router.URL)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		before := f.written()
		if _, _, _, err := read(f.T, c, ask(chatID)); err == nil {
			f.T.Fatal("an answer ended without io.EOF")
		}
		if f.writer(before) == engine && f.breaker(engine, "cb_state", "") == 0 &&
			f.breaker(engine, "cb_state_transitions_total", `,from="half_open",to="closed"`) > 0 {
			return
		}
	}
	f.T.Fatalf("the breaker of an engine that is back doesn't close: state %v", f.breaker(engine, "cb_state", ""))
}

func ask(session string) engine.Request {
	return engine.Request{Turns: []prompt.Turn{{Role: "user", Text: "Say yes."}}, MaxTokens: 2, Session: session}
}

// What the worker says of a prompt passes the router: the chat, a salt that is the
// user's, the priority. Closing an answer frees the engine, and with one of two
// engines away the router still counts as well.
func TestTheRouterPassesOn(t *testing.T) {
	e := enginetest.New(t)
	away := enginetest.New(t)
	r := startRouter(t, e.URL, away.URL)
	c := client(r.URL)
	if load, err := c.Load(t.Context()); err != nil || load.Slots != 8 {
		t.Errorf("the load of two engines of four slots: %+v, %v", load, err)
	}
	away.Change(func(e *enginetest.Engine) { e.Down = true })
	for i, user := range []string{"ada", "bob", "ada"} {
		q := ask("chat of " + user)
		q.User, q.Priority = user, i
		if _, _, _, err := read(t, c, q); err == nil {
			t.Fatal("an answer ended without io.EOF")
		}
	}
	got := e.Requests()
	if len(got) != 3 {
		t.Fatalf("the engine got %d requests", len(got))
	}
	if got[0].CacheSalt == "" || got[0].CacheSalt == got[1].CacheSalt || got[0].CacheSalt != got[2].CacheSalt {
		t.Errorf("salts of ada, bob, ada: %q, %q, %q", got[0].CacheSalt, got[1].CacheSalt, got[2].CacheSalt)
	}
	if got[0].Priority != 0 || got[2].Priority != 2 {
		t.Errorf("priorities %d and %d", got[0].Priority, got[2].Priority)
	}
	if got[0].Session != "chat of ada" || got[1].Session != "chat of bob" {
		t.Errorf("sessions %q and %q", got[0].Session, got[1].Session)
	}
	wellWithOneAway(t, c, r)
	freedByClosing(t, c, e)
}

func wellWithOneAway(t *testing.T, c *engine.Client, r *routertest.Router) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		m, err := routertest.Metrics(t.Context(), r.MetricsURL)
		if err != nil {
			t.Fatal(err)
		}
		unwell := 0
		for name, v := range m {
			if strings.HasPrefix(name, "vllm_router_worker_health{") && v == 0 {
				unwell++
			}
		}
		if unwell == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the router doesn't see that an engine is away")
		}
	}
	if err := c.Health(t.Context()); err != nil {
		t.Errorf("with one of two engines away: %v", err)
	}
}

func freedByClosing(t *testing.T, c *engine.Client, e *enginetest.Engine) {
	t.Helper()
	e.Change(func(e *enginetest.Engine) { e.Pace, e.Words = 20*time.Millisecond, 1000 })
	ctx, cancel := context.WithCancel(t.Context())
	q := ask("chat")
	q.MaxTokens = 1000
	s, err := c.Chat(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	began := time.Now()
	for e.Busy() > 0 {
		if time.Since(began) > 500*time.Millisecond {
			t.Fatal("500 ms after its client has gone the engine still writes")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
