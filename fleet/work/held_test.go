package work

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"parley/shared/queue"
)

// shown is a queue that counts what is put back.
type shown struct{ back int }

func (*shown) Receive(context.Context, int, time.Duration) ([]queue.Delivery, error) { return nil, nil }
func (*shown) Delete(context.Context, ...string) error                               { return nil }
func (s *shown) Extend(_ context.Context, d time.Duration, receipts ...string) error {
	if d == comeLater {
		s.back += len(receipts)
	}
	return nil
}

// What a worker holds while nothing can be written is bounded; the rest goes back.
func TestEndedPromptsBeyondABoundGoBack(t *testing.T) {
	q := &shown{}
	r := New(Parts{Log: slog.New(slog.DiscardHandler)}).remover
	for range mostHeld + 200 {
		r.remove(ended{queue: q})
	}
	if r.held() != mostHeld || q.back != 200 {
		t.Errorf("%d held, %d back", r.held(), q.back)
	}
}
