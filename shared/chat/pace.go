package chat

import "time"

// Pace is what workers can do for a plan, as they have measured it lately.
type Pace struct {
	Tokens float64 // that they read and write in a second
	Each   float64 // tokens of a prompt and its answer, on average
}

// PaceLife is how long a measurement counts. Workers report twice as often.
const PaceLife = time.Minute

// Plus adds what another worker can do; their averages weigh as much as they do.
func (p Pace) Plus(q Pace) Pace {
	sum := p.Tokens + q.Tokens
	if sum <= 0 {
		return Pace{}
	}
	return Pace{Tokens: sum, Each: (p.Each*p.Tokens + q.Each*q.Tokens) / sum}
}

// Seconds returns how long that many prompts keep the workers busy; 0 if nobody
// has measured anything.
func (p Pace) Seconds(prompts int) float64 {
	if p.Tokens <= 0 {
		return 0
	}
	return float64(prompts) * p.Each / p.Tokens
}
