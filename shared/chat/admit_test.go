package chat

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// seen is a Lookout that has seen that, or nothing.
type seen struct {
	outlook Outlook
	known   bool
}

func (s seen) Glance(quota.Plan) (Outlook, bool)              { return s.outlook, s.known }
func (s seen) Outlook(context.Context, quota.Plan) Outlook    { return s.outlook }
func (s seen) wait(seconds float64) seen                      { return seen{Outlook{Ahead: 7, ETA: seconds}, true} }
func (p *pad) Send(context.Context, Prompt) error             { p.queued++; return nil }
func (p *pad) Hold(context.Context, Sending) (Refusal, error) { return Refusal{}, nil }
func (p *pad) Undo(context.Context, Sending) error            { return nil }

// pad accepts sendings, knows those with a key, and counts.
type pad struct {
	known            map[string]Sending
	accepted, queued int
	asked            Sending            // the last one whose question was written
	messages         map[string]Message // by id
}

func (p *pad) Message(_ context.Context, ref Ref) (Message, error) {
	m, ok := p.messages[ref.Message]
	if !ok {
		return Message{}, ErrNoMessage
	}
	return m, nil
}

func (p *pad) Ask(_ context.Context, s Sending) (int, error) {
	p.asked = s
	return 1, nil
}

func (p *pad) Accept(_ context.Context, s Sending) (Refusal, error) {
	if first, ok := p.known[s.Key]; ok {
		return Refusal{Known: &first}, nil
	}
	if s.Shed {
		return Refusal{Shed: true}, nil
	}
	p.accepted++
	if s.Key != "" {
		p.known[s.Key] = s
	}
	return Refusal{}, nil
}

func padded(look Lookout) (*Sender, *pad) {
	p := &pad{known: map[string]Sending{}}
	return &Sender{Store: p, Queue: p, Lookout: look, Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: 2 * time.Minute, quota.Premium: time.Minute}}, p
}

func TestOverloadIsAnsweredBeforeAnythingIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		plan  quota.Plan
		look  Lookout
		after time.Duration // 0: accepted
	}{
		"nobody looks":               {quota.Free, nil, 0},
		"nothing was seen":           {quota.Free, seen{Outlook{ETA: 9999}, false}, 0},
		"free waits long enough":     {quota.Free, seen{}.wait(84), 0},
		"free would wait too long":   {quota.Free, seen{}.wait(90), 6 * time.Second},
		"free would wait for hours":  {quota.Free, seen{}.wait(9000), time.Minute},
		"premium waits longer":       {quota.Premium, seen{}.wait(54), 0},
		"premium would wait as long": {quota.Premium, seen{}.wait(54.5), time.Second},
	} {
		s, p := padded(c.look)
		receipt, err := s.Send(t.Context(), "u", c.plan, quota.Of(c.plan, quota.Limits{}), Question{Text: "Why?"})
		if c.after == 0 {
			if err != nil || p.accepted != 1 || p.queued != 1 {
				t.Errorf("%s: %v", name, err)
			}
			if known, ok := c.look.(seen); ok && receipt.Queue != known.outlook {
				t.Errorf("%s: queue %+v", name, receipt.Queue)
			}
			continue
		}
		if got := problem.From(err); got == nil || got.Code != "overloaded" || got.Kind != problem.Unavailable || got.RetryAfter != c.after {
			t.Errorf("%s: %v, after %v, want %v", name, err, got.RetryAfter, c.after)
		}
		if p.accepted+p.queued > 0 {
			t.Errorf("%s: something was accepted", name)
		}
	}
}

// What was accepted before the overload keeps its place, whether or not its first
// try got through.
func TestAKnownKeyIsNeverShed(t *testing.T) {
	s, p := padded(seen{})
	ask := func(key string) (Receipt, error) {
		return s.Send(t.Context(), "u", quota.Free, quota.Of(quota.Free, quota.Limits{}), Question{Text: "Why?", Key: key})
	}
	first, err := ask("k1")
	if err != nil {
		t.Fatal(err)
	}
	s.Lookout = seen{}.wait(500)
	again, err := ask("k1")
	if err != nil || !again.Replayed || again.Reply != first.Reply || p.queued != 2 {
		t.Errorf("%+v after %+v, %v", again, first, err)
	}
	if _, err := ask("k2"); !errors.Is(err, errOverloaded) || p.accepted != 1 || p.queued != 2 {
		t.Errorf("a new key: %v", err)
	}
}
