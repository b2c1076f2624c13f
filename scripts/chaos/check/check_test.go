package check_test

import (
	"strings"
	"testing"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

var began = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }

// tokens are an answer's; the fourth is nothing but white space.
var tokens = []string{"one", " two", " three", "\n\n", "four", " five"}

func sizes(from int) (list []int) {
	for _, t := range tokens {
		if from < len(t) {
			list = append(list, len(t)-from)
			from = 0
			continue
		}
		from -= len(t)
	}
	return list
}

// kept is a history in which nothing went wrong: an answer that a kill cut in two,
// a cancelled one, a poisoned one, and one that Valkey lost.
func kept() *check.History {
	h := &check.History{Used: map[check.Window]int{}}
	whole := strings.Join(tokens, "")
	add := func(n int, row check.Row, calls ...check.Call) *check.Reply {
		ref := chat.Ref{User: "user", Chat: "chat", Message: id.New(began)}
		r := &check.Reply{Prompt: plan.Prompt{Number: n}, Ref: ref, Hour: quota.Hour(began), Others: []string{ref.Message},
			Accepted: at(n), Ended: at(n + 9), Want: tokens, First: row, Last: row, Calls: calls}
		for _, wait := range []bool{false, true} {
			r.Seen = append(r.Seen, check.Seen{Wait: wait, Text: row.Text, Ends: 1, Status: row.Status, Failure: row.Failure, Usage: &row.Usage})
		}
		h.Replies = append(h.Replies, r)
		return r
	}
	usage := func(n int) chat.Usage { return chat.Usage{PromptTokens: 9, CompletionTokens: n} }
	add(0, check.Row{Status: chat.Done, Text: whole, Finish: "stop", Usage: usage(6), Attempt: 2},
		check.Call{Sizes: sizes(0), State: check.Broken, At: at(1)},
		check.Call{Prefix: len("one two"), Sizes: sizes(len("one two")), State: check.Finished, At: at(2)})
	c := add(1, check.Row{Status: chat.Cancelled, Text: "one two", Finish: "cancelled", Usage: usage(2), Attempt: 1},
		check.Call{Sizes: sizes(0), State: check.Aborted, At: at(2)})
	c.Asked, c.Stop = true, &c.First
	p := add(2, check.Row{Status: chat.Failed, Failure: "engine_failed", Text: "one", Usage: usage(1), Attempt: 1},
		check.Call{Sizes: sizes(0), State: check.Broken, At: at(3)}, check.Call{Prefix: 3, Sizes: sizes(3), State: check.Broken, At: at(4)},
		check.Call{Prefix: 3, Sizes: sizes(3), State: check.Broken, At: at(5)})
	p.Poison = true
	v := add(3, check.Row{Status: chat.Done, Text: whole, Finish: "stop", Usage: usage(6), Attempt: 2},
		check.Call{Sizes: sizes(0), State: check.Broken, At: at(4)}, check.Call{Sizes: sizes(0), State: check.Finished, At: at(6), Prompt: 9})
	v.Seen[0].Resets = 1
	h.Kills = append(h.Kills, check.Kill{Kill: plan.Kill{Part: plan.Valkey}, At: at(5), Back: at(6)})
	h.Used[check.Window{User: "user", Hour: quota.Hour(began)}] = 3
	return h
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	if found := kept().All(); len(found) > 0 {
		t.Error(found)
	}
}

// Workers that die before they ask an engine leave no trace there.
func TestThreeKillsMayGoUnseenByEngines(t *testing.T) {
	h := kept()
	r := h.Replies[0]
	r.Calls = nil
	set(r, "")
	count(r, 0)
	fail(h, r, 4, plan.Worker, plan.Worker, plan.Worker)
	h.Used[check.Window{User: "user", Hour: r.Hour}]--
	if found := h.All(); len(found) > 0 {
		t.Error(found)
	}
}

// fail has a reply fail at that attempt, and those parts killed in its life.
func fail(h *check.History, r *check.Reply, attempt int, killed ...plan.Part) {
	r.First.Status, r.First.Failure, r.First.Attempt, r.First.Finish = chat.Failed, chat.EngineFailed.Code, attempt, ""
	r.Last = r.First
	for i := range r.Seen {
		r.Seen[i].Status, r.Seen[i].Failure = chat.Failed, chat.EngineFailed.Code
	}
	for _, part := range killed {
		h.Kills = append(h.Kills, check.Kill{Kill: plan.Kill{Part: part}, At: r.Accepted, Back: r.Accepted})
	}
}

// Each broken guarantee is found, by its name.
func TestEachBrokenGuaranteeIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(h *check.History, r []*check.Reply)
		want   string
	}{
		"a reply never ends":          {func(_ *check.History, r []*check.Reply) { r[0].First.Status = chat.Running; r[0].Last = r[0].First }, "accepted is kept"},
		"a reader never sees the end": {func(_ *check.History, r []*check.Reply) { r[1].Seen[0].Ends = 0 }, "accepted is kept"},
		"a reader is refused":         {func(_ *check.History, r []*check.Reply) { r[1].Seen[0].Wrong = []string{"404"} }, "accepted is kept"},
		"it failed for nothing": {func(_ *check.History, r []*check.Reply) {
			r[0].First.Status, r[0].First.Failure = chat.Failed, "engine_failed"
		}, "accepted is kept"},
		"it failed after two kills": {func(h *check.History, r []*check.Reply) {
			r[0].Calls = r[0].Calls[1:]
			set(r[0], "")
			fail(h, r[0], 3, plan.Worker, plan.Worker, plan.Relay, plan.Engine)
		}, "accepted is kept"},
		"it failed in its third attempt": {func(h *check.History, r []*check.Reply) {
			r[0].Calls = r[0].Calls[1:]
			set(r[0], "")
			fail(h, r[0], 3, plan.Worker, plan.Worker, plan.Worker)
		}, "accepted is kept"},
		"two texts are committed": {func(_ *check.History, r []*check.Reply) { r[0].Last.Text += "!" }, "exactly one answer"},
		"it ended twice":          {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Ends = 2 }, "exactly one answer"},
		"readers hear other ends": {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Status = chat.Failed }, "exactly one answer"},
		"a retry made another":    {func(_ *check.History, r []*check.Reply) { r[0].Others = append(r[0].Others, "other") }, "one send per key"},
		"a character is lost":     {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Text = r[0].Seen[0].Text[1:] }, "streamed is stored"},
		"a character came twice":  {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Text += "e" }, "streamed is stored"},
		"a seam is bad": {func(_ *check.History, r []*check.Reply) {
			set(r[0], strings.Replace(r[0].First.Text, "two", "twotwo", 1))
		}, "the text is whole"},
		"a cancelled text is other": {func(_ *check.History, r []*check.Reply) { set(r[1], "one tw!") }, "the text is whole"},
		"an engine wonders":         {func(_ *check.History, r []*check.Reply) { r[0].Calls[1].Strange = true }, "the text is whole"},
		"a token too many":          {func(_ *check.History, r []*check.Reply) { count(r[0], 7) }, "usage"},
		"a token too few":           {func(_ *check.History, r []*check.Reply) { count(r[1], 1) }, "usage"},
		"usage is told otherwise":   {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Usage = &chat.Usage{} }, "usage"},
		"nobody wrote it":           {func(_ *check.History, r []*check.Reply) { r[0].Calls = nil }, "usage"},
		"the prompt is miscounted":  {func(_ *check.History, r []*check.Reply) { r[3].Calls = r[3].Calls[1:]; r[3].Calls[0].Prompt = 10 }, "usage"},
		"a reset for nothing":       {func(_ *check.History, r []*check.Reply) { r[0].Seen[0].Resets, r[0].Ended = 1, at(3) }, "no reset"},
		"poison is answered": {func(_ *check.History, r []*check.Reply) {
			r[2].First.Status, r[2].First.Failure = chat.Done, ""
		}, "poison ends"},
		"poison goes on":          {func(_ *check.History, r []*check.Reply) { r[2].Calls = append(r[2].Calls, r[2].Calls[2]) }, "poison ends"},
		"poison ends too soon":    {func(_ *check.History, r []*check.Reply) { r[2].Calls = r[2].Calls[:2] }, "poison ends"},
		"nobody wished to stop":   {func(_ *check.History, r []*check.Reply) { r[1].Asked = false }, "stop is a wish"},
		"a cancel lost text":      {func(_ *check.History, r []*check.Reply) { r[1].Stop = &check.Row{Status: chat.Cancelled} }, "stop keeps the text"},
		"quota is not given back": {func(h *check.History, r []*check.Reply) { h.Used[check.Window{"user", r[0].Hour}] = 4 }, "quota"},
		"quota comes back twice":  {func(h *check.History, r []*check.Reply) { h.Used[check.Window{"user", r[0].Hour}] = 2 }, "quota"},
		"a message isn't counted": {func(h *check.History, r []*check.Reply) { clear(h.Used) }, "quota"},
		"a worker fell over":      {func(h *check.History, r []*check.Reply) { h.Died = []string{"worker-1"} }, "processes live"},
	} {
		t.Run(name, func(t *testing.T) {
			h := kept()
			c.break_(h, h.Replies)
			for _, v := range h.All() {
				if v.Guarantee == c.want {
					return
				}
			}
			t.Errorf("found %v, want %s", h.All(), c.want)
		})
	}
}

// set gives a reply another text, in all places.
func set(r *check.Reply, text string) {
	r.First.Text, r.Last.Text = text, text
	for i := range r.Seen {
		r.Seen[i].Text = text
	}
}

// count gives a reply another usage, in all places.
func count(r *check.Reply, n int) {
	r.First.Usage.CompletionTokens, r.Last.Usage.CompletionTokens = n, n
	for i := range r.Seen {
		r.Seen[i].Usage = &r.First.Usage
	}
}

// White space at a cut counts once; where nobody knows the tokens beforehand, the
// logs leave one of doubt, and no more.
func TestWhiteSpaceAtACut(t *testing.T) {
	at3 := len("one two three")
	for n, fine := range map[int]bool{5: false, 6: true, 7: true, 8: false} {
		h := kept()
		h.Replies[0].Want = nil
		h.Replies[0].Calls[1].Prefix, h.Replies[0].Calls[1].Sizes = at3, sizes(at3)
		count(h.Replies[0], n)
		if found := h.All(); (len(found) == 0) != fine || h.Replies[0].Exact() {
			t.Errorf("%d tokens: %v", n, found)
		}
	}
}
