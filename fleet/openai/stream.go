package openai

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/chat"
	"parley/shared/problem"
)

// stream writes a reply as the protocol's chunks. Its header waits for the first
// of them, so that what fails before has a status of its own.
type stream struct {
	w     http.ResponseWriter
	ctl   *http.ResponseController
	pace  Pace
	about heading
	usage bool // the client wants to know it

	start time.Time
	begun bool
	text  string // that was sent
	calls []chat.Call
}

func newStream(w http.ResponseWriter, pace Pace, about heading, usage bool) *stream {
	about.Object = "chat.completion.chunk"
	return &stream{w: w, ctl: http.NewResponseController(w), pace: pace, about: about, usage: usage, start: time.Now()}
}

func (s *stream) progress(text string, calls []chat.Call) error {
	if !strings.HasPrefix(text, s.text) {
		return errReset
	}
	if rest := text[len(s.text):]; rest != "" {
		s.text = text
		if err := s.send(delta{Content: &rest}); err != nil {
			return err
		}
	}
	return s.grow(calls)
}

// grow sends what calls have more than was sent of them.
func (s *stream) grow(calls []chat.Call) error {
	if len(calls) < len(s.calls) {
		return errReset
	}
	var news []callDelta
	for i, c := range calls {
		if i == len(s.calls) {
			news = append(news, callDelta{Index: i, ID: c.ID, Type: c.Type, Function: calledDelta(c.Function)})
			continue
		}
		old := s.calls[i].Function
		if old.Name != c.Function.Name || !strings.HasPrefix(c.Function.Arguments, old.Arguments) {
			return errReset
		}
		if more := c.Function.Arguments[len(old.Arguments):]; more != "" {
			news = append(news, callDelta{Index: i, Function: calledDelta{Arguments: more}})
		}
	}
	s.calls = calls
	if len(news) == 0 {
		return nil
	}
	return s.send(delta{Calls: news})
}

// quiet keeps a stream that is open from being closed for silence. A comment is one
// line, without an empty one behind it, which some clients take for an event.
func (s *stream) quiet() (time.Time, error) {
	now := time.Now()
	if waits := s.start.Add(s.pace.Silent); !s.begun && now.Before(waits) {
		return waits, nil
	}
	err := s.begin()
	if err == nil {
		err = s.write(":\n")
	}
	return now.Add(s.pace.Beat), err
}

// end sends what is missing of the reply, why it ended and what it took.
func (s *stream) end(m chat.Message) error {
	if err := s.progress(m.Text, m.Calls); err != nil {
		return err
	}
	finish := finishOf(m)
	if err := s.chunk([]chunkChoice{{Finish: &finish}}, nil); err != nil {
		return err
	}
	if s.usage {
		if err := s.chunk([]chunkChoice{}, usageOf(m)); err != nil {
			return err
		}
	}
	return s.write("data: [DONE]\n\n")
}

// fail ends the stream with an error.
func (s *stream) fail(p *problem.Error) error {
	_, f := describe(p)
	return s.event(f)
}

func (s *stream) send(d delta) error { return s.chunk([]chunkChoice{{Delta: d}}, nil) }

// chunk sends one; the first says who speaks.
func (s *stream) chunk(choices []chunkChoice, usage *usage) error {
	if err := s.begin(); err != nil {
		return err
	}
	c := chunk{heading: s.about, Choices: choices}
	if s.usage {
		c.Usage = &usage
	}
	return s.event(c)
}

func (s *stream) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	nothing := ""
	return s.send(delta{Role: "assistant", Content: &nothing})
}

func (s *stream) event(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode chunk: %w", err)
	}
	return s.write("data: " + string(body) + "\n\n")
}

func (s *stream) write(line string) error {
	if err := s.ctl.SetWriteDeadline(time.Now().Add(s.pace.Write)); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(line)); err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	if err := s.ctl.Flush(); err != nil {
		return fmt.Errorf("flush chunk: %w", err)
	}
	return nil
}
