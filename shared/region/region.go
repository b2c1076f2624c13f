// Package region says whether a region may go on with what it accepted before it
// was away, and whether another region may take that over.
//
// Regions share their tables by asynchronous replication in which the last writer
// wins. A condition of a write holds in one region's copy only. So a region that was
// away must not touch its old prompts before it knows what the others have made of
// them: it would write over their answers, everywhere. docs/regions.md tells the whole
// of it; this package is the two rules.
//
// # Signs of life
//
// Each region writes a beat every minute into the table that is replicated, under its
// own name, so that no two regions write the same row. A beat says since when there
// has been one in every Gap. Where that series breaks, the region was away.
//
// # The two rules
//
// Caught up: a region works while its series of beats goes on, and after a break only
// once its copy has a beat of every other region that was written clearly after the
// new series began. What the others wrote while it was away is then there, too. That
// another region is silent later closes nothing: what is lost must not take others
// along.
//
// Lost: what a region accepted is its own as long as it may still be at it. Another
// one takes over, for a client that asks again, only what comes from a region that has
// been silent for two Gaps. In the first of them a region that is cut off from all
// others (of two or more) notices by itself and stops.
//
// And one more, for accounts, which are written in one region, the home: a region that
// takes itself for the home while another one that is there names a different one
// serves nobody. So the old home, when it comes back, writes nothing into its own table
// before it was told of the new one.
//
// A beat is one row of many, and rows are replicated side by side. So it is good
// evidence for the rest, no proof; docs/regions.md says what an operator looks at
// besides.
package region

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/shared/problem"
)

// Settings say which regions there are, and which one this is.
type Settings struct {
	Own string   `env:"AWS_REGION"`
	All []string `env:"REGIONS"` // this one included; empty: there is one, and nothing is asked or written
	// Accounts is the home of accounts; empty: here.
	Accounts string `env:"ACCOUNTS_REGION"`
	// Gap is how long a region may be silent and still count as here: three beats.
	Gap time.Duration `env:"REGION_GAP" envDefault:"3m"`
}

// Several reports whether there is more than one region.
func (s Settings) Several() bool { return len(s.others()) > 0 }

func (s Settings) others() []string {
	return slices.DeleteFunc(slices.Clone(s.All), func(r string) bool { return r == s.Own || strings.TrimSpace(r) == "" })
}

// Home reports whether accounts are written here.
func (s Settings) Home() bool { return s.Accounts == "" || s.Accounts == s.Own }

// Stamp is the name that rows of this region carry; empty where there is one region.
func (s Settings) Stamp() string {
	if !s.Several() {
		return ""
	}
	return s.Own
}

// Beat is a region's last sign of life.
type Beat struct {
	Region string
	At     time.Time // when it was written
	Since  time.Time // since when there has been one in every Gap
	Home   string    // of accounts, as that region was told
}

// writtenOff reports whether an operator has put an end to waiting for a region, by a
// beat of the first millisecond of all. Its next own one takes that back.
func (b Beat) writtenOff() bool { return b.At.UnixMilli() <= 1 }

// Beats keeps them.
type Beats interface {
	// Beats reads what this region's copy of the table has.
	Beats(ctx context.Context) ([]Beat, error)
	// Beat writes the next one of this region, unless another came after last.
	Beat(ctx context.Context, next, last Beat) error
}

// Run writes this region's next beat: once a minute from report-backlog, whose
// schedule is as alive as the region.
func (l *Look) Run(ctx context.Context) error {
	if !l.Several() {
		return nil
	}
	was, err := l.Beats.Beats(ctx)
	if err != nil {
		return err
	}
	now := l.Now()
	last, _ := find(was, l.Own)
	return l.Beats.Beat(ctx, l.Next(was, now), last)
}

// settle is how much later than a series' begin another region's beat has to be:
// more than clocks differ and than rows overtake each other.
func (s Settings) settle() time.Duration { return s.Gap / 3 }

// Next is the beat that this region writes at now, by what was there.
func (s Settings) Next(was []Beat, now time.Time) Beat {
	next := Beat{Region: s.Own, At: now, Since: now, Home: cmp.Or(s.Accounts, s.Own)}
	last, beat := find(was, s.Own)
	if beat && now.Sub(last.At) <= s.Gap && !s.cutOff(was, now) {
		next.Since = last.Since
	}
	return next
}

// cutOff reports whether none of several others has been heard of. Of two regions
// each would take itself for cut off when the other is lost, so there it is never said.
func (s Settings) cutOff(was []Beat, now time.Time) bool {
	heard, silent := 0, 0
	for _, other := range s.others() {
		switch b, ok := find(was, other); {
		case ok && now.Sub(b.At) <= s.Gap:
			heard++
		case ok:
			silent++
		}
	}
	return heard == 0 && silent >= 2
}

// CaughtUp returns nil if this region may work on whatever it has accepted, else why
// it may not yet.
func (s Settings) CaughtUp(beats []Beat, now time.Time) error {
	if !s.Several() {
		return nil
	}
	own, ok := find(beats, s.Own)
	if !ok {
		return nil // it never beat, so it has accepted nothing while others were there
	}
	if now.Sub(own.At) > s.Gap {
		return behind("this region hasn't beaten for %v", s.Gap)
	}
	for _, other := range s.others() {
		// A region that never beat is being set up: there is nothing of it to wait for.
		if b, ok := find(beats, other); ok && !b.writtenOff() && b.At.Before(own.Since.Add(s.settle())) {
			return behind("nothing has come from %s since %s", other, own.Since.Format(time.RFC3339))
		}
	}
	return nil
}

// Serves returns nil if users may come: the region has caught up, and isn't by mistake
// the home of accounts.
func (s Settings) Serves(beats []Beat, now time.Time) error {
	if err := s.CaughtUp(beats, now); err != nil || !s.Several() || !s.Home() {
		return err
	}
	for _, other := range s.others() {
		b, ok := find(beats, other)
		if ok && now.Sub(b.At) <= s.Gap && b.Home != "" && b.Home != s.Own {
			return behind("this region would write accounts, and %s has them written in %s", other, b.Home)
		}
	}
	return nil
}

// Lost reports whether what that region accepted is anybody's now. One that isn't
// among the regions is lost for good.
func (s Settings) Lost(beats []Beat, name string, now time.Time) bool {
	switch {
	case name == "" || name == s.Own || !s.Several():
		return false
	case !slices.Contains(s.All, name):
		return true
	}
	b, ok := find(beats, name)
	return ok && now.Sub(b.At) > 2*s.Gap
}

func find(beats []Beat, name string) (Beat, bool) {
	i := slices.IndexFunc(beats, func(b Beat) bool { return b.Region == name })
	if i < 0 {
		return Beat{}, false
	}
	return beats[i], true
}

var errBehind = errors.New("replication has not caught up")

func isBehind(err error) bool { return errors.Is(err, errBehind) }

func behind(format string, args ...any) error {
	return problem.New(problem.Unavailable, "unavailable", "The service is busy; please try again in a moment.").
		Because(fmt.Errorf("%w: "+format, append([]any{errBehind}, args...)...))
}
