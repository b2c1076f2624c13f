package main

import (
	"math"

	"parley/scripts/internal/fleet"
)

const largest = 200 // replicas

// policies are those that are compared. The target of the message count is what AWS
// recommends: how long a message may wait, by how long one takes on average.
func policies(d day) []*fleet.Policy {
	slots := float64(engine.Slots)
	need := d.need() / slots
	waiting := fleet.Metric{Of: fleet.Messages, Target: 60 * slots / d.mean(engine.Takes)}
	premium, free := fleet.Metric{Of: fleet.Backlog(fleet.Premium), Target: 10}, fleet.Metric{Of: fleet.Backlog(fleet.Free), Target: 60}
	busy := fleet.Metric{Of: fleet.Busy, Target: 80}
	all := []*fleet.Policy{
		{Name: "tokens waiting ÷ tokens a second (10 s premium, 60 s free) alone", Metrics: []fleet.Metric{premium, free}},
		{Name: "the same, and busy slots (80 %)", Metrics: []fleet.Metric{premium, free, busy}},
		{Name: "demand (80 %)", Metrics: []fleet.Metric{{Of: fleet.Demand, Target: 80}}},
		{Name: "busy slots (80 %) alone", Metrics: []fleet.Metric{busy}},
		{Name: "messages waiting for each replica (60 s of them) alone", Metrics: []fleet.Metric{waiting}},
		{Name: "the same, and busy slots (80 %)", Metrics: []fleet.Metric{waiting, busy}},
		{Name: "nothing: as many as the peak needs", Fixed: true, First: int(math.Ceil(1.9 * need / 0.8))},
		{Name: "nothing: as many as the mean needs", Fixed: true, First: int(math.Ceil(need / 0.8))},
	}
	for _, p := range all {
		p.Most = largest
		if !p.Fixed {
			p.First = max(int(math.Ceil(need*curve(0)/0.8)), 1)
		}
	}
	return all
}
