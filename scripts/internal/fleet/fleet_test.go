package fleet

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

var engine = Engine{Slots: 32, Read: 8000, Write: 45}

// even is a day of one prompt a second that takes ten seconds: ten slots are busy.
func even() (prompts []Prompt) {
	for at := range Day {
		prompts = append(prompts, Prompt{At: float64(at), Out: 10 * engine.Write})
	}
	return prompts
}

// With room for twelve at once nobody waits; with half of the need a prompt that
// starts has waited for as long as its deadline allows, and half start too late.
func TestAFixedFleet(t *testing.T) {
	d := even()
	r := Play(d, engine, &Policy{Fixed: true, First: 1}, 0)
	if w := r.Waits(Free, 0, Day); w.P99 > 0 || r.Late[Free] > 0 || r.Hours < 23.99 || r.Hours > 24.01 || r.Started(Free) < Day-20 {
		t.Errorf("%d starts, %d late, waits %v, %v hours", r.Started(Free), r.Late[Free], w, r.Hours)
	}
	for i := range d {
		d[i].Out = 2 * float64(engine.Slots) * engine.Write // 64 slots are needed
	}
	r = Play(d, engine, &Policy{Fixed: true, First: 1}, 0)
	if late, w := float64(r.Late[Free])/Day, r.Waits(Free, 0, Day); late < 0.47 || late > 0.53 || w.P99 < 100 {
		t.Errorf("%.2f late, waits %v", late, w)
	}
}

// A metric that is twice its target doubles the fleet after three minutes, counting
// what is on its way; one under its target lets go after fifteen, one over keeps.
func TestPoliciesTrackTheirTargets(t *testing.T) {
	a, b := 200.0, 10.0
	p := &Policy{First: 4, Metrics: []Metric{{func(*Fleet) float64 { return a }, 100}, {func(*Fleet) float64 { return b }, 100}}}
	f := New(engine, 4)
	for minute, want := range []int{4, 4, 8, 8} {
		got := p.want(f)
		if f.resize(got, 300); got != want {
			t.Errorf("minute %d: %d, want %d", minute, got, want)
		}
	}
	a = 50
	for minute := range 15 {
		got := p.want(f)
		if want := 8; minute < 14 && got != want || minute == 14 && got != 2 {
			t.Errorf("minute %d: %d", minute, got)
		}
	}
}

// mixed is an hour of prompts of both plans by chance, so many a second on average.
func mixed(seed uint64, rate float64) (prompts []Prompt) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for at := 0.0; at < 3600; at += rng.ExpFloat64() / rate {
		p := Prompt{At: at, In: 4000 * rng.Float64(), Out: 1000 * rng.Float64()}
		if rng.IntN(10) == 0 {
			p.Plan, p.Slots = Premium, 3
		}
		prompts = append(prompts, p)
	}
	return prompts
}

// hour plays an hour; at loss, if that is within it, the fleet is lost and a new one
// of as many replicas is there at once.
func hour(prompts []Prompt, replicas int, loss float64) Result {
	f := New(engine, replicas)
	f.Admit()
	for _, p := range prompts {
		if p.At > loss {
			f.Until(loss)
			f.Lose()
			f.resize(replicas, 0)
			loss = 1e9
		}
		f.Offer(p)
	}
	return f.Result()
}

// Whatever comes is one of answered, refused, late, lost, running and waiting, with too
// few replicas and with enough.
func TestNoPromptIsLostToTheCount(t *testing.T) {
	for seed := range uint64(2) {
		for _, replicas := range []int{1, 3, 12} {
			r := hour(mixed(seed, 9), replicas, 1800)
			for plan := range Plans {
				if sum := r.Answered[plan] + r.Refused[plan] + r.Late[plan] + r.Lost[plan] + r.Running[plan] + r.Waiting[plan]; sum != r.Arrived[plan] || sum == 0 {
					t.Errorf("seed %d, %d replicas, plan %d: %d of %d: %+v", seed, replicas, plan, sum, r.Arrived[plan], r)
				}
			}
		}
	}
}

// The same prompts make the same result.
func TestTheSamePromptsMakeTheSame(t *testing.T) {
	if a, b := hour(mixed(1, 9), 2, 1800), hour(mixed(1, 9), 2, 1800); !reflect.DeepEqual(a, b) {
		t.Errorf("%d answered, then %d", a.Answered, b.Answered)
	}
}

// More replicas answer no fewer and send no more away, of either plan.
func TestMoreReplicasRefuseNoMore(t *testing.T) {
	for seed := range uint64(2) {
		prompts, before := mixed(seed, 9), Result{}
		for replicas := 1; replicas <= 8; replicas++ {
			r := hour(prompts, replicas, 1e9)
			for plan := range Plans {
				away, was := r.Refused[plan]+r.Late[plan], before.Refused[plan]+before.Late[plan]
				if replicas > 1 && (away > was || r.Answered[plan] < before.Answered[plan]) {
					t.Errorf("seed %d, %d replicas, plan %d: %d away, %d answered; with one fewer %d and %d", seed, replicas, plan, away, r.Answered[plan], was, before.Answered[plan])
				}
			}
			before = r
		}
		if before.Refused[Free]+before.Late[Free] > 0 {
			t.Errorf("seed %d: 8 replicas still sent %d away", seed, before.Refused[Free]+before.Late[Free])
		}
	}
}

// Under too much load admission refuses what would come too late, and nearly all that
// is accepted starts in time; premium is served before free.
func TestAdmissionKeepsDeadlines(t *testing.T) {
	r := hour(mixed(1, 9), 3, 1e9)
	if r.Refused[Free] == 0 || r.Late[Free] > r.Refused[Free]/20 {
		t.Errorf("%d refused, %d late", r.Refused[Free], r.Late[Free])
	}
	if r.Refused[Premium]+r.Late[Premium] > 0 || r.Waits(Premium, 0, Day).P99 > 20 || r.Waits(Free, 0, Day).P99 < 50 {
		t.Errorf("premium: %d refused, %d late, %v; free %v", r.Refused[Premium], r.Late[Premium], r.Waits(Premium, 0, Day), r.Waits(Free, 0, Day))
	}
}
