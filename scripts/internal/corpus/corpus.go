// Package corpus makes the history of a user who chats a lot, in eleven languages, and
// what the user may look for in it.
//
// Nobody's real history can be had for measurements, so this one has what matters for
// an index: real function words and common words of each language as often as Zipf's
// law has them, rarer ones that are made of these, texts that come back to the words
// of their chat, numbers, names of code, and sizes that vary. Questions have 200 bytes
// on average, answers 2 KB, chats some 30 messages. A chat is the same at every run
// and in every history, however long that is.
package corpus

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"parley/shared/chat"
	"parley/shared/id"
)

// Sizes on average, in bytes and messages.
const (
	questionBytes = 200
	answerBytes   = 2000
	chatMessages  = 30
)

// Corpus is what histories are made of.
type Corpus struct {
	seed      uint64
	languages []*language
}

// New returns the corpus of a seed.
func New(seed uint64) *Corpus { return &Corpus{seed, tongues()} }

// Chat is one conversation.
type Chat struct {
	ID, Title string
	Language  string // ISO 639-1
	Messages  []chat.Message
}

// History yields the chats of one user, the oldest first, until there are so many
// messages. They begin in January 2024, an hour after one another.
func (c *Corpus) History(messages int) iter.Seq[Chat] {
	return func(yield func(Chat) bool) {
		for n := 0; messages > 0; n++ {
			one := c.chat(n, messages)
			messages -= len(one.Messages)
			if !yield(one) {
				return
			}
		}
	}
}

var began = time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC)

// chat makes chat n, of at most so many messages.
func (c *Corpus) chat(n, most int) Chat {
	r := rand.New(rand.NewPCG(c.seed, uint64(n)))
	at := began.Add(time.Duration(n) * time.Hour)
	w := &writer{Rand: r, language: c.pick(r)}
	for range 8 {
		w.topic = append(w.topic, w.draw(r))
	}
	one := Chat{ID: newID(at, r), Language: w.name}
	one.Title = w.text(20 + r.IntN(30))
	size := min(most, 2*(1+int(r.ExpFloat64()*(chatMessages/2-0.5))))
	for len(one.Messages) < size {
		at = at.Add(time.Duration(5+r.IntN(60)) * time.Second)
		question := chat.Message{Chat: one.ID, ID: newID(at, r), Role: chat.User, Status: chat.Done, Text: w.text(w.size(questionBytes))}
		answer := chat.Message{Chat: one.ID, ID: id.Next(question.ID), Role: chat.Assistant, Status: chat.Done, Text: w.text(w.size(answerBytes))}
		one.Messages = append(one.Messages, question, answer)
	}
	one.Messages = one.Messages[:size]
	return one
}

// pick draws a language.
func (c *Corpus) pick(r *rand.Rand) *language {
	at := r.IntN(100)
	for _, l := range c.languages {
		if at -= l.share; at < 0 {
			return l
		}
	}
	return c.languages[0]
}

// newID returns an id of a time that r makes, as package id has it.
func newID(at time.Time, r *rand.Rand) string {
	var u ulid.ULID
	binary.BigEndian.PutUint64(u[6:], r.Uint64())
	binary.BigEndian.PutUint16(u[14:], uint16(r.Uint32())&0xfffe) // the one behind it is the answer's
	_ = u.SetTime(ulid.Timestamp(at))                             // fails only for times after the year 10889
	return u.String()
}

// writer writes the texts of a chat.
type writer struct {
	*rand.Rand
	*language
	topic []int // words that it comes back to
}

// size draws one around a mean: half of all texts are shorter than 0.7 of that.
func (w *writer) size(mean float64) int {
	const spread = 0.8
	return max(12, int(mean*math.Exp(spread*w.NormFloat64()-spread*spread/2)))
}

// text returns sentences of about n bytes.
func (w *writer) text(n int) string {
	var b strings.Builder
	b.Grow(n + 64)
	for words, sentences := 0, 0; b.Len() < n; words++ {
		word := w.word()
		if words == 0 {
			word = capital(word)
		} else if b.Len() > 0 {
			b.WriteString(w.gap)
		}
		b.WriteString(word)
		switch {
		case words > 5 && w.IntN(9) == 0:
			b.WriteString(w.stop)
			words = -1
			if sentences++; sentences%4 == 0 {
				b.WriteString("\n\n")
			} else {
				b.WriteString(w.gap)
			}
		case w.IntN(14) == 0:
			b.WriteString(w.comma)
		}
	}
	return strings.TrimSpace(b.String())
}

// word returns the next one: now and then a number or a name of code, often a word of
// the chat's topic, else any.
func (w *writer) word() string {
	switch x := w.Float64(); {
	case x < 0.004:
		return fmt.Sprint(w.IntN(100_000))
	case x < 0.008:
		return code[w.IntN(len(code))]
	case x < 0.12:
		return w.words[w.topic[w.IntN(len(w.topic))]]
	}
	k := w.draw(w.Rand)
	if k > w.functions && len(w.topic) < 40 && w.IntN(4) == 0 {
		w.topic = append(w.topic, k)
	}
	return w.words[k]
}

// code are names as answers about programs have them.
var code = strings.Fields("fmt.Println max_tokens getUserById np.array index.html http.StatusOK node_modules SELECT utf-8 README.md GPT-4 Wi-Fi e-mail C++ ctx.Done() 🚀 👍")

func capital(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r)) + word[size:]
}
