package enginetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// order is what a question asks of the engine besides its answer, written at its
// end as [[words=40 cut=12]]. Places are tokens of the whole answer. What is to
// happen once happens once in an engine's life, and not to an answer that goes on
// from about there: that has met it elsewhere.
//
//	words    tokens of the answer
//	slow     so many times the usual time between two tokens
//	cut      the connection is cut, once
//	half     half an event comes, then the connection is cut, once
//	hang     nothing more comes, once
//	garbage  an event that can't be read, once
//	refuse   the status of the first request, once
//	poison   the connection is cut after so many tokens of every request
//	kill     the engine ends, whenever it comes there
type order struct {
	words, slow                      int
	cut, half, hang, garbage, refuse int
	poison, kill                     int
}

// Orders spells orders as they stand at a question's end.
func Orders(list ...string) string { return "[[" + strings.Join(list, " ") + "]]" }

// none is the order of a question that has none, in an engine of that many words.
func none(words int) order {
	return order{words: words, slow: 1, cut: -1, half: -1, hang: -1, garbage: -1, poison: -1, kill: -1}
}

// read takes the orders out of a question.
func (o order) read(question string) (order, error) {
	_, list, found := strings.Cut(question, "[[")
	if !found {
		return o, nil
	}
	list, _, _ = strings.Cut(list, "]]")
	places := map[string]*int{"words": &o.words, "slow": &o.slow, "cut": &o.cut, "half": &o.half, "hang": &o.hang,
		"garbage": &o.garbage, "refuse": &o.refuse, "poison": &o.poison, "kill": &o.kill}
	for _, field := range strings.Fields(list) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.Atoi(value)
		if err != nil || places[name] == nil || n < 0 {
			return o, fmt.Errorf("unknown order %q", field)
		}
		*places[name] = n
	}
	return o, nil
}

// once reports whether what a question orders once is still to happen.
func (e *Engine) once(question, what string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := firstWord(question) + " " + what
	if e.fired == nil {
		e.fired = map[string]bool{}
	}
	was := e.fired[name]
	e.fired[name] = true
	return !was
}

// ordered is what happens before token place of the answer, of which this request
// has brought sent.
func (e *Engine) ordered(question string, o order, place, sent int) mishap {
	for _, m := range []struct {
		at   int
		what mishap
		name string
	}{{o.cut, cut, "cut"}, {o.half, half, "half"}, {o.hang, hang, "hang"}, {o.garbage, garbage, "garbage"}} {
		if place == m.at && (sent > 2 || sent == place) && e.once(question, m.name) {
			return m.what
		}
	}
	switch {
	case sent == o.poison:
		return cut
	case place == o.kill:
		return kill
	}
	return nothing
}

// mishap is what can happen in the place of a token.
type mishap int

const (
	nothing mishap = iota
	cut
	half
	hang
	garbage
	kill
)

// fault is what the engine's fields ask for before a request's token sent.
func (e *Engine) fault(sent int) mishap {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.Deaths > 0 && sent == e.DieAfter:
		e.Deaths--
		e.back = time.Now().Add(e.Away)
		return cut
	case e.HangAfter > 0 && sent == e.HangAfter:
		return hang
	case e.HalfAfter > 0 && sent == e.HalfAfter:
		return half
	case e.Garbage != "" && sent == 0:
		return garbage
	}
	return nothing
}

// pace is the time between two tokens under o.
func (e *Engine) pace(o order) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Pace * time.Duration(o.slow)
}
