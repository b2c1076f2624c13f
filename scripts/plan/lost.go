package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"parley/scripts/internal/fleet"
)

// loss is a region that is gone from a moment on.
type loss struct {
	region int     // -1 for none
	at     float64 // seconds since midnight, UTC
	warm   float64 // part of the lost region's engines that its standby has running
	order  bool    // somebody orders at once what the standby lacks
}

// lossResult is what users saw of it: those of the lost region, and those whose region
// took them over.
type lossResult struct {
	Prompts   [fleet.Plans]int // that users wanted to send
	Unreached [fleet.Plans]int // of them, while their address still was the lost region's
	Total     fleet.Result     // sums over fleets
	Waits     [fleet.Plans]fleet.Wait
	Minutes   []minute
}

// minute is what happened in one.
type minute struct {
	at      float64
	sent    [fleet.Plans]int
	away    [fleet.Plans]int // refused, late, lost or unreached
	engines int
}

// simulation plays a load against fleets of one kind of engine.
type simulation struct {
	model  *Model
	load   Load
	engine fleet.Engine
	slots  [fleet.Plans]int // that a prompt of each plan takes
	part   float64          // of the load that is played
	per    int              // how many of the fleet's engines are one real one
	busy   float64          // part of its slots that a fleet is sized for
	boot   float64          // seconds
	places map[plan][]hours // what comes from each place, turns a second
}

// newSimulation takes an engine for what is published of it: with so many slots that it
// writes as fast as published, and for a plan's prompts as many slots as slow them down
// to what is published for their lengths.
//
// Of a large load a part is played, twenty turns a second on average at most. Then each
// engine is a quarter of a real one, so that a fleet is still many, and each holds some
// premium prompts. Small fleets see more chance than large ones: what is simulated waits
// rather longer.
func newSimulation(m *Model, e Engine) *simulation {
	s := &simulation{model: m, load: m.load, part: 1, per: 1, places: map[plan][]hours{}, busy: m.assume("busy_part"), boot: m.assume("boot_seconds"),
		engine: fleet.Engine{Read: m.assume("read_tokens"), Write: 2048 / m.assume("answer_seconds")}}
	for turns := m.load.turns(); turns*s.part > 20; s.per = 4 {
		s.part /= 10
	}
	var atOnce [fleet.Plans]float64 // in one GPU
	for _, p := range bothPlans {
		atOnce[p] = s.takes(p) / e.seconds(m.load.Plans.of(p))
	}
	s.engine.Slots = max(1, int(atOnce[free]*float64(e.GPUs)/float64(s.per)))
	s.slots[free] = 1
	s.slots[premium] = min(s.engine.Slots, max(1, int(math.Round(atOnce[free]/atOnce[premium]))))
	for _, p := range bothPlans {
		turns := m.load.curvesOf(m.load.Operations.Send.of(p))
		for i, h := range m.load.curvesOf(m.load.Operations.WithFile.of(p)) {
			turns[i] = turns[i].plus(h, 1)
		}
		s.places[p] = turns
	}
	return s
}

// takes is how long a prompt of a plan is answered on average, in seconds.
func (s *simulation) takes(p plan) float64 {
	text := s.load.Plans.of(p)
	return s.engine.Takes(fleet.Prompt{In: float64(text.PromptTokens), Out: float64(text.AnswerTokens)})
}

// alone is the same without standbys, and with fleets that are sized so that this part
// of their slots is busy.
func (s *simulation) alone(busy float64) *simulation {
	one := *s
	one.busy = busy
	one.load.Regions = slices.DeleteFunc(slices.Clone(s.load.Regions), func(r Region) bool { return r.Standby })
	one.load.Places = slices.Clone(s.load.Places)
	for i, p := range one.load.Places {
		one.load.Places[i].Nearest = slices.DeleteFunc(slices.Clone(p.Nearest), func(name string) bool { return one.load.region(name) < 0 })
	}
	return &one
}

// turns is how many there are in a second on average.
func (l Load) turns() (sum float64) {
	for _, p := range bothPlans {
		sum += l.Operations.Send.of(p).Average + l.Operations.WithFile.of(p).Average
	}
	return sum
}

// at is the value between the middles of two hours; its mean over a day is that of the
// hours.
func (h hours) at(seconds float64) float64 {
	x := seconds/3600 - 0.5
	low := math.Floor(x)
	a, b := h[mod24(int(low))], h[mod24(int(low)+1)]
	return a + (b-a)*(x-low)
}

func mod24(hour int) int { return (hour%24 + 24) % 24 }

// sent is a prompt that a user wants to send.
type sent struct {
	fleet.Prompt
	place int
	keeps float64 // part of the time that an address lasts, for which its client still has it
}

// crowd is what users of some places send from a moment until another, in order.
type crowd struct {
	from, until float64
	sent        []sent
}

func (s *simulation) crowd(from, until float64, seed uint64, has func(Place) bool) crowd {
	c := crowd{from: from, until: until}
	for i, place := range s.load.Places {
		for _, p := range bothPlans {
			if !has(place) {
				continue
			}
			rng := rand.New(rand.NewPCG(seed, uint64(2*i)+uint64(p)))
			text := s.load.Plans.of(p)
			for second := from; second < until; second++ {
				for range fleet.Drawn(rng, s.part*s.places[p][i].at(second)) {
					c.sent = append(c.sent, sent{fleet.Prompt{At: second + rng.Float64(), In: length(rng, text.PromptTokens, text.MostTokens),
						Out: length(rng, text.AnswerTokens, text.MostTokens), Plan: int(p), Slots: s.slots[p]}, i, rng.Float64()})
				}
			}
		}
	}
	slices.SortFunc(c.sent, func(a, b sent) int { return cmp.Compare(a.At, b.At) })
	return c
}

// touched reports which places notice the loss of a region: its own, and those of the
// regions that take them over.
func (s *simulation) touched(region int) func(Place) bool {
	load := s.load
	takes := map[int]bool{region: true}
	for _, p := range load.Places {
		if load.home(p) == region {
			takes[load.next(p, region)] = true
		}
	}
	return func(p Place) bool { return takes[load.home(p)] }
}

// routed is the prompts that reach each region, in order; the others never leave.
func (s *simulation) routed(l loss, c crowd, r *lossResult) [][]fleet.Prompt {
	load := s.load
	regions := make([][]fleet.Prompt, len(load.Regions))
	detected, ttl := l.at+s.model.assume("detect_seconds"), s.model.assume("ttl_seconds")
	for _, one := range c.sent {
		to := load.home(load.Places[one.place])
		m := &r.Minutes[int((one.At-c.from)/60)]
		m.sent[one.Plan]++
		r.Prompts[one.Plan]++
		if to == l.region && one.At >= l.at {
			to = load.next(load.Places[one.place], l.region)
			if one.At < detected+one.keeps*ttl || to < 0 {
				r.Unreached[one.Plan]++
				m.away[one.Plan]++
				continue
			}
		}
		regions[to] = append(regions[to], one.Prompt)
	}
	return regions
}

// length draws a length with that mean, evenly from as far below it as most is above.
func length(rng *rand.Rand, mean, most int) float64 {
	reach := float64(min(most-mean, mean-1))
	return float64(mean) + reach*(2*rng.Float64()-1)
}

// enginesFor is how many engines a region needs at a moment if so many prompts of each
// plan come in a second.
func (s *simulation) enginesFor(rate [fleet.Plans]float64) int {
	busy := 0.0
	for _, p := range bothPlans {
		busy += s.part * rate[p] * s.takes(p) * float64(s.slots[p])
	}
	return max(1, int(math.Ceil(busy/float64(s.engine.Slots)/s.busy)))
}

// rate is what comes to a region at a moment, by where places go to.
func (s *simulation) rate(region int, at float64, to func(Place) int) (rate [fleet.Plans]float64) {
	for i, place := range s.load.Places {
		if to(place) == region {
			for _, p := range bothPlans {
				rate[p] += s.places[p][i].at(at)
			}
		}
	}
	return rate
}

// play sends a crowd to fleets that at first have the size that they need.
func (s *simulation) play(l loss, c crowd) lossResult {
	r := lossResult{}
	for at := c.from; at < c.until; at += 60 {
		r.Minutes = append(r.Minutes, minute{at: at})
	}
	regions := s.routed(l, c, &r)
	var all []fleet.Result
	for region, prompts := range regions {
		if len(prompts) > 0 {
			all = append(all, s.playRegion(region, l, prompts, c.from, r.Minutes))
		}
	}
	r.Total = fleet.Sum(all)
	for p := range fleet.Plans {
		r.Waits[p] = r.Total.Waits(p, l.at, math.Inf(1))
	}
	return r
}

// playRegion sends prompts to one fleet, and adds to minutes what happened.
func (s *simulation) playRegion(region int, l loss, prompts []fleet.Prompt, from float64, minutes []minute) fleet.Result {
	policy := s.policy(region, l, from)
	f := fleet.New(s.engine, policy.First)
	f.Admit()
	ordered := l.at + s.model.assume("order_seconds")
	before := fleet.Result{}
	for i := range minutes {
		m := &minutes[i]
		if region == l.region && m.at >= l.at {
			f.Lose()
			policy = &fleet.Policy{Fixed: true}
		}
		for len(prompts) > 0 && prompts[0].At < m.at+60 {
			f.Offer(prompts[0])
			prompts = prompts[1:]
		}
		f.Until(m.at + 60)
		if l.order && region != l.region && m.at >= ordered {
			moved := func(p Place) int { return s.load.next(p, l.region) }
			policy.Least = max(policy.Least, s.enginesFor(s.rate(region, m.at, moved)))
		}
		f.Minute(policy, s.boot)
		now := f.Result()
		for p := range fleet.Plans {
			m.away[p] += now.Refused[p] + now.Late[p] + now.Lost[p] - before.Refused[p] - before.Late[p] - before.Lost[p]
		}
		m.engines += f.Size()
		before = now
	}
	return before
}

// policy sizes a region's fleet: by demand, and a standby never below what it keeps
// warm, which is a part of what it would need at that moment for the largest region
// that it stands by for.
func (s *simulation) policy(region int, l loss, from float64) *fleet.Policy {
	load := s.load
	p := &fleet.Policy{Metrics: []fleet.Metric{{Of: fleet.Demand, Target: 100 * s.busy}}, Least: 1}
	p.First = s.enginesFor(s.rate(region, from, load.home))
	if load.Regions[region].Standby && l.region >= 0 {
		for gone := range load.Regions {
			if load.Regions[gone].Standby {
				continue
			}
			rate := s.rate(region, l.at, func(p Place) int {
				if load.home(p) == gone {
					return load.next(p, gone)
				}
				return -1
			})
			p.Least = max(p.Least, int(math.Ceil(l.warm*float64(s.enginesFor(rate)))))
		}
	}
	p.First = max(p.First, p.Least)
	return p
}

// away is how many prompts of a plan were sent away, failed or never arrived.
func (r lossResult) away(p int) int {
	return r.Total.Refused[p] + r.Total.Late[p] + r.Total.Lost[p] + r.Unreached[p]
}
