package work

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"parley/shared/quota"
)

type board map[quota.Plan]float64

func (b board) Report(_ context.Context, p quota.Plan, _ string, perSecond float64, _ time.Time) error {
	b[p] = perSecond
	return nil
}

func TestThePaceIsSlotsByTimeOfAReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := board{}
		w := New(Parts{Settings: Settings{Slots: 4}, Queues: map[quota.Plan]Queue{quota.Free: nil}, Rates: reports, Now: time.Now})
		ctx, cancel := context.WithTimeout(t.Context(), reportEvery+time.Second)
		defer cancel()
		w.pace.run(ctx)
		if len(reports) != 0 {
			t.Errorf("reported before anything was measured: %v", reports)
		}
		for range 3 {
			w.pace.note(2 * time.Second)
		}
		w.pace.note(12 * time.Second) // one slow reply moves the mean from 2 s to 3 s
		ctx, cancel = context.WithTimeout(t.Context(), reportEvery+time.Second)
		defer cancel()
		w.pace.run(ctx)
		if got := reports[quota.Free]; got < 1.33 || got > 1.34 {
			t.Errorf("%v replies a second, want 4 slots by 3 s", got)
		}
	})
}
