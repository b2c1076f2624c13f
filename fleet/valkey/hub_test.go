package valkey

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"
)

// A server that takes connections and says nothing, as one does that hangs, holds
// up nobody who subscribes or leaves.
func TestNobodyWaitsForAServerThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := Open(Settings{Addr: l.Addr().String()})
	defer client.Close()
	nobodyWaits(t, NewHub(t.Context(), client, slog.New(slog.DiscardHandler)))
}

func TestNobodyWaitsForAServerThatIsAway(t *testing.T) {
	client := Open(Settings{Addr: "127.0.0.1:1"})
	defer client.Close()
	nobodyWaits(t, NewHub(t.Context(), client, slog.New(slog.DiscardHandler)))
}

func nobodyWaits(t *testing.T, h *Hub) {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			for j := range 20 {
				s := h.Subscribe(fmt.Sprint("c", i%10, j))
				defer s.Close()
				h.Subscribe(fmt.Sprint("d", j)).Close()
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("4,000 subscriptions took %s", took)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for channel, topic := range h.topics {
		if len(topic.subs) > 0 && channel != idle {
			t.Errorf("%s has %d listeners left", channel, len(topic.subs))
		}
	}
}
