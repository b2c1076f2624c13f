//go:build service

package gameday

import (
	"context"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/enginetest"
	"parley/shared/region"
)

var regions = []string{"us-east-1", "eu-west-2"}

// parameters are those of a region's parameter file.
func parameters(home string) []string {
	return []string{`Regions="` + strings.Join(regions, ",") + `"`, "RegionGap=" + gap.String(), "AccountsRegion=" + home, "DeadlineFree=" + deadline.String()}
}

// TestLosingARegion is the runbook of docs/regions.md: the home region is lost with
// prompts running and queued, users go on in the other one, which becomes the home of
// accounts; then the lost one comes back with its queue and its old copy of the tables.
func TestLosingARegion(t *testing.T) {
	g := begin(t)
	a, b := g.a, g.b

	// Both regions work, whoever was first where.
	ada, bob, cora, finn := signUp(t, a), signUp(t, a), signUp(t, a), signUp(t, a)
	dan := signUp(t, b)
	old := ada.ask(t, a, "", "Where is the harbour?")
	want := enginetest.Answer(old.text, 20)
	if got := old.await(t, a, "done", time.Minute); got.Text != want {
		t.Fatalf("the answer in %s is %q", a.name, got.Text)
	}
	dans := dan.ask(t, b, "", "Which boat leaves first?")
	dans.await(t, b, "done", time.Minute)
	if got := old.await(t, b, "done", time.Minute); got.Text != want {
		t.Fatalf("the answer came to %s as %q", b.name, got.Text)
	}
	if r := dan.renew(t, a); r.Status != http.StatusOK {
		t.Fatalf("a session begun in %s isn't known in %s: %+v", b.name, a.name, r)
	}

	// Prompts run and wait in the first region when it is lost.
	a.engine.Change(func(e *enginetest.Engine) { e.HangAfter = 3 })
	running, left := ada.ask(t, a, old.chat, "Who keeps the lighthouse?"), finn.ask(t, a, "", "What do the lamps burn?")
	running.await(t, b, "running", time.Minute)
	left.await(t, b, "running", time.Minute)
	queued, forgotten := bob.ask(t, a, "", "How deep is the water?"), cora.ask(t, a, "", "When is high tide?")
	queued.await(t, b, "queued", time.Minute)
	forgotten.await(t, b, "queued", time.Minute)
	lost := time.Now()
	g.lose(a)
	if p := g.dns.resolve(t); p != b {
		t.Fatalf("traffic goes to %s", p.name)
	}
	t.Logf("traffic moved after %v", time.Since(lost).Round(time.Millisecond))

	// Whoever was logged in still is, and sees what was there.
	list := call(t, b, "GET", "/v1/chats/"+old.chat+"/messages", ada.access, "", nil)
	if list.Status != http.StatusOK || len(list.Items) < 2 || list.Items[0].Text != old.text || list.Items[1].Text != want {
		t.Fatalf("ada's history in %s: %+v", b.name, list)
	}
	if r := ada.renew(t, b); r.Status != http.StatusServiceUnavailable || r.RetryAfter == "" {
		t.Fatalf("a refresh while the home of accounts is away: %+v", r)
	}
	if me := call(t, b, "GET", "/v1/me", dan.access, "", nil); me.Status != http.StatusOK || me.User.ID != dan.id {
		t.Fatalf("an account is read nearby: %+v", me)
	}
	dan.ask(t, b, dans.chat, "And which one last?").await(t, b, "done", time.Minute)

	// A prompt of the lost region is nobody else's before that is surely lost.
	free := g.beatOf(b, a).At.Add(2 * gap)
	for _, q := range []*question{queued, running} {
		tried := time.Time{}
		await(t, 2*time.Minute, "a retry of "+q.text+" is answered", func() bool {
			if len(g.asked(b, q)) == 0 && time.Since(tried) > time.Second {
				if r := q.send(t, b); r.Status != http.StatusAccepted {
					t.Fatalf("a retry of %q: %+v", q.text, r)
				}
				tried = time.Now()
			}
			if n := len(g.asked(b, q)); n > 0 && time.Now().Before(free) {
				t.Fatalf("%s took %q over %v too early", b.name, q.text, time.Until(free))
			}
			return q.stands(t, b).State == "done"
		}, func() any { return q.stands(t, b) })
		if got := q.stands(t, b); got.Text != enginetest.Answer(q.text, 20) {
			t.Fatalf("the answer to %q is %q", q.text, got.Text)
		}
	}
	t.Logf("prompts were taken over and answered after %v", time.Since(lost).Round(time.Millisecond))
	if r := forgotten.await(t, b, "failed", 2*deadline); r.Error == nil || r.Error.Code != "deadline_exceeded" {
		t.Fatalf("cora's: %+v", r)
	}
	// A chat isn't locked by a reply that nobody writes any more.
	finn.ask(t, b, left.chat, "What do they cost?").await(t, b, "done", time.Minute)

	// The other region becomes the home of accounts.
	began := time.Now()
	if err := b.stack.Deploy(t.Context(), parameters(b.name)...); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*user{ada, bob, dan} {
		var r answer
		await(t, time.Minute, "a session from before goes on in the new home", func() bool {
			r = u.renew(t, b)
			return r.Status != http.StatusServiceUnavailable
		}, func() any { return r })
		if r.Status != http.StatusOK {
			t.Fatalf("a refresh in the new home: %+v", r)
		}
	}
	gus := signUp(t, b)
	t.Logf("%s was made the home of accounts in %v", b.name, time.Since(began).Round(time.Millisecond))

	// The lost region comes back, before anything of what happened since has come to it.
	before := map[*question]answer{running: running.stands(t, b), queued: queued.stands(t, b)}
	calls := len(a.engine.Requests())
	returned := time.Now()
	g.bring(a)
	await(t, 90*time.Second, a.name+" beats", func() bool {
		own := g.beatOf(a, a)
		return own.Since.After(returned) && own.At.Sub(own.Since) > gap/2
	}, func() any { return g.beatOf(a, a) })
	if n := a.held(t); n < 4 {
		t.Fatalf("%s has %d prompts of 4 left", a.name, n)
	}
	if ready(a.probe) || ready(a.url) || len(a.engine.Requests()) != calls {
		t.Fatalf("%s works on old prompts before it knows what became of them", a.name)
	}
	if p := g.dns.resolve(t); p != b {
		t.Fatal("traffic goes to a region that hasn't caught up")
	}

	// It catches up, and sweeps.
	g.hold(false)
	await(t, 90*time.Second, a.name+" works", func() bool { return ready(a.probe) }, func() any { return g.beatOf(a, a) })
	await(t, time.Minute, a.name+" has swept its queue", func() bool { return a.held(t) == 0 }, func() any { return a.held(t) })
	await(t, time.Minute, "the regions have the same rows", func() bool { return g.difference() == "" }, func() any { return g.difference() })
	for q, was := range before {
		for _, p := range []*place{a, b} {
			if diff := cmp.Diff(was, q.stands(t, p)); diff != "" {
				t.Errorf("%q in %s changed:\n%s", q.text, p.name, diff)
			}
		}
		if n := len(g.asked(b, q)); n != 1 {
			t.Errorf("%q was answered %d times in %s", q.text, n, b.name)
		}
	}
	if n := len(a.engine.Requests()); n != calls {
		t.Errorf("%s asked its engine %d times since", a.name, n-calls)
	}
	for _, q := range []*question{forgotten, left} {
		if r := q.stands(t, a); r.State != "failed" || r.Error == nil || r.Error.Code != "deadline_exceeded" {
			t.Errorf("%q after the sweep: %+v", q.text, r)
		}
	}
	for u, n := range map[*user]int64{ada: 2, bob: 1, cora: 0, dan: 2, finn: 1, gus: 0} {
		for _, p := range []*place{a, b} {
			if got := g.used(p, u); got != n {
				t.Errorf("%s counts %d messages of a user who got %d answers", p.name, got, n)
			}
		}
	}

	// It still takes itself for the home of accounts. Until it was told otherwise it gets
	// no traffic.
	if ready(a.url) || g.dns.resolve(t) != b {
		t.Error("traffic goes to a region that would write accounts beside the home")
	}
}

// game is both regions with all between them.
type game struct {
	t        *testing.T
	net      *Network
	a, b     *place
	dns      resolver
	replicas []*Replica
}

// begin starts everything; the first region is the home of accounts.
func begin(t *testing.T) *game {
	t.Helper()
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs, "./fleet/worker", "./fleet/relay")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the fleet: %v\n%s", err, out)
	}
	g := &game{t: t, net: &Network{}}
	for _, name := range regions {
		p := prepare(t, g.net, name)
		g.dns = append(g.dns, p)
	}
	g.a, g.b = g.dns[0], g.dns[1]
	if built := built(); built != "" { // by the stack that the tests run beside
		var deploys sync.WaitGroup
		for _, p := range g.dns {
			deploys.Go(func() { p.deploy(t, built, parameters(regions[0])) })
		}
		deploys.Wait()
	} else {
		if g.a.deploy(t, "", parameters(regions[0])); t.Failed() {
			t.FailNow()
		}
		g.b.deploy(t, g.a.stack.Build(), parameters(regions[0]))
	}
	if t.Failed() {
		t.FailNow()
	}
	ctx, end := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	t.Cleanup(func() { end(); tasks.Wait() })
	for _, output := range []string{"AccountsTable", "ChatsTable"} {
		home, other := Copy{g.a.aws, g.a.stack.Outputs()[output]}, Copy{g.b.aws, g.b.stack.Outputs()[output]}
		if home.Table == "" || other.Table == "" {
			t.Fatalf("%s is %q and %q", output, home.Table, other.Table)
		}
		g.net.Name(other.Table, home.Table)
		r, err := Link(ctx, home, other)
		if err != nil {
			t.Fatal(err)
		}
		tasks.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("replication: %v", err)
			}
		})
		g.replicas = append(g.replicas, r)
	}
	for _, p := range []*place{g.a, g.b} {
		p.programs = programs
		tasks.Go(func() { p.beat(ctx, t) })
		p.start(t)
	}
	for _, p := range []*place{g.a, g.b} {
		await(t, time.Minute, p.name+" is ready", func() bool { return ready(p.url) }, func() any { return g.beatOf(p, p) })
	}
	return g
}

// lose takes a region away, also from what is replicated.
func (g *game) lose(p *place) {
	p.leave(true)
	g.hold(true)
	g.net.Cut(p.name)
	p.kill()
}

// bring brings it back, with all that AWS has kept and nothing that the fleet had.
func (g *game) bring(p *place) {
	g.net.Heal(p.name)
	p.valkey.Start()
	p.start(g.t)
	p.leave(false)
}

// hold keeps what is written in one region from coming to the other.
func (g *game) hold(held bool) {
	for _, r := range g.replicas {
		r.Hold(held)
	}
}

// asked returns what a region's engine was asked of a question.
func (g *game) asked(p *place, q *question) []enginetest.Request {
	var of []enginetest.Request
	for _, r := range p.engine.Requests() {
		if n := len(r.Messages); n > 0 && strings.Contains(r.Messages[n-1].Content, q.text) {
			of = append(of, r)
		}
	}
	return of
}

// rows reads rows of the chats' table in a region's copy.
func (g *game) rows(p *place, what string, more map[string]any) []map[string]map[string]any {
	g.t.Helper()
	in := map[string]any{"TableName": p.stack.Outputs()["ChatsTable"], "ConsistentRead": true}
	for name, value := range more {
		in[name] = value
	}
	var out struct{ Items []map[string]map[string]any }
	if err := p.aws.DynamoDB(g.t.Context(), what, in, &out); err != nil {
		g.t.Fatal(err)
	}
	return out.Items
}

func (g *game) query(p *place, partition, prefix string) []map[string]map[string]any {
	g.t.Helper()
	return g.rows(p, "Query", map[string]any{"KeyConditionExpression": "PK = :p AND begins_with(SK, :s)",
		"ExpressionAttributeValues": map[string]any{":p": map[string]string{"S": partition}, ":s": map[string]string{"S": prefix}}})
}

func number(row map[string]map[string]any, name string) int64 {
	text, _ := row[name]["N"].(string)
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// beatOf is a region's sign of life, in the copy of p.
func (g *game) beatOf(p, of *place) region.Beat {
	g.t.Helper()
	for _, row := range g.query(p, "F#beat", "R#"+of.name) {
		return region.Beat{Region: of.name, At: time.UnixMilli(number(row, "at")), Since: time.UnixMilli(number(row, "si"))}
	}
	return region.Beat{}
}

// used is how many messages a region's copy counts of a user, over all hours.
func (g *game) used(p *place, u *user) int64 {
	g.t.Helper()
	var n int64
	for _, row := range g.query(p, "U#"+u.id, "Q#") {
		n += number(row, "used")
	}
	return n
}

// difference tells how the users' rows differ between the regions.
func (g *game) difference() string {
	g.t.Helper()
	var copies []map[string]map[string]map[string]any
	for _, p := range []*place{g.a, g.b} {
		rows := map[string]map[string]map[string]any{}
		for _, row := range g.rows(p, "Scan", nil) {
			if owner, _ := row["PK"]["S"].(string); strings.HasPrefix(owner, "U#") {
				rows[owner+" "+row["SK"]["S"].(string)] = row
			}
		}
		copies = append(copies, rows)
	}
	return cmp.Diff(copies[0], copies[1])
}
