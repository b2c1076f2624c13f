package usage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/shared/chat"
	"parley/shared/usage"
)

// grave is one reply that is given up, and the bucket.
type grave struct {
	reply  chat.Message
	gone   bool
	away   error // the table, or the bucket, is away
	failed int
	files  map[string][]byte
}

func (g *grave) Fail(_ context.Context, _ chat.Prompt, f chat.Failure) error {
	if g.gone || g.reply.Status.Ended() {
		return chat.ErrStale
	}
	g.failed++
	g.reply.Status, g.reply.Failure, g.reply.Usage = chat.Failed, &f, &chat.Usage{}
	return nil
}

func (g *grave) Ended(context.Context, chat.Ref) (chat.Message, error) {
	if g.gone {
		return chat.Message{}, chat.ErrNoMessage
	}
	return g.reply, nil
}

func (g *grave) Put(_ context.Context, name string, file []byte) error {
	if g.away != nil {
		return g.away
	}
	g.files[name] = file
	return nil
}

func (g *grave) records(t *testing.T) (all []usage.Record) {
	t.Helper()
	for _, file := range g.files {
		records, err := usage.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}

func TestWhatIsGivenUpLeavesARecord(t *testing.T) {
	done := chat.Message{Status: chat.Done, Attempt: 2, Usage: &chat.Usage{CompletionTokens: 7}}
	for name, c := range map[string]struct {
		g       *grave
		failed  int
		records int
		status  chat.Status
		tokens  int
	}{
		"nobody ended it":           {&grave{reply: chat.Message{Status: chat.Running, Attempt: 1}}, 1, 1, chat.Failed, 0},
		"it ended, its worker died": {&grave{reply: done}, 0, 1, chat.Done, 7},
		"its chat was deleted":      {&grave{gone: true}, 0, 0, "", 0},
	} {
		c.g.files = map[string][]byte{}
		up := &usage.GiveUp{Replies: c.g, Files: c.g, Now: func() time.Time { return noon }}
		p := prompt(noon)
		for range 2 { // the second time does no harm
			if err := up.Do(t.Context(), p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got := c.g.records(t)
		if c.g.failed != c.failed || len(got) != c.records || c.records > 0 && (got[0].Status != c.status || got[0].CompletionTokens != c.tokens || got[0].Reply != p.Reply) {
			t.Errorf("%s: failed %d times, records %+v", name, c.g.failed, got)
		}
	}
}

// A prompt whose record can't be written must come again.
func TestGivingUpWaitsForItsRecord(t *testing.T) {
	away := errors.New("the bucket is away")
	g := &grave{reply: chat.Message{Status: chat.Running}, away: away, files: map[string][]byte{}}
	up := &usage.GiveUp{Replies: g, Files: g, Now: func() time.Time { return noon }}
	p := prompt(noon)
	if err := up.Do(t.Context(), p); !errors.Is(err, away) {
		t.Fatal(err)
	}
	g.away = nil
	if err := up.Do(t.Context(), p); err != nil || g.failed != 1 || len(g.records(t)) != 1 {
		t.Errorf("%v, failed %d times, records %+v", err, g.failed, g.records(t))
	}
}
