//go:build service

package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/quota"
)

// scenario is a kind of send. prepare brings a user to where it begins.
type scenario struct {
	name  string
	plan  quota.Plan
	chat  bool // goes on in a chat that has had a turn
	large bool // its body passes what a row can take
	file  bool // it brings a file
	again bool // asks for another reply, not a question
}

var scenarios = []scenario{
	{name: "first message", plan: quota.Free},
	{name: "later message", plan: quota.Free, chat: true},
	{name: "large message", plan: quota.Premium, chat: true, large: true},
	{name: "message with a file", plan: quota.Free, chat: true, file: true},
	{name: "first message with a file", plan: quota.Free, file: true},
	{name: "regenerate", plan: quota.Free, chat: true, again: true},
}

// attempt is one user's send in a scenario, to be tried more than once.
type attempt struct {
	scenario
	user, token string
	before      receipt // the turn that was there before, if any
	attached    string  // the file that it brings, if any
	request     runtimeapi.Request
	want        tally
}

// sentText is the same in every try, as Idempotency-Key asks.
var sentText = map[bool]string{false: "What survives a crash?", true: noise(480 << 10)}

// prepare brings a new user to where the scenario begins. A turn that was there
// before is a day old.
func (d *desk) prepare(t *testing.T, s scenario) *attempt {
	t.Helper()
	d.Recorder.Reset(nil)
	a := &attempt{scenario: s, want: tally{Chats: 1, Questions: 1, Replies: 1, Used: 1}}
	a.user, a.token = d.user(t, s.plan)
	fields := object{"text": sentText[s.large]}
	if s.chat {
		r, _ := d.mustSend(t, ask(a.token, "", object{"text": "Hello?"}))
		if prompts := d.drain(t); d.answer(t, prompts) != 1 {
			t.Fatalf("the turn before was not answered once; its prompts are %+v", prompts)
		}
		p := past{by: 24 * time.Hour, keep: map[string]bool{}}
		d.age(t, a.user, p)
		a.before = receipt{p.text(r.Chat), p.text(r.Message), p.text(r.Reply)}
		a.want = tally{Chats: 1, Questions: 2, Replies: 2, Used: 2}
		fields["chat_id"] = a.before.Chat
	}
	if s.file {
		a.attached = d.file(t, a.user)
		fields["attachments"] = []string{a.attached}
		a.want.Shown, a.want.Attached, a.want.Counted, a.want.Bytes = 1, 1, 1, fileSize
	}
	a.request = ask(a.token, "the-key", fields)
	if s.again {
		a.want.Questions = 1
		a.request.Path = fmt.Sprintf("/v1/chats/%s/messages/%s/regenerate", a.before.Chat, a.before.Reply)
		a.request.Body = ""
	}
	return a
}

// known are the ids that the client has from before.
func (a *attempt) known() map[string]bool {
	return map[string]bool{a.before.Chat: true, a.before.Message: true, a.before.Reply: true, a.attached: true}
}

// steps returns the names of the calls to AWS that an undisturbed send makes.
func (d *desk) steps(t *testing.T, s scenario) []string {
	t.Helper()
	a := d.prepare(t, s)
	e := d.start(t)
	d.Recorder.Reset(nil)
	res, err := runtimeapi.Call(t.Context(), e, a.request)
	if err != nil {
		t.Fatal(err)
	}
	r := decodeReceipt(t, res)
	calls, err := d.Recorder.Calls()
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	d.check(t, a, r, d.drain(t))
	var names []string
	for _, c := range calls {
		names = append(names, c.Name())
	}
	slices.Sort(names) // calls side by side come in any order
	return names
}

// killed sends and kills the function at that stage of that call.
func (d *desk) killed(t *testing.T, a *attempt, step string, at ledger.Stage) {
	t.Helper()
	e := d.start(t)
	defer e.Close()
	d.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool {
		if s == at && c.Name() == step {
			e.Kill()
			return false
		}
		return true
	})
	defer d.Recorder.Reset(nil)
	res, err := runtimeapi.Call(t.Context(), e, a.request)
	d.Recorder.Settle()
	if !errors.Is(err, runtimeapi.ErrDied) {
		t.Fatalf("the function was to die, but answered %d %s, %v", res.Status, res.Body, err)
	}
}

// check asserts that the send of a has become exactly one question and answer.
func (d *desk) check(t *testing.T, a *attempt, r receipt, prompts []chat.Prompt) {
	t.Helper()
	for _, p := range prompts {
		if p.Chat != r.Chat || p.Reply != r.Reply {
			t.Errorf("a prompt asks for reply %s in chat %s, the receipt has %+v", p.Reply, p.Chat, r)
		}
	}
	if n := d.answer(t, prompts); n != 1 {
		t.Errorf("%d prompts in the queue led to %d answers, want 1", len(prompts), n)
	}
	if got := d.tally(t, a.user); got != a.want {
		t.Errorf("the user has %+v, want %+v", got, a.want)
	}
	next, _ := d.mustSend(t, ask(a.token, "", object{"chat_id": r.Chat, "text": "And then?"}))
	if next.Chat != r.Chat || asked(d.drain(t)) != 1 {
		t.Errorf("the next message went to chat %s, want %s", next.Chat, r.Chat)
	}
}

// retry sends again with the same key, twice, and expects the same answer.
func (d *desk) retry(t *testing.T, a *attempt) receipt {
	t.Helper()
	first, _ := d.mustSend(t, a.request)
	second, res := d.mustSend(t, a.request)
	if first != second || res.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a retry got %+v, the next %+v, replayed %q", first, second, res.Header.Get("Idempotent-Replayed"))
	}
	if a.chat && first.Chat != a.before.Chat {
		t.Errorf("the retry went to chat %s, want %s", first.Chat, a.before.Chat)
	}
	return first
}

var stages = map[string]ledger.Stage{"before": ledger.Before, "after": ledger.After}

// TestKill kills the function before and after each of its calls to AWS, retries
// at once and after 23 hours, and expects one question, one answer, counted once.
func TestKill(t *testing.T) {
	d := newDesk(t)
	for _, s := range scenarios {
		steps := d.steps(t, s)
		t.Logf("%s: %q", s.name, steps)
		for _, step := range steps {
			for stage, at := range stages {
				for _, later := range []time.Duration{0, 23 * time.Hour} {
					t.Run(fmt.Sprintf("%s/%s %s/retry after %v", s.name, stage, step, later), func(t *testing.T) {
						d.killAndRetry(t, s, step, at, later)
					})
				}
			}
		}
	}
}

func (d *desk) killAndRetry(t *testing.T, s scenario, step string, at ledger.Stage, later time.Duration) {
	a := d.prepare(t, s)
	d.killed(t, a, step, at)
	prompts := d.drain(t) // what the dead function had queued; it stays queued
	if later > 0 {
		p := past{by: later, keep: a.known()}
		d.age(t, a.user, p)
		for i := range prompts {
			prompts[i] = p.prompt(prompts[i])
		}
	}
	r := d.retry(t, a)
	d.check(t, a, r, append(prompts, d.drain(t)...))
}

// TestKillWithoutRetry kills the function at each step and never retries: ten
// minutes later the chat takes the next message.
func TestKillWithoutRetry(t *testing.T) {
	d := newDesk(t)
	for _, s := range scenarios {
		if !s.chat || s.large {
			continue
		}
		for _, step := range d.steps(t, s) {
			for stage, at := range stages {
				t.Run(fmt.Sprintf("%s/%s %s", s.name, stage, step), func(t *testing.T) {
					a := d.prepare(t, s)
					d.killed(t, a, step, at)
					d.drain(t) // as if the fleet had been away, too
					d.age(t, a.user, past{by: 10 * time.Minute, keep: a.known()})
					d.mustSend(t, ask(a.token, "", object{"chat_id": a.before.Chat, "text": "Still there?"}))
					if n := d.answer(t, d.drain(t)); n != 1 {
						t.Errorf("the next message got %d answers", n)
					}
				})
			}
		}
	}
}

// TestLostAnswer loses the answer of each call once: the function tries again by
// itself, and nothing is done twice.
func TestLostAnswer(t *testing.T) {
	d := newDesk(t)
	for _, s := range scenarios {
		for _, step := range d.steps(t, s) {
			t.Run(s.name+"/"+step, func(t *testing.T) {
				a := d.prepare(t, s)
				e := d.start(t)
				d.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool { return s == ledger.Before || c.Name() != step })
				res, err := runtimeapi.Call(t.Context(), e, a.request)
				e.Close()
				d.Recorder.Reset(nil)
				if err != nil {
					t.Fatal(err)
				}
				first := decodeReceipt(t, res)
				if again := d.retry(t, a); again != first {
					t.Errorf("the retry got %+v, the first try %+v", again, first)
				}
				d.check(t, a, first, d.drain(t))
			})
		}
	}
}

// TestQueueUnclear has SQS take a prompt while all its answers are lost, so that
// the function has to take the send back: the worker may have the prompt already,
// or get it after that. Either way the retry leads to one answer.
func TestQueueUnclear(t *testing.T) {
	d := newDesk(t)
	for _, s := range scenarios {
		for _, early := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/worker first %t", s.name, early), func(t *testing.T) {
				a := d.prepare(t, s)
				e := d.start(t)
				answers := 0
				d.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool {
					lost := s == ledger.After && c.Operation == "SendMessage"
					if lost && early && c.Nth == 1 {
						answers += d.answer(t, d.drain(t))
					}
					return !lost
				})
				_, err := runtimeapi.Call(context.WithoutCancel(t.Context()), e, a.request)
				e.Close()
				d.Recorder.Reset(nil)
				if err != nil {
					t.Fatal(err)
				}
				d.retry(t, a)
				answers += d.answer(t, d.drain(t))
				if got := d.tally(t, a.user); answers != 1 || got != a.want {
					t.Errorf("%d answers; the user has %+v, want %+v", answers, got, a.want)
				}
			})
		}
	}
}
