package chat

import "time"

// Pace is what workers can do for a plan, as they have measured it lately.
type Pace struct {
	Tokens float64 // that they read and write in a second
	Each   float64 // tokens of a prompt and its answer, on average
	Slots  float64 // answers at once, of all plans together
}

// PaceLife is how long a measurement counts. Workers report twice as often.
const PaceLife = time.Minute

// Plus adds what another worker can do; their averages weigh as much as they do.
func (p Pace) Plus(q Pace) Pace {
	sum := p.Tokens + q.Tokens
	if sum <= 0 {
		return Pace{}
	}
	return Pace{Tokens: sum, Each: (p.Each*p.Tokens + q.Each*q.Tokens) / sum, Slots: p.Slots + q.Slots}
}

// Share is what one of that many workers does on average.
func (p Pace) Share(workers int) Pace {
	n := float64(max(workers, 1))
	return Pace{Tokens: p.Tokens / n, Each: p.Each, Slots: p.Slots / n}
}

// Seconds returns how long that many prompts keep the workers busy; 0 if nobody
// has measured anything.
func (p Pace) Seconds(prompts int) float64 {
	if p.Tokens <= 0 {
		return 0
	}
	return float64(prompts) * p.Each / p.Tokens
}
