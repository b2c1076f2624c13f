package words

import (
	"iter"
	"strings"
)

// Lexicon numbers the words of many texts. What is to be known of a word is then found
// out once, however often it is said, and its ending is taken off only when somebody
// asks for words that begin alike. The zero value has none. It is not safe for
// concurrent use.
type Lexicon struct {
	Memory
	numbered []numbered
	pairs    map[string]*entry
	words    [256][]uint32 // numbers by the first byte of the word
	written  [256][]uint32 // and of what is written
}

// numbered is what a number stands for.
type numbered struct {
	*entry
	language language
}

// manyWords is about how many different ones a history has that takes long to read.
const manyWords = 1 << 14

// NewLexicon returns one with room for a whole history's words.
func NewLexicon() *Lexicon {
	return &Lexicon{Memory: Memory{known: make(map[string]*entry, manyWords)}, numbered: make([]numbered, 0, manyWords)}
}

// Form is a word in one way of writing it. See Token.
type Form struct{ Word, Written string }

// bytesPerWord is what a word takes of most texts, with the space behind it.
const bytesPerWord = 6

// Read returns the words of a text by number, in their order. Several numbers may
// stand for the same Form.
func (x *Lexicon) Read(text string) []uint32 {
	numbers := make([]uint32, 0, len(text)/bytesPerWord)
	x.walk(text, func(p pending, l language) bool {
		e := p.entry
		if e == nil {
			e = x.pair(p.pair)
		}
		r := e.read(l)
		if r.number == 0 {
			x.add(e, r)
		}
		numbers = append(numbers, r.number-1)
		return true
	})
	return numbers
}

// pair returns what is known of characters of a script without spaces.
func (x *Lexicon) pair(word string) *entry {
	e, ok := x.pairs[word]
	if !ok {
		if x.pairs == nil {
			x.pairs = map[string]*entry{}
		}
		word = strings.Clone(word)
		e = x.entry()
		*e = entry{plain: word, bare: word, from: unknown, to: unknown, first: reading{language: none}}
		x.pairs[word] = e
	}
	return e
}

// add gives a reading the next number.
func (x *Lexicon) add(e *entry, r *reading) {
	n := uint32(len(x.numbered))
	x.numbered = append(x.numbered, numbered{e, r.language})
	r.number = n + 1
	begin := e.bare[0] // endings are taken off, beginnings in Indonesian only
	x.written[begin] = append(x.written[begin], n)
	if r.language == indonesian {
		begin = e.word(r)[0]
	}
	x.words[begin] = append(x.words[begin], n)
}

// mostNumbers is how many numbers a Lexicon should have, in some 30 MB.
const mostNumbers = 1 << 17

// Full reports whether there are so many numbers that it is time for a new Lexicon.
func (x *Lexicon) Full() bool { return len(x.numbered) > mostNumbers }

// Len returns how many numbers there are: the next is the first that is missing.
func (x *Lexicon) Len() int { return len(x.numbered) }

// Form returns what a number stands for.
func (x *Lexicon) Form(number uint32) Form {
	e := x.numbered[number]
	return Form{e.word(e.read(e.language)), e.bare}
}

// Words returns the numbers of words that begin so, which must not be empty.
func (x *Lexicon) Words(begin string) iter.Seq2[uint32, Form] {
	return x.those(x.words[begin[0]], func(f Form) bool { return strings.HasPrefix(f.Word, begin) })
}

// Written returns the numbers of words that are written with that beginning, which must
// not be empty.
func (x *Lexicon) Written(begin string) iter.Seq2[uint32, Form] {
	return x.those(x.written[begin[0]], func(f Form) bool { return strings.HasPrefix(f.Written, begin) })
}

func (x *Lexicon) those(numbers []uint32, wanted func(Form) bool) iter.Seq2[uint32, Form] {
	return func(yield func(uint32, Form) bool) {
		for _, n := range numbers {
			if f := x.Form(n); wanted(f) && !yield(n, f) {
				return
			}
		}
	}
}
