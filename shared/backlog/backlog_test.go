package backlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/quota"
)

type depth struct{ waiting, hidden int }

func (d depth) Depth(context.Context) (int, int, error) { return d.waiting, d.hidden, nil }

type away struct{}

func (away) Depth(context.Context) (int, int, error) { return 0, 0, errors.New("SQS is away") }

// crew is a fleet that has reported that.
type crew struct {
	paces   map[quota.Plan]chat.Pace
	norms   map[quota.Plan]chat.Pace
	totals  map[quota.Plan]chat.Pace
	workers int
	writes  int
}

func (c *crew) Crew(_ context.Context, p quota.Plan, _ time.Time) (chat.Pace, int, error) {
	return c.paces[p], c.workers, nil
}

func (c *crew) SetTotal(_ context.Context, p quota.Plan, total chat.Pace, _ time.Time) error {
	if c.totals == nil {
		c.totals = map[quota.Plan]chat.Pace{}
	}
	c.totals[p] = total
	return nil
}

func (c *crew) Norm(_ context.Context, p quota.Plan) (chat.Pace, error) { return c.norms[p], nil }

func (c *crew) SetNorm(_ context.Context, p quota.Plan, norm chat.Pace) error {
	c.norms[p] = norm
	c.writes++
	return nil
}

// report runs once and returns the metrics as name and dimension, and the value.
func report(t *testing.T, c *crew, premium, free Queue) (map[string]float64, error) {
	t.Helper()
	var out bytes.Buffer
	r := &Reporter{Environment: "test", Fleet: c, Assumed: chat.Pace{Tokens: 1000, Each: 2000}, Out: &out, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Queues: map[quota.Plan]Queue{quota.Premium: premium, quota.Free: free}}
	err := r.Run(t.Context())
	metrics := map[string]float64{}
	for line := range bytes.Lines(out.Bytes()) {
		var v struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
			Environment, Queue string
		}
		values := map[string]any{}
		if errors.Join(json.Unmarshal(line, &v), json.Unmarshal(line, &values)) != nil || v.AWS.Timestamp == 0 || v.Environment != "test" {
			t.Fatalf("not in the embedded metric format: %s", line)
		}
		for _, m := range v.AWS.CloudWatchMetrics[0].Metrics {
			metrics[m.Name+" "+v.Queue] = values[m.Name].(float64)
		}
	}
	return metrics, err
}

func TestTheSignalIsTimeForTheTokensThatWait(t *testing.T) {
	c := &crew{workers: 2, norms: map[quota.Plan]chat.Pace{}, paces: map[quota.Plan]chat.Pace{
		quota.Premium: {Tokens: 4000, Each: 20000, Slots: 64}, quota.Free: {Tokens: 3000, Each: 1500, Slots: 64}}}
	got, err := report(t, c, depth{10, 5}, depth{100, 43})
	want := map[string]float64{"BacklogSeconds premium": 50, "BacklogSeconds free": 50, "BusySlots ": 75, "Demand ": 108, "Workers ": 2}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff(c.paces, c.totals); diff != "" {
		t.Error(diff)
	}
	// Twice the workers, half the signal.
	for plan, p := range c.paces {
		c.paces[plan] = p.Plus(p)
	}
	c.workers = 4
	got, err = report(t, c, depth{10, 5}, depth{100, 43})
	if err != nil || got["BacklogSeconds premium"] != 25 || got["BacklogSeconds free"] != 25 {
		t.Error(got, err)
	}
	if c.writes != 2 {
		t.Errorf("the same norms were written %d times", c.writes)
	}
}

// Nobody works: the signal is the time that one worker would need, as it was when
// there were some, or as assumed.
func TestTheSignalWithoutWorkers(t *testing.T) {
	c := &crew{norms: map[quota.Plan]chat.Pace{quota.Premium: {Tokens: 2000, Each: 20000, Slots: 32}}}
	got, err := report(t, c, depth{3, 0}, depth{4, 0})
	want := map[string]float64{"BacklogSeconds premium": 30, "BacklogSeconds free": 8, "BusySlots ": 0, "Demand ": 13, "Workers ": 0}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || c.writes > 0 {
		t.Error(diff, err)
	}
	if total, told := c.totals[quota.Free]; !told || total != (chat.Pace{}) {
		t.Errorf("that nobody works is told as %+v, %v", total, told)
	}
}

func TestWhatIsNotMeasuredIsLeftOut(t *testing.T) {
	c := &crew{norms: map[quota.Plan]chat.Pace{}}
	got, err := report(t, c, away{}, depth{4, 0})
	if diff := cmp.Diff(map[string]float64{"BacklogSeconds free": 8}, got); diff != "" || err == nil {
		t.Error(diff, err)
	}
	if _, told := c.totals[quota.Premium]; !told {
		t.Error("SQS is away, and so senders don't learn what the workers do")
	}
}
