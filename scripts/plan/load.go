package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/go-json-experiment/json"

	"parley/scripts/internal/fleet"
)

// designed is the load that Parley is designed for; a file of one's own has the same
// shape.
//
//go:embed load.json
var designed []byte

// Load is what users ask for, and where they are.
type Load struct {
	About           string     `json:"about"`
	Regions         []Region   `json:"regions"`
	Places          []Place    `json:"places"`
	Curve           Curve      `json:"curve"`
	Plans           Plans      `json:"plans"`
	FileBytes       int        `json:"file_bytes"`       // of a file that a message brings
	HistoryMessages int        `json:"history_messages"` // of a page of history
	SignUpPart      float64    `json:"sign_up_part"`     // of sign-ups and log-ins
	Operations      Operations `json:"operations"`
}

// Region is one of AWS's. A standby serves only while others are lost.
type Region struct {
	Name    string `json:"name"`
	Code    string `json:"code"`
	Standby bool   `json:"standby"`
}

// Place is users with one time of the day, who go to the nearest region that is well.
type Place struct {
	Name    string   `json:"name"`
	Share   float64  `json:"share"` // of all users
	UTC     float64  `json:"utc"`   // hours that its clocks are ahead
	Nearest []string `json:"nearest"`
	Why     string   `json:"why"`
}

// Curve is how the load of a place goes up and down: around its mean by the amplitude,
// a part of it, as a cosine whose top is at the busiest hour of the place's clocks. On
// top of that comes a surge of some hours in all places, around the busiest hour of the
// whole, as high as the peak wants it.
type Curve struct {
	Amplitude   float64 `json:"amplitude"`
	BusiestHour float64 `json:"busiest_hour"`
	SurgeHours  float64 `json:"surge_hours"`
}

// Plans is what one prompt of each plan is like.
type Plans struct {
	Free    Prompt `json:"free"`
	Premium Prompt `json:"premium"`
}

// Prompt is a question that an engine reads and the answer that it writes, on average.
type Prompt struct {
	PromptTokens int `json:"prompt_tokens"`
	AnswerTokens int `json:"answer_tokens"`
	MostTokens   int `json:"most_tokens"` // of question or answer
	TextBytes    int `json:"text_bytes"`  // of question and answer
}

// Operations is how often each thing is done.
type Operations struct {
	Send     Rates `json:"send"`
	WithFile Rates `json:"send_with_file"`
	LogIn    Rates `json:"sign_up_or_log_in"`
	History  Rates `json:"history"`
	Search   Rates `json:"search"`
}

// Rates is of users of each plan.
type Rates struct {
	Free    Rate `json:"free"`
	Premium Rate `json:"premium"`
}

// Rate is how often in a second, over all regions.
type Rate struct {
	Average float64 `json:"average"` // over a day
	Peak    float64 `json:"peak"`    // in its busiest hour
}

// largest is how long a file of ours may be, in bytes.
const largest = 1 << 20

// loadFile reads a load; without a path the designed one.
func loadFile(path string) (Load, error) {
	b := designed
	if path != "" {
		info, err := os.Stat(path)
		if err != nil {
			return Load{}, err
		}
		if info.Size() > largest {
			return Load{}, fmt.Errorf("%s: longer than %d bytes", path, largest)
		}
		if b, err = os.ReadFile(path); err != nil {
			return Load{}, err
		}
	} else {
		path = "load.json"
	}
	l, err := decodeLoad(b)
	if err != nil {
		return l, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func decodeLoad(b []byte) (Load, error) {
	var l Load
	if err := json.Unmarshal(b, &l, json.RejectUnknownMembers(true)); err != nil {
		return l, err
	}
	return l, l.check()
}

// check says everything that is wrong with l.
func (l Load) check() error {
	return errors.Join(l.checkRegions(), l.checkPlaces(), l.checkSizes(), l.checkRates())
}

func (l Load) checkRegions() error {
	var errs []error
	seen, active := map[string]bool{}, 0
	for i, r := range l.Regions {
		if r.Name == "" || r.Code == "" || seen[r.Name] {
			errs = append(errs, fmt.Errorf("regions[%d]: %q needs a name of its own and a code", i, r.Name))
		}
		seen[r.Name] = true
		if !r.Standby {
			active++
		}
	}
	if active == 0 || len(l.Regions) > 50 {
		errs = append(errs, errors.New("regions: one to fifty, not all of them standbys"))
	}
	return errors.Join(errs...)
}

func (l Load) checkPlaces() error {
	var errs []error
	sum := 0.0
	if len(l.Places) > 500 {
		return errors.New("places: 500 at most")
	}
	for i, p := range l.Places {
		sum += p.Share
		for _, name := range p.Nearest {
			if l.region(name) < 0 {
				errs = append(errs, fmt.Errorf("places[%d] (%s): there is no region %q", i, p.Name, name))
			}
		}
		if l.home(p) < 0 {
			errs = append(errs, fmt.Errorf("places[%d] (%s): nearest names no region that is no standby", i, p.Name))
		}
		if !within(p.Share, 0, 1) || !within(p.UTC, -12, 14) || p.Name == "" {
			errs = append(errs, fmt.Errorf("places[%d] (%s): a name, a share of 0 to 1 and utc of -12 to 14 are needed", i, p.Name))
		}
	}
	if math.Abs(sum-1) > 1e-6 {
		errs = append(errs, fmt.Errorf("places: the shares add up to %g, not to 1", sum))
	}
	if c := l.Curve; !within(c.Amplitude, 0, 1) || !within(c.BusiestHour, 0, 24) || !within(c.SurgeHours, 2, 24) {
		errs = append(errs, errors.New("curve: amplitude is 0 to 1, busiest_hour 0 to 24, surge_hours 2 to 24"))
	}
	return errors.Join(errs...)
}

func (l Load) checkSizes() error {
	var errs []error
	for name, p := range map[string]Prompt{"free": l.Plans.Free, "premium": l.Plans.Premium} {
		for _, n := range []int{p.PromptTokens, p.AnswerTokens, p.MostTokens, p.TextBytes} {
			if n < 1 || n > 1<<28 {
				errs = append(errs, fmt.Errorf("plans.%s: each number is 1 to %d", name, 1<<28))
				break
			}
		}
		if p.PromptTokens > p.MostTokens || p.AnswerTokens > p.MostTokens {
			errs = append(errs, fmt.Errorf("plans.%s: the average is above most_tokens", name))
		}
	}
	if l.FileBytes < 1 || l.FileBytes > 512<<20 || l.HistoryMessages < 1 || l.HistoryMessages > 1000 || !within(l.SignUpPart, 0, 1) {
		errs = append(errs, errors.New("file_bytes is 1 to 512 MB, history_messages 1 to 1000, sign_up_part 0 to 1"))
	}
	return errors.Join(errs...)
}

func (l Load) checkRates() error {
	var errs []error
	for _, o := range l.operations() {
		for _, plan := range bothPlans {
			r := o.rates.of(plan)
			if !within(r.Average, 0, 1e9) || !within(r.Peak, r.Average, 24*r.Average) {
				errs = append(errs, fmt.Errorf("operations.%s.%s: the peak is at least the average and at most 24 times that", o.name, plan))
			}
		}
	}
	if len(errs) == 0 && l.checkPlaces() == nil {
		for _, o := range l.operations() {
			for _, plan := range bothPlans {
				if r := o.rates.of(plan); r.Average > 0 && r.Peak/r.Average >= l.steepest() {
					errs = append(errs, fmt.Errorf("operations.%s.%s: in a surge of %g hours the peak can't be %g times the average", o.name, plan, l.Curve.SurgeHours, r.Peak/r.Average))
				}
			}
		}
	}
	if l.Operations.Send.Free.Average == 0 {
		errs = append(errs, errors.New("operations.send.free: nobody sends anything"))
	}
	return errors.Join(errs...)
}

func within(v, least, most float64) bool { return v >= least && v <= most } // no NaN is

// region is the place of a region in the list, -1 if it isn't there.
func (l Load) region(name string) int {
	return slices.IndexFunc(l.Regions, func(r Region) bool { return r.Name == name })
}

// home is the region to which a place goes while all are well.
func (l Load) home(p Place) int {
	for _, name := range p.Nearest {
		if r := l.region(name); r >= 0 && !l.Regions[r].Standby {
			return r
		}
	}
	return -1
}

// next is the region to which a place goes when one is lost, -1 if there is none.
func (l Load) next(p Place, lost int) int {
	if l.home(p) != lost {
		return l.home(p)
	}
	for _, name := range p.Nearest {
		if r := l.region(name); r != lost {
			return r
		}
	}
	return -1
}

// plan is one of the two.
type plan int

const (
	free    = plan(fleet.Free)
	premium = plan(fleet.Premium)
)

var bothPlans = []plan{free, premium}

func (p plan) String() string { return [...]string{"free", "premium"}[p] }

func (r Rates) of(p plan) Rate { return [...]Rate{r.Free, r.Premium}[p] }

func (p Plans) of(which plan) Prompt { return [...]Prompt{p.Free, p.Premium}[which] }

// operation is what users do; its name is that of the file.
type operation struct {
	name  string
	title string
	rates Rates
}

func (l Load) operations() []operation {
	o := l.Operations
	return []operation{
		{"send", "send", o.Send}, {"send_with_file", "send with a file", o.WithFile}, {"sign_up_or_log_in", "sign up, log in", o.LogIn},
		{"history", "history", o.History}, {"search", "search", o.Search},
	}
}
