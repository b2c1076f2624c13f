package work

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
)

type board map[quota.Plan]chat.Pace

func (b board) Report(_ context.Context, p quota.Plan, _ string, pace chat.Pace, _ time.Time) error {
	b[p] = pace
	return nil
}

// paced returns a worker of four slots and the board that it reports to.
func paced() (*Worker, board) {
	reports := board{}
	return New(Parts{Settings: Settings{Slots: 4}, Engine: mute{}, Rates: reports, Now: time.Now,
		Queues: map[quota.Plan][]Queue{quota.Free: {nil}, quota.Premium: {nil}}}), reports
}

func (w *Worker) reportOnce(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reportEvery+time.Second)
	defer cancel()
	w.pace.run(ctx)
}

func near(got, want float64) bool { return math.Abs(got-want) < 0.01*want }

func TestThePaceIsTokensOfAllSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reports := paced()
		w.reportOnce(t)
		if len(reports) != 0 {
			t.Errorf("reported before anything was measured: %v", reports)
		}
		usage := chat.Usage{PromptTokens: 500, CachedTokens: 200, CompletionTokens: 100}
		for range 3 {
			w.pace.note("u", quota.Free, usage, 2*time.Second, true)
		}
		w.pace.note("u", quota.Free, usage, time.Hour, false) // was cut short: says nothing
		w.pace.note("u", quota.Free, usage, 12*time.Second, true)
		w.reportOnce(t)
		// One slow reply moves the mean from 2 s to 3 s: 4 slots of 400 tokens in 3 s.
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			if got := reports[plan]; !near(got.Tokens, 4*400/3.0) || !near(got.Each, 400) {
				t.Errorf("%s: %+v", plan, got)
			}
		}
	})
}

// Premium takes three quarters of the slots' time: free has what is left.
func TestFreeHasWhatPremiumLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reports := paced()
		usage := chat.Usage{CompletionTokens: 100}
		for range 10 {
			w.pace.note("p", quota.Premium, usage, 3*time.Second, true)
			w.pace.note("f", quota.Free, usage, time.Second, true)
		}
		w.reportOnce(t)
		if f, p := reports[quota.Free], reports[quota.Premium]; !near(f.Tokens, 100) || !near(p.Tokens, 4*100/3.0) {
			t.Errorf("free %+v, premium %+v", f, p)
		}
	})
}

func TestServiceFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := paced()
		w.pace.note("u", quota.Free, chat.Usage{CompletionTokens: 100}, time.Second, true)
		time.Sleep(halfLife)
		if got := w.pace.attained("u"); !near(got, 50) {
			t.Errorf("after %v 100 tokens count %v", halfLife, got)
		}
		time.Sleep(10 * halfLife)
		w.pace.forget()
		if len(w.pace.users) > 0 {
			t.Errorf("still kept: %v", w.pace.users)
		}
	})
}
