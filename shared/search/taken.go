package search

import (
	"sync"

	"parley/shared/words"
)

// mostTaken is how many words of all texts Taken keeps, in some 50 MB with a Lexicon
// that is full.
const mostTaken = 2 << 20

// Taken keeps what texts were taken apart into, which takes longer than all else: who
// types asks again with every letter, and what was said stays the same. The zero value
// has none. It is safe for concurrent use.
type Taken struct {
	mu      sync.Mutex
	lexicon *words.Lexicon
	texts   map[string][]uint32 // their words by number
	size    int
}

// apart returns the words of each document's text by number, and what the numbers
// stand for, which only who has the lock may ask.
func (t *Taken) apart(docs []Document) (texts [][]uint32, lexicon *words.Lexicon) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lexicon = t.known()
	for _, d := range docs {
		text, known := t.texts[d.Text]
		if !known {
			text = lexicon.Read(d.Text)
			t.texts[d.Text] = text
			t.size += len(text)
		}
		texts = append(texts, text)
	}
	return texts, lexicon
}

// known returns the words of all texts, of new ones only if they have become too many;
// the caller has the lock.
func (t *Taken) known() *words.Lexicon {
	if t.lexicon == nil || t.size > mostTaken || t.lexicon.Full() {
		t.lexicon, t.texts, t.size = words.NewLexicon(), map[string][]uint32{}, 0
	}
	return t.lexicon
}
