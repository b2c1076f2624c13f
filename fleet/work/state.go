package work

import "parley/shared/quota"

// Limit returns how many answers the engine is given at once.
func (w *Worker) Limit() int { return w.limit.answers() }

// Held returns how many ended prompts wait for their usage to be written.
func (w *Worker) Held() int { return w.remover.held() }

// Pace returns how many tokens a second the worker can do for a plan, 0 while it
// doesn't know.
func (w *Worker) Pace(p quota.Plan) float64 {
	pace, _ := w.pace.of(p)
	return pace.Tokens
}

// Events calls each for everything that Counts counts.
func (w *Worker) Events(each func(event string, n int64)) {
	c := w.Counts()
	each("unreadable", c.Unreadable)
	each("later", c.Later)
	each("forgotten", c.Forgotten)
	each("duplicate", c.Duplicate)
	each("handed_back", c.HandedBack)
	each("poisoned", c.Poisoned)
	each("lost", c.Lost)
}
