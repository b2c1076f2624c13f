package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The dictionary has all words in their order, and for each how long its list is: the
// lists lie in the same order. Of a word it has how many bytes are those of the word
// before, how many others follow, these, and the length, all numbers as varints. Every
// 16th word is written out, so that a search begins there.
//
// Behind these words come those whose beginnings differ from their stems', behind the
// byte 0xff, which no stem has, each with the number of its stem, from 0 on. Of those
// that are alike and have several stems, the further ones end with zeros.

// movedMark begins words whose beginnings differ from their stems'.
const movedMark = "\xff"

// perStep is how many words lie between two that are written out.
const perStep = 16

var errWords = errors.New("a dictionary is cut off or out of order")

// dictionary is one that is read.
type dictionary struct {
	b     []byte
	steps []step
	words int // without those that are moved
}

// step is a place where a search may begin.
type step struct {
	at   int   // in the bytes
	list int64 // where the word's list begins
}

// readDictionary checks that it can be read to its end, for lists of so many bytes.
func readDictionary(b []byte, lists int64) (*dictionary, error) {
	d := &dictionary{b: b}
	c := cursor{dictionary: d}
	var before []byte
	for c.at < len(b) {
		out := c.n%perStep == 0
		if out {
			d.steps = append(d.steps, step{c.at, c.list + c.size})
		}
		before = append(before[:0], c.word...)
		first := c.n == 0
		shared, size := binary.Uvarint(b[c.at:])
		if size <= 0 || shared > uint64(len(before)) || out && b[c.at] != 0 || !c.step(int(shared), size) {
			return nil, errWords
		}
		if n := int(shared); !first && bytes.Compare(c.word[n:], before[n:]) <= 0 {
			return nil, errWords
		}
		if !c.moved() {
			d.words++
		} else if c.number >= int64(d.words) {
			return nil, errWords
		}
	}
	if c.list+c.size != lists {
		return nil, errWords
	}
	return d, nil
}

// cursor stands at a word of a dictionary.
type cursor struct {
	*dictionary
	word       []byte
	list, size int64 // where its list is
	number     int64 // what is written with the word
	n          int   // how many words were read
	at         int   // of the next one
}

// moved reports whether the word is one whose beginning differs from its stem's.
func (c *cursor) moved() bool { return len(c.word) > 0 && c.word[0] == movedMark[0] }

// step moves on to a word of which so many bytes are known, as a number of that size
// says; false if it is cut off.
func (c *cursor) step(shared, size int) bool {
	b := c.b[c.at+size:]
	more, n := binary.Uvarint(b)
	if n <= 0 || more > uint64(len(b)-n) {
		return false
	}
	b = b[n:]
	c.word = append(c.word[:shared], b[:more]...)
	number, m := binary.Uvarint(b[more:])
	if m <= 0 || number > 1<<40 {
		return false
	}
	c.at += size + n + int(more) + m
	c.n++
	if c.number = int64(number); !c.moved() {
		c.list, c.size = c.list+c.size, c.number
	}
	return true
}

// next moves on; false at the end.
func (c *cursor) next() bool {
	if c.at >= len(c.b) {
		return false
	}
	if shared := c.b[c.at]; shared < 0x80 { // as nearly always
		return c.step(int(shared), 1)
	}
	shared, size := binary.Uvarint(c.b[c.at:])
	return c.step(int(shared), size)
}

// from returns a cursor at a step.
func (d *dictionary) from(n int) *cursor {
	c := &cursor{dictionary: d, list: d.steps[n].list, n: n * perStep, at: d.steps[n].at}
	c.next()
	return c
}

// first returns the word that is written out at a step.
func (d *dictionary) first(n int) []byte {
	b := d.b[d.steps[n].at+1:] // behind a zero
	size, skip := binary.Uvarint(b)
	return b[skip:][:size]
}

// seek returns a cursor at the first word that isn't before that one; nil at the end.
func (d *dictionary) seek(word string) *cursor {
	low, high := 0, len(d.steps) // the step before the first one that begins behind it
	for low < high {
		if middle := (low + high) / 2; string(d.first(middle)) <= word {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if len(d.steps) == 0 {
		return nil
	}
	c := d.from(max(0, low-1))
	for string(c.word) < word {
		if !c.next() {
			return nil
		}
	}
	return c
}

// get returns a cursor at a word, nil if it isn't there.
func (d *dictionary) get(word string) *cursor {
	if c := d.seek(word); c != nil && string(c.word) == word {
		return c
	}
	return nil
}

// stem returns a cursor at the stem of a moved word.
func (c *cursor) stem() *cursor {
	s := c.from(int(c.number / perStep))
	for range c.number % perStep {
		s.next()
	}
	return s
}

// dictionaryWriter writes one.
type dictionaryWriter struct {
	b    []byte
	last string
	n    int
}

// add adds a word behind those that are there, with its number.
func (d *dictionaryWriter) add(word string, number int64) {
	shared := 0
	if d.n%perStep > 0 {
		for shared < len(word) && shared < len(d.last) && word[shared] == d.last[shared] {
			shared++
		}
	}
	d.b = binary.AppendUvarint(d.b, uint64(shared))
	d.b = binary.AppendUvarint(d.b, uint64(len(word)-shared))
	d.b = append(d.b, word[shared:]...)
	d.b = binary.AppendUvarint(d.b, uint64(number))
	d.last = word
	d.n++
}
