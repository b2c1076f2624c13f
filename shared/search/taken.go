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
	numbers map[string]uint32
	words   []string // by number
	texts   map[string][]uint32
	size    int
}

// apart returns the words of each document's text, by number, and what the numbers
// stand for.
func (t *Taken) apart(docs []Document) (texts [][]uint32, vocabulary []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.texts == nil || t.size > mostTaken || len(t.words) > mostWords {
		t.numbers, t.words, t.texts, t.size = map[string]uint32{}, nil, map[string][]uint32{}, 0
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
		number, known := t.numbers[token.Word]
		if !known {
			number = uint32(len(t.words))
			word := strings.Clone(token.Word)
			t.numbers[word] = number
			t.words = append(t.words, word)
		}
		numbers = append(numbers, number)
	}
	return numbers
}
