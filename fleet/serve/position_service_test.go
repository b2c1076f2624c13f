//go:build service

package serve_test

import (
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/shared/id"
	"parley/shared/quota"
)

// An id that is well spelled but not of this text (another reply's, one that is
// further than the text goes, one with a wrong sum) is told to clear what it shows,
// and gets the whole text; another user's id opens nobody's stream.
func TestForeignEventIDs(t *testing.T) {
	s, e := small(t, 0)
	s.Work(s.Parts(e.URL))
	one, other := s.Ask("", "Why?"), s.Ask("", "How?")
	ended(t, s, other)
	foreign := s.Stream(t.Context(), other, "", nil)
	m := ended(t, s, one)
	far := frame.Position{Attempt: 1, Offset: 64 << 20, Sum: 7}
	wrong := frame.Position{Attempt: 1, Offset: 5, Sum: 7}
	ahead := frame.Position{Attempt: 1 << 30, Offset: 4, Sum: frame.Begin().Advance(m.Text[:4]).Sum}
	over := far
	over.Ended = true
	for name, c := range map[string]struct {
		after string
		reset int
	}{
		"another reply's":           {foreign[len(foreign)/2].ID, 1},
		"another reply's end":       {foreign[len(foreign)-1].ID, 1},
		"beyond the text":           {far.String(), 1},
		"beyond the text, and done": {over.String(), 1},
		"wrong sum":                 {wrong.String(), 1},
		"an attempt that isn't yet": {ahead.String(), 0},
	} {
		events := s.Stream(t.Context(), one, c.after, nil)
		shown := "what was shown "
		if c.reset == 0 {
			shown = m.Text[:4]
		}
		if text, resets := fleettest.Text(shown, events); text != enginetest.Answer("Why?", 40) || resets != c.reset || events[len(events)-1].Name != "done" {
			t.Errorf("%s: %d resets, %q", name, resets, text)
		}
	}
	stranger := s.Realm.Token(t, id.New(time.Now()), quota.Free)
	for _, ev := range foreign {
		resp := s.Get(t.Context(), "GET", fleettest.Path(other, "stream"), stranger, "Last-Event-ID", ev.ID)
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("a stranger with the id %s: status %d", ev.ID, resp.StatusCode)
		}
	}
}
