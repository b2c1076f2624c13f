//go:build service

package serve_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/quota"
)

// outlook is a lookout that a test sets.
type outlook struct {
	mu  sync.Mutex
	now chat.Outlook
}

func (o *outlook) Outlook(context.Context, quota.Plan) chat.Outlook {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *outlook) set(ahead int, eta float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = chat.Outlook{Ahead: ahead, ETA: eta}
}

// While a reply is queued its stream says how many are before it: at the start and
// when that changes, but never that more are, for those came later.
func TestQueuedReplySaysHowLong(t *testing.T) {
	s, e := small(t, 0)
	s.Relay.Look = 30 * time.Millisecond
	look := &outlook{}
	look.set(8, 16)
	s.Relay.Lookout = look
	ref := s.Ask("", "Why?")
	var got []any
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name != "status" || ev.Data["status"] != "queued" {
			return
		}
		got = append(got, ev.Data["queue"])
		switch len(got) {
		case 1:
			look.set(20, 40) // twelve came later: nothing is to be said but that it takes as long
			time.AfterFunc(150*time.Millisecond, func() { look.set(3, 6) })
		case 2:
			look.set(0, 0)
		case 3:
			s.Work(s.Parts(e.URL))
		}
	})
	want := []any{queue(8, 16), queue(3, 6), queue(0, 0)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, ev := range events {
		if ev.Name == "status" && ev.Data["status"] == "running" && ev.Data["queue"] != nil {
			t.Errorf("a running reply has a place in the queue: %v", ev.Data)
		}
	}
	if last := events[len(events)-1]; last.Name != "done" {
		t.Errorf("last event %s", last.Name)
	}
}

func queue(ahead, eta float64) map[string]any {
	return map[string]any{"ahead": ahead, "eta_seconds": eta}
}
