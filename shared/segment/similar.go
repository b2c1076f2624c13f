package segment

import (
	"sync"
	"unicode/utf8"

	"github.com/blevesearch/vellum/levenshtein"
)

// builders make automata that find similar words, by the number of edits.
var builders = [...]func() (*levenshtein.LevenshteinAutomatonBuilder, error){
	nil,
	sync.OnceValues(func() (*levenshtein.LevenshteinAutomatonBuilder, error) {
		return levenshtein.NewLevenshteinAutomatonBuilder(1, true)
	}),
	sync.OnceValues(func() (*levenshtein.LevenshteinAutomatonBuilder, error) {
		return levenshtein.NewLevenshteinAutomatonBuilder(2, true)
	}),
}

// automata are those that were made last: a query asks every segment for the same, and
// making one takes as long as asking ten.
var automata recent

// recent keeps some automata.
type recent struct {
	mu   sync.Mutex
	list []anchored // the last one first
}

const mostRecent = 16

// of returns the automaton of what so many edits make of a word.
func (r *recent) of(word string, edits int) (anchored, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.list {
		if a.word == word && a.edits == edits {
			return a, nil
		}
	}
	builder, err := builders[edits]()
	if err != nil {
		return anchored{}, err
	}
	dfa, err := builder.BuildDfa(word, uint8(edits))
	if err != nil {
		return anchored{}, err
	}
	_, size := utf8.DecodeRuneInString(word)
	a := anchored{dfa, word, edits, word[:size]}
	r.list = append([]anchored{a}, r.list[:min(len(r.list), mostRecent-1)]...)
	return a, nil
}

// anchored accepts what an automaton does if it begins like that. An iterator's bounds
// wouldn't do: it looks for their end only where something is accepted.
type anchored struct {
	*levenshtein.DFA
	word  string
	edits int
	first string
}

// Its states are those of the automaton, and below 0 how much of the beginning is there.
const (
	start = -1
	dead  = -1 << 16
)

// Start implements vellum.Automaton.
func (a anchored) Start() int { return start }

// IsMatch implements vellum.Automaton.
func (a anchored) IsMatch(state int) bool { return state >= 0 && a.DFA.IsMatch(state) }

// CanMatch implements vellum.Automaton.
func (a anchored) CanMatch(state int) bool {
	return state < 0 && state != dead || state >= 0 && a.DFA.CanMatch(state)
}

// WillAlwaysMatch implements vellum.Automaton.
func (a anchored) WillAlwaysMatch(state int) bool {
	return state >= 0 && a.DFA.WillAlwaysMatch(state)
}

// Accept implements vellum.Automaton.
func (a anchored) Accept(state int, b byte) int {
	if state >= 0 {
		return a.DFA.Accept(state, b)
	}
	at := start - state
	switch {
	case state == dead || a.first[at] != b:
		return dead
	case at+1 < len(a.first):
		return state - 1
	}
	state = a.DFA.Start()
	for i := range len(a.first) {
		state = a.DFA.Accept(state, a.first[i])
	}
	return state
}
