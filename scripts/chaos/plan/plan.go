// Package plan decides, out of a seed alone, what is asked in a chaos run and what
// is killed in it. Every decision is drawn from a stream of its own, named by what
// it is about, so that it is the same whatever happened before it.
package plan

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"parley/fleet/enginetest"
	"parley/shared/quota"
)

// Prompt is one prompt: who sends it and how, what the engine does with it, and
// who reads the answer.
type Prompt struct {
	Number int // from 0
	User   int
	Plan   quota.Plan
	Follow bool // goes into the user's last chat, not into a new one

	Words  int      // tokens of the answer
	Orders []string // to the engine
	Poison bool     // the engine fails on it each time

	Function  bool            // sent through the function's binary, not the library
	Resends   int             // times that it is sent again with the same key
	Meanwhile bool            // the first of these at the same time
	Twice     []time.Duration // after acceptance, the queue delivers it once more

	Readers []Reader
	Cancel  int // after so many pieces of text it is cancelled; 0: never
}

// Reader is one client that wants the answer.
type Reader struct {
	Relay int  // the first it turns to
	Wait  bool // by waiting, not by a stream
	Drops int  // after so many events it loses its connection, again and again; 0: never
}

// Name is the word by which the prompt is known everywhere.
func (p Prompt) Name() string { return fmt.Sprintf("p%06d", p.Number) }

// Plan is what one seed leads to.
type Plan struct {
	Seed  uint64
	Users int
	Real  bool // the engine is a real one: it takes no orders
}

// stream returns the random numbers for one decision.
func (p Plan) stream(about string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", about, n)
	return rand.New(rand.NewPCG(p.Seed, h.Sum64()))
}

// Prompt returns the prompt of that number.
func (p Plan) Prompt(n int) Prompt {
	r := p.stream("prompt", n)
	user := n % p.Users
	out := Prompt{Number: n, User: user, Plan: quota.Free, Words: 20 + r.IntN(60)}
	if p.stream("plan", user).IntN(4) == 0 {
		out.Plan = quota.Premium
	}
	out.Follow = r.IntN(4) == 0
	p.order(r, &out)
	p.send(r, &out)
	p.read(r, &out)
	return out
}

// order draws what happens in the engine: nothing in five of six prompts.
func (p Plan) order(r *rand.Rand, out *Prompt) {
	at, kind := 1+r.IntN(out.Words-2), r.IntN(200)
	if p.Real {
		return
	}
	order := func(name string, n int) { out.Orders = append(out.Orders, fmt.Sprintf("%s=%d", name, n)) }
	if kind < 2 {
		// Each request brings it forward a little, those for whose end it isn't to
		// blame included: it must not come to its end in that way.
		out.Poison, out.Words = true, 80
		order("words", out.Words)
		order("poison", r.IntN(3))
		return
	}
	order("words", out.Words)
	switch {
	case kind < 10:
		order("cut", at)
	case kind < 14:
		order("half", at)
	case kind < 18:
		order("garbage", at)
	case kind < 20:
		order("hang", at)
	case kind < 23:
		order("refuse", 429)
	case kind < 26:
		order("refuse", 500)
	case kind < 32:
		order("slow", 4)
	}
}

// send draws how the prompt gets into the queue.
func (p Plan) send(r *rand.Rand, out *Prompt) {
	kind, delay := r.IntN(100), time.Duration(r.IntN(4000))*time.Millisecond
	switch {
	case kind < 8:
		out.Twice = []time.Duration{delay}
	case kind < 10:
		out.Twice = []time.Duration{0, delay, 20 * time.Second}
	case kind < 18:
		out.Resends, out.Meanwhile = 1+r.IntN(2), r.IntN(2) == 0
	case kind < 26:
		out.Function = true
	}
}

// read draws who wants to see the answer.
func (p Plan) read(r *rand.Rand, out *Prompt) {
	first, kind := r.IntN(2), r.IntN(100)
	drops := 0
	if r.IntN(6) == 0 {
		drops = 2 + r.IntN(4)
	}
	out.Readers = []Reader{{Relay: first, Drops: drops}}
	switch {
	case kind < 12:
		out.Readers[0] = Reader{Relay: first, Wait: true}
	case kind < 24:
		out.Readers = append(out.Readers, Reader{Relay: 1 - first})
	case kind < 30:
		out.Readers = append(out.Readers, Reader{Relay: 1 - first, Wait: true})
	case kind < 36 && !out.Poison:
		out.Cancel = 1 + r.IntN(6)
	}
}

// Question is what the prompt's user asks.
func (p Plan) Question(q Prompt) string {
	if p.Real {
		r := p.stream("question", q.Number)
		return fmt.Sprintf(questions[r.IntN(len(questions))], r.IntN(90)+10) + " (" + q.Name() + ")"
	}
	return q.Name() + " is asked here. " + enginetest.Orders(q.Orders...)
}

// questions have short answers, with the white space and the signs at which cuts
// are hard to join.
var questions = []string{
	"Count from %d upwards, one number to a line.",
	"Make a list of five things to do when you are %d years old.",
	"Write a line of Python that prints %d, then explain it.",
	"Write a short poem about the number %d, with an emoji in each line.",
	"What is %d plus one? Explain step by step.",
}
