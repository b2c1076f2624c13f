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
	list []automaton // the last one first
}

const mostRecent = 16

// of returns the automaton of what so many edits make of a word.
func (r *recent) of(word string, edits int) (automaton, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.list {
		if a.word == word && a.edits == edits {
			return a, nil
		}
	}
	builder, err := builders[edits]()
	if err != nil {
		return automaton{}, err
	}
	dfa, err := builder.BuildDfa(word, uint8(edits))
	if err != nil {
		return automaton{}, err
	}
	_, size := utf8.DecodeRuneInString(word)
	a := automaton{dfa, word, edits, word[:size]}
	r.list = append([]automaton{a}, r.list[:min(len(r.list), mostRecent-1)]...)
	return a, nil
}

// automaton accepts what so many edits make of a word.
type automaton struct {
	*levenshtein.DFA
	word  string
	edits int
	first string // its first character
}
