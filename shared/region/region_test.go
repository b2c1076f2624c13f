package region

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// at is minutes after noon.
func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

func beat(name string, wrote, since float64) Beat { return Beat{name, at(wrote), at(since), "a"} }

func set(own string, all ...string) Settings {
	return Settings{Own: own, All: all, Gap: 3 * time.Minute}
}

func TestASeriesGoesOnUntilTheRegionWasAway(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   []string
		was   []Beat
		since float64
	}{
		{"the first beat of all", []string{"a", "b"}, nil, 10},
		{"a minute after the last one", []string{"a", "b"}, []Beat{beat("a", 9, 2), beat("b", 9, 1)}, 2},
		{"a beat was missed", []string{"a", "b"}, []Beat{beat("a", 7.5, 2), beat("b", 9, 1)}, 2},
		{"after a gap", []string{"a", "b"}, []Beat{beat("a", 6.9, 2), beat("b", 9, 1)}, 10},
		{"it was written off, and comes back", []string{"a", "b"}, []Beat{{Region: "a", At: time.UnixMilli(1)}, beat("b", 9, 1)}, 10},
		{"of two, the other is silent", []string{"a", "b"}, []Beat{beat("a", 9, 2), beat("b", 1, 1)}, 2},
		{"of three, one is silent", []string{"a", "b", "c"}, []Beat{beat("a", 9, 2), beat("b", 1, 1), beat("c", 9, 1)}, 2},
		{"of three, both others are: this one is cut off", []string{"a", "b", "c"}, []Beat{beat("a", 9, 2), beat("b", 1, 1), beat("c", 6, 1)}, 10},
		{"the others are being set up", []string{"a", "b", "c"}, []Beat{beat("a", 9, 2)}, 2},
	} {
		got := set("a", c.all...).Next(c.was, at(10))
		if want := beat("a", 10, c.since); got != want {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}

func TestARegionThatWasAwayWaitsForAllOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		beats []Beat
		open  bool
	}{
		{"all is well", []Beat{beat("a", 9, 0), beat("b", 9, 0), beat("c", 9, 0)}, true},
		{"another was lost since", []Beat{beat("a", 9, 0), beat("b", 3, 0), beat("c", 9, 0)}, true},
		{"no beat of its own yet", []Beat{beat("a", 1, 0), beat("b", 9, 0), beat("c", 9, 0)}, false},
		{"never one of its own", []Beat{beat("b", 9, 0), beat("c", 9, 0)}, true},
		{"back, and nothing new from b", []Beat{beat("a", 9, 8), beat("b", 3, 0), beat("c", 9.5, 0)}, false},
		{"back, and from b only what may be as old", []Beat{beat("a", 9, 8), beat("b", 8.5, 0), beat("c", 9.5, 0)}, false},
		{"back, and all have come", []Beat{beat("a", 9, 8), beat("b", 9, 0), beat("c", 9.5, 0)}, true},
		{"back, and b was written off", []Beat{beat("a", 9, 8), {Region: "b", At: time.UnixMilli(1)}, beat("c", 9.5, 0)}, true},
		{"c is being set up", []Beat{beat("a", 9, 8), beat("b", 9, 0)}, true},
		{"d is no region any more", []Beat{beat("a", 9, 8), beat("b", 9, 0), beat("d", 1, 0)}, true},
	} {
		err := set("a", "a", "b", "c").CaughtUp(c.beats, at(10))
		if (err == nil) != c.open {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := set("a").CaughtUp(nil, at(10)); err != nil {
		t.Errorf("the only region waits: %v", err)
	}
}

func TestOnlyALostRegionsPromptsAreTaken(t *testing.T) {
	beats := []Beat{beat("a", 9, 0), beat("b", 4.1, 0), beat("c", 3.9, 0), beat("d", 9, 0)}
	s := set("a", "a", "b", "c")
	for name, want := range map[string]bool{"": false, "a": false, "b": false, "c": true, "d": true} {
		if got := s.Lost(beats, name, at(10)); got != want {
			t.Errorf("%q is lost: %v", name, got)
		}
	}
	if !s.Lost([]Beat{{Region: "b", At: time.UnixMilli(1)}}, "b", at(10)) {
		t.Error("one that was written off isn't lost")
	}
	if set("a").Lost(beats, "c", at(10)) {
		t.Error("where there is one region, none is lost")
	}
}

// The old home of accounts serves nobody once others have a new one. While they are told
// of it, the new one last, nobody stops.
func TestOneRegionIsTheHomeOfAccounts(t *testing.T) {
	named := func(name, home string, wrote float64) Beat { return Beat{name, at(wrote), at(-60), home} }
	for _, c := range []struct {
		name, own, home string
		others          []Beat
		open            bool
	}{
		{"all agree", "a", "a", []Beat{named("b", "a", 9), named("c", "a", 9)}, true},
		{"the old home is back", "a", "", []Beat{named("b", "b", 9), named("c", "b", 9)}, false},
		{"and was told", "a", "b", []Beat{named("b", "b", 9), named("c", "b", 9)}, true},
		{"the new home, before it was told", "b", "a", []Beat{named("a", "a", 1), named("c", "b", 9)}, true},
		{"the new home, told last", "b", "b", []Beat{named("a", "a", 1), named("c", "b", 9)}, true},
		{"the new home, told too early", "b", "b", []Beat{named("a", "a", 1), named("c", "a", 9)}, false},
	} {
		s := set(c.own, "a", "b", "c")
		s.Accounts = c.home
		err := s.Serves(append(c.others, named(c.own, c.home, 9.5)), at(10))
		if (err == nil) != c.open {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// However the regions' clocks lie within a settling time, whatever the moments of the
// beats: a region never stops by itself before another takes it for lost, nor works
// again while one does.
func TestARegionThatIsCutOffStopsBeforeOthersTakeOver(t *testing.T) {
	s := set("a", "a", "b", "c")
	for cut := range 120 { // seconds after noon at which a loses sight of b and c, and they of it
		var a []Beat
		own := beat("a", 0, -60)
		lost := false
		for sec := 0; sec < 1200; sec++ {
			now := noon.Add(time.Duration(sec) * time.Second)
			seen := noon.Add(time.Duration(min(sec, cut)/60*60) * time.Second) // the others' last beat that came here
			a = []Beat{own, {"b", seen, at(-60), "a"}, {"c", seen, at(-60), "a"}}
			if sec%60 == 0 {
				own = s.Next(a, now)
				a[0] = own
			}
			mine := seen // and a's last beat that came to them
			if s.Lost([]Beat{{"a", mine, at(-60), "a"}}, "a", now) {
				t.Fatal("its own region was asked")
			}
			b := set("b", "a", "b", "c")
			lost = lost || b.Lost([]Beat{{"a", mine, at(-60), "a"}}, "a", now)
			if lost && s.CaughtUp(a, now) == nil {
				t.Fatalf("cut at %d s: at %d s a works and b takes over", cut, sec)
			}
		}
		if !lost {
			t.Fatal("b never took over")
		}
	}
}

// table is a region's copy.
type table struct {
	mu    sync.Mutex
	beats []Beat
	err   error
}

func (b *table) Beats(context.Context) ([]Beat, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.beats), b.err
}

func (b *table) Beat(_ context.Context, next, last Beat) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, was := range b.beats {
		if was.Region == next.Region {
			if was.At.Equal(last.At) {
				b.beats[i] = next
			}
			return nil
		}
	}
	b.beats = append(b.beats, next)
	return nil
}

func (b *table) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

func TestAWatchClosesAndOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &table{}
		a, other := set("a", "a", "b"), set("b", "a", "b")
		look := func(s Settings) *Look { return &Look{Settings: s, Beats: b, Now: time.Now} }
		w := NewWatch(look(a), slog.New(slog.DiscardHandler))
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go w.Run(ctx)
		pulse := func(who ...Settings) { // a minute passes, after which these beat
			time.Sleep(time.Minute)
			for _, s := range who {
				if err := look(s).Run(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		state := func(want bool, when string) {
			t.Helper()
			time.Sleep(20 * time.Second) // for the watch to look
			if err := w.State(); (err == nil) != want {
				t.Errorf("%s: %v", when, err)
			}
		}
		if w.State() == nil {
			t.Error("it is open before it has looked")
		}
		state(true, "before the first beat of all")
		pulse(a, other)
		pulse(a, other)
		state(true, "both regions beat")
		b.change(func() { b.err = errors.New("the table is away") })
		time.Sleep(2 * time.Minute)
		state(true, "a table that is away for less than a gap")
		b.change(func() { b.err = nil })
		pulse(a, other)
		b.change(func() { b.err = errors.New("the table is away") })
		time.Sleep(5 * time.Minute)
		state(false, "the region was away")
		b.change(func() { b.err = nil })
		state(false, "it is back, and hasn't beaten yet")
		pulse(a)
		state(false, "it beats, and nothing has come from b")
		done := make(chan error, 1)
		go func() { done <- w.Wait(ctx) }()
		pulse(a, other)
		state(true, "something has")
		if err := <-done; err != nil {
			t.Errorf("who waited: %v", err)
		}
		for range 20 {
			pulse(a)
		}
		state(true, "b is lost")
		for range 20 {
			pulse() // nobody beats but whoever watches
		}
		state(true, "a's minute doesn't come any more, and its processes live")
	})
}

// A process that was stopped for long is closed before it has looked.
func TestAProcessThatWasStoppedIsClosed(t *testing.T) {
	now := noon
	b := &table{beats: []Beat{beat("a", 0, -60), beat("b", 0, -60)}}
	w := NewWatch(&Look{Settings: set("a", "a", "b"), Beats: b, Now: func() time.Time { return now }}, slog.New(slog.DiscardHandler))
	w.set(w.once(t.Context()))
	if err := w.State(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(4 * time.Minute)
	if w.State() == nil {
		t.Error("it works on without having looked")
	}
}

func TestTheOnlyRegionAsksNothing(t *testing.T) {
	b := &table{err: errors.New("asked")}
	l := &Look{Settings: set("a", "a"), Beats: b, Now: time.Now}
	lost, err := l.Lost(t.Context(), "b")
	if err := errors.Join(err, l.CaughtUp(t.Context()), l.Run(t.Context()), NewWatch(l, slog.New(slog.DiscardHandler)).State()); err != nil || lost {
		t.Error(lost, err)
	}
	if l.Stamp() != "" {
		t.Error("its rows carry its name")
	}
}
