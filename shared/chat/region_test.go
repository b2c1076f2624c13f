package chat

import (
	"context"
	"testing"
	"time"

	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/quota"
)

// lost is the regions that are.
type lost map[string]bool

func (l lost) Lost(_ context.Context, region string) (bool, error) { return l[region], nil }

// A retry goes on with what its own region has, or nobody any more; what another
// region has, that is left to answer.
func TestARetryTakesNothingFromARegionThatIsThere(t *testing.T) {
	now := time.Now()
	question := id.New(now.Add(-10 * time.Second))
	queued := Message{Status: Queued, Deadline: now.Add(time.Minute)}
	lapsed := Message{Status: Queued, Deadline: now.Add(-time.Second)}
	running := func(region string) *Message { return &Message{Status: Running, Region: region} }
	for name, c := range map[string]struct {
		owner string
		reply *Message // nil: it has no row, nor has its question
		sends bool
		fails bool
	}{
		"queued here":                           {"here", &queued, true, false},
		"queued where there is one region":      {"", &queued, true, false},
		"queued there":                          {"there", &queued, false, false},
		"queued in a lost region":               {"gone", &queued, true, false},
		"past its deadline here":                {"here", &lapsed, true, false},
		"past its deadline there":               {"there", &lapsed, false, false},
		"past its deadline in a lost region":    {"gone", &lapsed, true, false},
		"running here":                          {"here", running("here"), false, false},
		"running there":                         {"there", running("there"), false, false},
		"running in a lost region":              {"gone", running("gone"), true, false},
		"taken over from a lost region here":    {"gone", running("here"), false, false},
		"done in a lost region":                 {"gone", &Message{Status: Done, Region: "gone"}, false, false},
		"its function died here":                {"here", nil, true, false},
		"its question is on its way, perhaps":   {"there", nil, false, true},
		"its function died in a lost region":    {"gone", nil, true, false},
		"failed there, as somebody has written": {"there", &Message{Status: Failed, Region: "there"}, false, false},
	} {
		s, p := padded(nil)
		s.Region, s.Regions, s.Models = "here", lost{"gone": true}, model.Table{}
		first := Sending{User: "u", Key: "k", Chat: id.New(now), Reply: ReplyOf(question), Region: c.owner, Body: digest("send", "", "", "hi", "")}
		first.Question.ID = question
		p.known["k"], p.messages = first, map[string]Message{}
		if c.reply != nil {
			p.messages[first.Reply] = *c.reply
		}
		r, err := s.Send(t.Context(), "u", quota.Free, quota.Of(quota.Free, quota.Limits{}), Question{Text: "hi", Key: "k"})
		if (err != nil) != c.fails || p.queued > 0 != c.sends {
			t.Errorf("%s: queued %d times, %v", name, p.queued, err)
		}
		if err == nil && (r.Reply != first.Reply || !r.Replayed) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A chat isn't held by a reply that nobody writes any more.
func TestALostRegionsReplyHoldsNoChat(t *testing.T) {
	s, p := padded(nil)
	s.Region, s.Regions = "here", lost{"gone": true}
	for region, held := range map[string]bool{"here": true, "there": true, "gone": false} {
		p.messages = map[string]Message{"r": {Status: Running, Region: region}}
		if err := s.checkEnded(t.Context(), Sending{At: time.Now()}, "r"); (err != nil) != held {
			t.Errorf("%s: %v", region, err)
		}
	}
}
