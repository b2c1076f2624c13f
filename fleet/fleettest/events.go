//go:build service

package fleettest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"parley/shared/chat"
)

// Event is one server-sent event.
type Event struct {
	ID, Name string
	Data     map[string]any
	At       time.Time // when it arrived
}

// Stream reads a reply's events until the stream ends or ctx does, and calls each
// (may be nil) for every one.
func (s *Stack) Stream(ctx context.Context, ref chat.Ref, after string, each func(Event)) []Event {
	s.T.Helper()
	resp := s.Get(ctx, "GET", Path(ref, "stream"), s.Token, "Last-Event-ID", after)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		s.T.Fatalf("stream after %q: status %d", after, resp.StatusCode)
	}
	return scan(s.T, resp.Body, each)
}

// Parse reads the events of a stream that was read already.
func (s *Stack) Parse(stream string) []Event { return scan(s.T, strings.NewReader(stream), nil) }

func scan(t testing.TB, stream io.Reader, each func(Event)) (events []Event) {
	var e Event
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.Data); err != nil {
				t.Errorf("event %s: %v", e.Name, err)
				return events
			}
			e.At = time.Now()
			events = append(events, e)
			if each != nil {
				each(e)
			}
			e = Event{}
		}
	}
	return events
}

// Text returns what a client shows after these events, and how often it was told
// to clear that.
func Text(shown string, events []Event) (text string, resets int) {
	for _, e := range events {
		switch e.Name {
		case "status":
			if e.Data["reset"] == true {
				shown = ""
				resets++
			}
		case "delta":
			shown += e.Data["text"].(string)
		}
	}
	return shown, resets
}
