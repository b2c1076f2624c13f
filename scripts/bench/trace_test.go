package main

import (
	"math"
	"strings"
	"testing"
)

var small = []request{
	{At: 0, Input: 1024, Blocks: []int{0, 1}},
	{At: 10, Input: 1536, Blocks: []int{0, 1, 2}}, // its next turn
	{At: 20, Input: 1024, Blocks: []int{0, 3}},    // another conversation
}

// The second turn knows both blocks of the first; the other conversation knows the
// first block, unless each has a salt of its own.
func TestCeiling(t *testing.T) {
	const all = 1024 + 1536 + 1024
	for salted, want := range map[bool]float64{false: 1024 + 512, true: 1024} {
		if got := ceiling(small, salted); math.Abs(got-want/all) > 1e-9 {
			t.Errorf("salted %v: %f, want %f", salted, got, want/all)
		}
	}
}

// Prompts have as many words in common as their blocks stand for.
func TestTextSharesWhatBlocksShare(t *testing.T) {
	one, two, other := small[0].text(), small[1].text(), small[2].text()
	if words := len(strings.Fields(one)); words != 1024/wordTokens {
		t.Errorf("%d words", words)
	}
	if !strings.HasPrefix(two, one) || strings.HasPrefix(other, one) {
		t.Errorf("%q, %q, %q", one, two, other)
	}
	if small[0].conversation() != small[1].conversation() || small[0].conversation() == small[2].conversation() {
		t.Error("conversations are mixed up")
	}
}

func TestScriptKeepsConversationsInTheirChats(t *testing.T) {
	s := newScript(small)
	a, b, c := s.prompt(0), s.prompt(1), s.prompt(2)
	if a.Chat != b.Chat || a.User != b.User || a.Chat == c.Chat || a.User == c.User || a.Reply == b.Reply {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
	question := b.Ref()
	question.Message = b.Question
	m, err := s.Recent(t.Context(), question, 2)
	if err != nil || len(m) != 1 || m[0].Text != small[1].text() {
		t.Errorf("the question is %+v, %v", m, err)
	}
}
