// Package backlog measures how far the fleet is behind, for whatever sets its size.
//
// A queue's length says little of the work in it: ten premium prompts of 100,000
// tokens are more than a thousand free ones. So the signal of a queue is the time
// that the workers there are need for what waits in it: tokens waiting ÷ tokens
// that they read and write in a second, both as workers have measured them. It
// halves when the workers double, which is what a target-tracking policy expects of
// a metric. While nobody works it is the time that one worker would need, by what
// workers did when there were some.
//
// Alone it would let workers go that are busy and have nothing waiting. So beside it
// stands how many of all slots are taken; and both in one, the demand: the slots that
// are taken and those that would be needed besides to be done with what waits in five
// minutes, in percent of all. docs/scaling.md compares what they lead to.
//
// The figures are written to the log in CloudWatch's embedded metric format: that
// takes no call and no permission, and costs a sixtieth of PutMetricData.
package backlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Queue is a plan's queues.
type Queue interface {
	// Depth returns how many prompts wait, and how many a worker has.
	Depth(ctx context.Context) (waiting, hidden int, err error)
}

// Fleet is what workers have reported.
type Fleet interface {
	// Crew adds up what the workers of a plan do at present, and counts them.
	Crew(ctx context.Context, p quota.Plan, now time.Time) (chat.Pace, int, error)
	// SetTotal keeps that sum for those who foretell waiting times.
	SetTotal(ctx context.Context, p quota.Plan, total chat.Pace, now time.Time) error
	// Norm returns what one worker usually does, zero if nobody has ever said.
	Norm(ctx context.Context, p quota.Plan) (chat.Pace, error)
	SetNorm(ctx context.Context, p quota.Plan, norm chat.Pace) error
}

// Pulse is its region's sign of life.
type Pulse interface {
	Run(ctx context.Context) error
}

// Reporter measures all queues.
type Reporter struct {
	Environment string
	Queues      map[quota.Plan]Queue
	Fleet       Fleet
	Pulse       Pulse     // given first, and whatever else fails; nil: nobody asks
	Assumed     chat.Pace // of one worker, before the first has reported
	Out         io.Writer // of the function's log
	Now         func() time.Time
	Log         *slog.Logger
}

// drain is the time in which demand has what waits done with: about as long as a new
// worker's engine takes to start.
const drain = 5 * time.Minute

// plans is the order of what is reported.
var plans = []quota.Plan{quota.Premium, quota.Free}

// Run measures once. What can't be measured is left out: a gap in a metric moves
// no policy.
func (r *Reporter) Run(ctx context.Context) error {
	hidden, slots, workers, seconds := 0, 0.0, 0, 0.0
	var errs []error
	if r.Pulse != nil {
		if err := r.Pulse.Run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("sign of life: %w", err))
		}
	}
	measured := true
	for _, plan := range plans {
		s, err := r.measure(ctx, plan)
		if err != nil {
			errs, measured = append(errs, fmt.Errorf("%s: %w", plan, err)), false
			continue
		}
		hidden += s.hidden
		slots, workers = max(slots, s.pace.Slots), max(workers, s.workers)
		seconds += s.seconds()
		r.emit(map[string]string{"Queue": string(plan)}, figure{"BacklogSeconds", "Seconds", s.seconds()})
	}
	if measured {
		busy := 0.0
		if slots > 0 {
			busy = min(100*float64(hidden)/slots, 100)
		}
		demand := math.Round(busy + 100*seconds/drain.Seconds())
		r.emit(nil, figure{"BusySlots", "Percent", busy}, figure{"Demand", "Percent", demand}, figure{"Workers", "Count", float64(workers)})
	}
	return errors.Join(errs...)
}

// sight is one plan's measurement.
type sight struct {
	waiting, hidden int
	pace            chat.Pace // of all workers, or of one if there are none
	workers         int
}

// seconds is how long the workers need for what waits.
func (s sight) seconds() float64 { return math.Round(s.pace.Seconds(s.waiting)*10) / 10 }

func (r *Reporter) measure(ctx context.Context, plan quota.Plan) (sight, error) {
	pace, workers, err := r.Fleet.Crew(ctx, plan, r.Now())
	if err != nil {
		return sight{}, err
	}
	if err := r.Fleet.SetTotal(ctx, plan, pace, r.Now()); err != nil {
		r.Log.Warn("what all workers do was not kept", "plan", string(plan), "error", err.Error())
	}
	waiting, hidden, err := r.Queues[plan].Depth(ctx)
	if err != nil {
		return sight{}, err
	}
	norm, err := r.Fleet.Norm(ctx, plan)
	if err != nil {
		return sight{}, err
	}
	if workers > 0 {
		r.keep(ctx, plan, norm, pace.Share(workers))
		return sight{waiting, hidden, pace, workers}, nil
	}
	if norm.Tokens <= 0 {
		norm = r.Assumed
	}
	norm.Slots = 0
	return sight{waiting, hidden, norm, 0}, nil
}

// keep writes the norm down if it has changed by a tenth.
func (r *Reporter) keep(ctx context.Context, plan quota.Plan, old, now chat.Pace) {
	if math.Abs(now.Tokens-old.Tokens) < old.Tokens/10 && math.Abs(now.Each-old.Each) < old.Each/10 {
		return
	}
	if err := r.Fleet.SetNorm(ctx, plan, now); err != nil {
		r.Log.Warn("what a worker does was not kept", "plan", string(plan), "error", err.Error())
	}
}

// figure is one metric's value.
type figure struct {
	name, unit string
	value      float64
}

// emit writes one line in the embedded metric format.
func (r *Reporter) emit(dimensions map[string]string, figures ...figure) {
	names := []string{"Environment"}
	line := map[string]any{"Environment": r.Environment}
	for name, value := range dimensions {
		names = append(names, name)
		line[name] = value
	}
	var metrics []map[string]string
	for _, f := range figures {
		metrics = append(metrics, map[string]string{"Name": f.name, "Unit": f.unit})
		line[f.name] = f.value
	}
	line["_aws"] = map[string]any{"Timestamp": r.Now().UnixMilli(), "CloudWatchMetrics": []any{
		map[string]any{"Namespace": "Parley", "Dimensions": []any{names}, "Metrics": metrics}}}
	if err := json.NewEncoder(r.Out).Encode(line); err != nil {
		r.Log.Error("a metric was not written", "error", err.Error())
	}
}
