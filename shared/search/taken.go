package search

import (
	"strings"
	"sync"

	"parley/shared/words"
)

// Bounds of what Taken keeps, in some 50 MB.
const (
	mostTaken = 2 << 20 // words of all texts
	mostWords = 1 << 17 // different ones
)

// Taken keeps what texts were taken apart into, which takes longer than all else: who
// types asks again with every letter, and what was said stays the same. The zero value
// has none. It is safe for concurrent use.
type Taken struct {
	mu      sync.Mutex
	memory  words.Memory
	numbers map[form]uint32
	words   []known // by number
	texts   map[string][]uint32
	size    int
}

// form is a word in one way of writing it.
type form struct{ word, written string }

// known is a form that was met.
type known struct {
	form
	letters uint64 // of the word
}

// apart returns the words of each document's text, by number, and what the numbers
// stand for.
func (t *Taken) apart(docs []Document) (texts [][]uint32, vocabulary []known) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.texts == nil || t.size > mostTaken || len(t.words) > mostWords {
		t.numbers, t.words, t.texts, t.size = map[form]uint32{}, nil, map[string][]uint32{}, 0
	}
	for _, d := range docs {
		text, known := t.texts[d.Text]
		if !known {
			text = t.take(d.Text)
			t.texts[d.Text] = text
			t.size += len(text)
		}
		texts = append(texts, text)
	}
	return texts, t.words
}

func (t *Taken) take(text string) (numbers []uint32) {
	for token := range t.memory.Tokens(text) {
		number, met := t.numbers[form{token.Word, token.Written}]
		if !met {
			number = uint32(len(t.words))
			f := form{strings.Clone(token.Word), strings.Clone(token.Written)}
			t.numbers[f] = number
			t.words = append(t.words, known{f, letters(f.word)})
		}
		numbers = append(numbers, number)
	}
	return numbers
}
