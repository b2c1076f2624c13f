// Package fleet plays prompts against a fleet of engines: discrete events, no engine.
// Prompts come with their lengths and plans, wait in one queue for each plan, and start
// where there is room, premium first; a policy sets the fleet's size once a minute, and
// what it orders is ready a while later. The rules are those of fleet/worker,
// send-message and Application Auto Scaling.
//
// Of all that has come, each prompt is answered, running, waiting, refused, late or
// lost, and nothing else. What happens depends on the prompts alone: the same prompts
// make the same result.
package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Plans of users.
const (
	Free = iota
	Premium
	Plans
)

// Deadline is how long a prompt may wait for its start, by plan, in seconds.
var Deadline = [Plans]float64{Free: 120, Premium: 60}

// Prompt is one of a day's.
type Prompt struct {
	At      float64 // seconds since midnight
	In, Out float64 // tokens
	Plan    int
	Slots   int // of an engine that it takes; none is one
}

func (p Prompt) slots() int { return max(p.Slots, 1) }

// Engine is what one replica can do.
type Engine struct {
	Slots int
	Read  float64 // tokens of a prompt, a second
	Write float64 // tokens of one answer, a second
}

// Takes is how long a prompt's slots are busy, in seconds: it is read, then the answer
// is written token by token.
func (e Engine) Takes(p Prompt) float64 { return p.In/e.Read + p.Out/e.Write }

// Result is what happened to prompts, by plan, and what the fleet cost.
type Result struct {
	Hours   float64 // that replicas were paid for
	Most    int     // replicas
	Changes int     // of the size

	Arrived  [Plans]int
	Answered [Plans]int
	Refused  [Plans]int
	Late     [Plans]int // would have started past their deadline
	Lost     [Plans]int // with the fleet
	Running  [Plans]int // at the end
	Waiting  [Plans]int

	starts [Plans][]wait
}

// wait is when a prompt came, and for how long it waited for its start.
type wait struct{ at, took float64 }

// Started is how many of a plan were started.
func (r Result) Started(plan int) int { return len(r.starts[plan]) }

// Wait is how long prompts waited, in seconds: half of them no longer than P50.
type Wait struct{ P50, P99 float64 }

func (w Wait) String() string { return fmt.Sprintf("%.1f / %.1f", w.P50, w.P99) }

// Waits is how long those of a plan waited that came from one time until another and
// were started.
func (r Result) Waits(plan int, from, until float64) Wait {
	var took []float64
	for _, s := range r.starts[plan] {
		if s.at >= from && s.at < until {
			took = append(took, s.took)
		}
	}
	n := len(took)
	if n == 0 {
		return Wait{}
	}
	slices.Sort(took)
	return Wait{took[n/2], took[n*99/100]}
}

// Day is as many seconds as a day has.
const Day = 24 * 3600

// Play runs a day's prompts, in their order, through a fleet whose size the policy sets.
func Play(prompts []Prompt, e Engine, p *Policy, boot float64) Result {
	f := New(e, p.First)
	next := 0
	for minute := 0.0; minute < Day; minute += 60 {
		for next < len(prompts) && prompts[next].At < minute+60 {
			f.Offer(prompts[next])
			next++
		}
		f.Until(minute + 60)
		f.Minute(p, boot)
	}
	return f.Result()
}

// Sum adds results of several fleets up; the most replicas are the sum of each one's.
func Sum(all []Result) (sum Result) {
	for _, r := range all {
		sum.Hours, sum.Most, sum.Changes = sum.Hours+r.Hours, sum.Most+r.Most, sum.Changes+r.Changes
		for plan := range Plans {
			sum.Arrived[plan] += r.Arrived[plan]
			sum.Answered[plan] += r.Answered[plan]
			sum.Refused[plan] += r.Refused[plan]
			sum.Late[plan] += r.Late[plan]
			sum.Lost[plan] += r.Lost[plan]
			sum.Running[plan] += r.Running[plan]
			sum.Waiting[plan] += r.Waiting[plan]
			sum.starts[plan] = append(sum.starts[plan], r.starts[plan]...)
		}
	}
	return sum
}

// Drawn is a number of prompts with that mean, by Poisson's distribution.
func Drawn(rng *rand.Rand, mean float64) int {
	n := 0
	for left := rng.ExpFloat64(); left < mean; left += rng.ExpFloat64() {
		n++
	}
	return n
}
