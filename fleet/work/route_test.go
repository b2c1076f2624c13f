package work_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/model"
	"parley/shared/queue"
	"parley/shared/quota"
)

// mailbox is a queue that delivers once, and notes what is hidden for how long.
type mailbox struct {
	deliveries []queue.Delivery
	mu         sync.Mutex
	hidden     map[string]time.Duration // receipts, joined, and their rest
	err        error
}

func (m *mailbox) Receive(context.Context, int, time.Duration) ([]queue.Delivery, error) {
	return m.deliveries, m.err
}

func (m *mailbox) Delete(context.Context, ...string) error { return nil }

func (m *mailbox) Extend(_ context.Context, d time.Duration, receipts ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hidden[strings.Join(receipts, " ")] = d
	return nil
}

func TestPromptsGoToTheirModelsEngine(t *testing.T) {
	models, err := model.Parse(`[{"name":"small","engine":"http://a"},{"name":"large","engine":"http://b/","plans":["premium"]},{"name":"any"}]`)
	if err != nil {
		t.Fatal(err)
	}
	delivery := func(name string, plan quota.Plan, receives int) queue.Delivery {
		p := chat.Prompt{Model: name, Plan: plan, Reply: name}
		return queue.Delivery{Prompt: p, Receipt: string(plan) + "/" + name, ReceiveCount: receives}
	}
	broken := queue.Delivery{Receipt: "broken", Err: errors.New("not ours")}
	all := []queue.Delivery{delivery("small", quota.Free, 1), delivery("large", quota.Premium, 1), delivery("any", quota.Free, 9),
		delivery("", quota.Free, 1), delivery("later", quota.Premium, 5), broken, delivery("large", quota.Free, 21)}
	for url, want := range map[string]struct {
		ours   []string
		hidden map[string]time.Duration
	}{
		"http://a/v1": {[]string{"small", "any", "small", ""},
			map[string]time.Duration{"premium/large": 0, "premium/later": 2 * time.Second, "free/large": 10 * time.Second}},
		"http://b": {[]string{"large", "any", ""},
			map[string]time.Duration{"free/small free/": 0, "premium/later": 2 * time.Second, "free/large": 10 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			box := &mailbox{deliveries: all, hidden: map[string]time.Duration{}}
			got, err := work.Route(box, models, url, slog.New(slog.DiscardHandler)).Receive(t.Context(), 10, 0)
			synctest.Wait()
			names := []string{}
			for _, d := range got {
				names = append(names, d.Prompt.Model)
			}
			if err != nil || cmp.Diff(want.ours, names) != "" || cmp.Diff(want.hidden, box.hidden) != "" {
				t.Errorf("%s: %v, %s%s", url, err, cmp.Diff(want.ours, names), cmp.Diff(want.hidden, box.hidden))
			}
		})
	}
}

func TestRoutingPassesFailuresOn(t *testing.T) {
	away := errors.New("away")
	q := work.Route(&mailbox{err: away}, model.Table{}, "http://a", slog.New(slog.DiscardHandler))
	if _, err := q.Receive(t.Context(), 1, 0); !errors.Is(err, away) {
		t.Error(err)
	}
}
