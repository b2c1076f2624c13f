package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/scripts/deploy/environment"
	"parley/scripts/internal/fleet"
	"parley/scripts/internal/ledger"
)

var update = flag.Bool("update", false, "write docs/capacity.md and its pictures anew")

const docs = "../../docs"

func model(t testing.TB) *Model {
	t.Helper()
	m, err := open("", docs)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPage holds docs/capacity.md and its pictures to the code and to what it reads.
func TestPage(t *testing.T) {
	page, pictures, err := plans("", docs, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"capacity.md": page}
	for name, picture := range pictures {
		want[name] = picture
		wellFormed(t, name, picture)
	}
	readme, err := os.ReadFile(filepath.Join(docs, "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if part := regexp.MustCompile(`within its deadline from (\d+ %) kept warm`).FindStringSubmatch(page); part == nil || !strings.Contains(string(readme), "keeps "+part[1]+" of what it needs") {
		t.Errorf("README.md doesn't say how much a standby has to keep warm: %q", part)
	}
	for name, text := range want {
		path := filepath.Join(docs, name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("docs/%s is not what the plan makes; run this test with -update:\n%s", name, diff)
		}
	}
}

// The regions that are deployed have what the plan says, for all users of those that
// they stand by for as well.
func TestRegionFilesFollowThePlan(t *testing.T) {
	m := model(t)
	n, lost := m.need(m.load.home), map[int]Need{}
	for _, gone := range m.active() {
		lost[gone] = m.need(func(p Place) int { return m.load.next(p, gone) })
	}
	prod, err := environment.Read("../deploy/prod")
	if err != nil {
		t.Fatal(err)
	}
	template, err := environment.ReadTemplate("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range parameters {
		for r, want := range m.parameter(name, n, lost) {
			code := m.load.Regions[r].Code
			target, err := prod.Target(code)
			if err != nil {
				t.Fatal(err)
			}
			given := template.Complete(target.Given(template))
			if given[name] != strconv.Itoa(want) {
				t.Errorf("%s has %s %s, the plan says %d", code, name, given[name], want)
			}
			if used, ok := given[name+"Used"]; ok && used != given[name] {
				t.Errorf("%s uses %s of %s %s", code, used, given[name], name)
			}
		}
	}
}

// wellFormed reads a picture as XML; it has lines.
func wellFormed(t *testing.T, name, picture string) {
	t.Helper()
	in, lines := xml.NewDecoder(strings.NewReader(picture)), 0
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if lines < 10 {
		t.Errorf("%s has %d lines", name, lines)
	}
}

// In sum over regions each operation has the average that the load says over a day,
// and the peak in its busiest hour, for loads that are steep, flat and even; the same
// is true while a region is lost.
func TestRegionsAddUpToTheLoad(t *testing.T) {
	m := model(t)
	rates := []Rate{{10, 10}, {10, 11}, {10, 12.5}, {10, 30}, {10, 60}}
	for _, o := range m.load.operations() {
		rates = append(rates, o.rates.Free, o.rates.Premium)
	}
	for _, r := range rates {
		for _, to := range []func(Place) int{m.load.home, func(p Place) int { return m.load.next(p, 0) }} {
			var sum hours
			for region, h := range m.load.byRegion(r, to) {
				sum = sum.plus(h, 1)
				for hour, v := range h {
					if v < 0 || m.load.Regions[region].Standby && v > 0 && to(m.load.Places[0]) == 0 {
						t.Errorf("%+v: %v a second in hour %d of %s", r, v, hour, m.name(region))
					}
				}
			}
			_, peak := sum.busiest()
			if math.Abs(sum.mean()/r.Average-1) > 1e-9 || math.Abs(peak/r.Peak-1) > 1e-9 {
				t.Errorf("%+v: %v on average, %v at the peak", r, sum.mean(), peak)
			}
		}
	}
}

// A place's own curve is what it says: highest before its busiest hour ends.
func TestAPlaceIsBusiestByItsClocks(t *testing.T) {
	c := Curve{Amplitude: 0.9, BusiestHour: 20}
	for _, utc := range []float64{-6, 0, 8} {
		h := c.local(utc)
		at, most := h.busiest()
		if want := mod24(20 - int(utc)); at != want && at != mod24(want-1) || math.Abs(h.mean()-1) > 1e-12 || most < 1.88 || most > 1.9 {
			t.Errorf("utc %v: busiest at %d, %v; mean %v", utc, at, most, h.mean())
		}
	}
}

// A free turn is docs/cost.md's, to the cent, and the bill's parts are all of its rows.
func TestTheBillIsTheLedgers(t *testing.T) {
	m := model(t)
	bill, err := ledger.NewBill(m.ledger.Turn, m.table)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ledger.Total(m.turns[free].Core), ledger.Total(bill.Core); got.Cmp(want) != 0 {
		t.Errorf("API to S3 of a free turn: %s, in docs/cost.md %s", got.FloatString(6), want.FloatString(6))
	}
	if got, want := ledger.Total(m.turns[free].Beside), ledger.Total(bill.Beside); got.Cmp(want) != 0 {
		t.Errorf("beside it: %s, in docs/cost.md %s", got.FloatString(6), want.FloatString(6))
	}
	for name, byPlan := range m.units {
		for p, u := range byPlan {
			sum := 0.0
			for _, r := range u.rows {
				usd, err := m.table.Cost(r.Price, r.Quantity)
				if err != nil || partOf(r.Price) == "" {
					t.Errorf("%s, %s: price %s is in no part of the bill (%v)", name, p, r.Price, err)
					continue
				}
				sum += number(usd)
			}
			for part, usd := range u.needs {
				if strings.HasPrefix(part, "usd.") {
					sum -= usd
				}
			}
			if math.Abs(sum) > 1e-12 {
				t.Errorf("%s, %s: the parts lack %v USD", name, p, sum)
			}
		}
	}
}

// Half of the users cost half, need half of the units, and pay the same for a turn.
func TestNeedsGoByTheLoad(t *testing.T) {
	m := model(t)
	l := m.load
	for _, r := range []*Rates{&l.Operations.Send, &l.Operations.WithFile, &l.Operations.LogIn, &l.Operations.History, &l.Operations.Search} {
		for _, one := range []*Rate{&r.Free, &r.Premium} {
			one.Average, one.Peak = one.Average/2, one.Peak/2
		}
	}
	base, err := open("", docs)
	if err != nil {
		t.Fatal(err)
	}
	for name := range base.own {
		delete(base.table.Assumptions, name)
	}
	half, err := newModel(l, base.ledger, base.table, base.engines)
	if err != nil {
		t.Fatal(err)
	}
	all, some := m.need(m.load.home), half.need(l.home)
	for _, name := range []string{"turns", "concurrency", "chats.writes", "streams", "stored.files", "gpu.70B on H100", "usd.DynamoDB: writes"} {
		if got := some.mean(name) / all.mean(name); math.Abs(got-0.5) > 1e-9 {
			t.Errorf("%s: %v of it", name, got)
		}
	}
}

// Longer texts take more of everything that goes by length, and as much of the rest.
func TestPremiumTurnsGrowWithTheirTexts(t *testing.T) {
	m := model(t)
	short, long := m.turn(free), m.turn(premium)
	if short.WriteUnits != m.ledger.Turn.WriteUnits || short.ReadUnits != m.ledger.Turn.ReadUnits || short.StoredBytes != m.ledger.Turn.StoredBytes {
		t.Errorf("a free turn is %v, %v units, the ledger's %v, %v", short.WriteUnits, short.ReadUnits, m.ledger.Turn.WriteUnits, m.ledger.Turn.ReadUnits)
	}
	if packed := long.StoredBytes; number(long.WriteUnits.Rat())*1024 < float64(packed) || number(long.WriteUnits.Rat())*1024 > 1.2*float64(packed)+20_000 {
		t.Errorf("%v write units for %d bytes", long.WriteUnits, packed)
	}
	if len(long.Steps) != len(short.Steps) || long.SQSCalls != short.SQSCalls {
		t.Error("a premium turn has other steps")
	}
	for _, e := range m.engines {
		if a, b := e.seconds(m.load.Plans.Free), e.seconds(m.load.Plans.Premium); b < 20*a {
			t.Errorf("%s: %v s for a free prompt, %v for a premium one", e.Name, a, b)
		}
	}
}

// What is published comes out as it stands for a prompt of a published length.
func TestEnginesDoWhatIsPublished(t *testing.T) {
	for _, e := range model(t).engines {
		for _, s := range e.Published {
			seconds := e.seconds(Prompt{PromptTokens: s.In, AnswerTokens: s.Out})
			if got := float64(s.Out) * float64(e.GPUs) / seconds; math.Abs(got/s.TokensPerSecond-1) > 1e-9 {
				t.Errorf("%s, %d in, %d out: %v tokens a second, published %v", e.Name, s.In, s.Out, got, s.TokensPerSecond)
			}
		}
	}
}

// Each prompt that a user sends in a lost region's hour is answered, running, waiting,
// refused, late, lost, or never arrived; and what happened adds up minute by minute.
func TestALossLosesNoPromptToTheCount(t *testing.T) {
	m := model(t)
	s := newSimulation(m, m.engines[0])
	region, at := m.biggest(m.need(m.load.home))
	c := s.crowd(at-600, at+900, 7, s.touched(region))
	for _, warm := range []float64{0, 0.5, 1} {
		r := s.play(loss{region, at, warm, false}, c)
		sent, away := [fleet.Plans]int{}, [fleet.Plans]int{}
		for _, one := range r.Minutes {
			for p := range fleet.Plans {
				sent[p], away[p] = sent[p]+one.sent[p], away[p]+one.away[p]
			}
		}
		for p := range fleet.Plans {
			sum := r.Total.Answered[p] + r.Total.Running[p] + r.Total.Waiting[p] + r.away(p)
			if sum != r.Prompts[p] || sent[p] != r.Prompts[p] || away[p] != r.away(p) || r.Unreached[p] == 0 || r.Total.Lost[p] == 0 {
				t.Errorf("%v warm, plan %d: %d of %d; by minutes %d sent and %d away, %d", warm, p, sum, r.Prompts[p], sent[p], away[p], r.away(p))
			}
		}
		if r.Total.Arrived[free]+r.Unreached[free] != r.Prompts[free] {
			t.Errorf("%v warm: %d arrived", warm, r.Total.Arrived[free])
		}
	}
}

// The more is kept warm, the fewer are sent away, and an order at once sends away no
// more; with all of it nobody is, and without a loss nobody either.
func TestMoreWarmSendsFewerAway(t *testing.T) {
	m := model(t)
	s := newSimulation(m, m.engines[0])
	region, at := m.biggest(m.need(m.load.home))
	c := s.crowd(at-600, at+1800, 3, s.touched(region))
	before := math.MaxInt
	for _, warm := range []float64{0, 0.4, 1} {
		slow, fast := s.play(loss{region, at, warm, false}, c), s.play(loss{region, at, warm, true}, c)
		bad := func(r lossResult) int { return r.away(fleet.Free) + r.away(fleet.Premium) }
		if bad(slow) > before || bad(fast) > bad(slow) {
			t.Errorf("%v warm: %d away, %d if ordered; %d with less", warm, bad(slow), bad(fast), before)
		}
		before = bad(slow)
		if t := slow.Total; warm == 1 && t.Refused[free]+t.Late[free]+t.Refused[premium]+t.Late[premium] > 0 {
			before = -1 // reported by the next lines
		}
	}
	if before < 0 {
		t.Error("some are sent away though all is kept warm")
	}
	if without := s.alone(0.6); len(without.load.Regions) != len(m.active()) || len(m.load.Regions) == len(m.active()) {
		t.Errorf("%d regions without standbys", len(without.load.Regions))
	}
	if r := s.play(loss{region: -1}, s.crowd(at-900, at+900, 3, s.touched(region))); r.away(fleet.Premium) > 0 {
		t.Errorf("%d premium prompts are sent away without a loss", r.away(fleet.Premium))
	}
}

// The crowd is as large as the load says.
func TestACrowdIsThatOfTheLoad(t *testing.T) {
	m := model(t)
	s := newSimulation(m, m.engines[0])
	n := m.need(m.load.home)
	hour, turns := n.busiest("turns")
	c := s.crowd(float64(hour)*3600, float64(hour+1)*3600, 1, func(Place) bool { return true })
	// Between the middles of hours the curve is straight: an hour has three quarters of
	// its own rate, and an eighth of each neighbour's.
	want := 3600 * s.part * (0.75*turns + 0.125*(n.total(mod24(hour-1), "turns")+n.total(mod24(hour+1), "turns")))
	if got := float64(len(c.sent)); math.Abs(got-want) > 4*math.Sqrt(want) {
		t.Errorf("%v prompts in the busiest hour, want %v", got, want)
	}
	sums, counts := [2]float64{}, [2]float64{}
	for _, one := range c.sent {
		sums[one.Plan], counts[one.Plan] = sums[one.Plan]+one.In, counts[one.Plan]+1
	}
	for _, p := range bothPlans {
		if got, want := sums[p]/counts[p], float64(m.load.Plans.of(p).PromptTokens); math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %v tokens of a prompt on average, want %v", p, got, want)
		}
	}
}

// Every quota bounds something of the plan; where it can't, that is an error.
func TestQuotasBoundThePlan(t *testing.T) {
	m := model(t)
	all, err := decodeQuotas(quotas)
	if err != nil {
		t.Fatal(err)
	}
	n := m.need(m.load.home)
	for _, q := range all {
		of, most := m.needOf(q.Need, n), 0.0
		after := m.need(func(p Place) int { return m.load.next(p, m.load.region("London")) })
		for r := range n {
			for hour := range 24 {
				most = max(most, of(r, hour, after))
			}
		}
		if most <= 0 {
			t.Errorf("%s: nothing of %s is needed", q.Service, q.Need)
		}
	}
	if m.needOf("nothing of ours", n); m.err == nil {
		t.Error("a quota of nothing was taken")
	}
}
