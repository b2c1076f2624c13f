package prompt

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
)

func msg(id, parent string, role chat.Role, text string) chat.Message {
	return chat.Message{ID: id, Parent: parent, Role: role, Text: text}
}

func TestThreadSkipsSiblings(t *testing.T) {
	messages := []chat.Message{
		msg("1", "", chat.User, "q1"), msg("2", "1", chat.Assistant, "a1"),
		msg("3", "2", chat.User, "q2"), msg("4", "3", chat.Assistant, "a2"),
		msg("5", "2", chat.User, "q2 edited"), msg("6", "5", chat.Assistant, "first"), msg("7", "5", chat.Assistant, "again"),
		msg("8", "7", chat.User, "q3"),
	}
	var got []string
	for _, m := range Thread(messages, "8") {
		got = append(got, m.Text)
	}
	if d := cmp.Diff([]string{"q1", "a1", "q2 edited", "again", "q3"}, got); d != "" {
		t.Error(d)
	}
	if n := len(Thread([]chat.Message{msg("1", "2", chat.User, ""), msg("2", "1", chat.User, "")}, "1")); n != 2 {
		t.Errorf("a circle has %d", n)
	}
}

func TestTurnsAlternate(t *testing.T) {
	got := Turns("sys", []chat.Message{
		msg("1", "", chat.User, "q1"), msg("2", "1", chat.Assistant, ""), msg("3", "2", chat.User, "q2"),
	})
	want := []Turn{{Role: "system", Text: "sys"}, {Role: "user", Text: "q1\n\nq2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// words counts as a model would whose tokens are shorter than the estimate.
func words(per int) Counter {
	return func(turns []Turn) (int, bool) {
		n := 0
		for _, t := range turns {
			n += len(t.Text)/per + 3
		}
		return n, true
	}
}

func unknown([]Turn) (int, bool) { return 0, false }

func TestFit(t *testing.T) {
	long := []Turn{{Role: "system", Text: "be kind"}}
	for i := range 30 {
		long = append(long, Turn{Role: "user", Text: fmt.Sprintf("question %d %s", i, strings.Repeat("x", 100))},
			Turn{Role: "assistant", Text: strings.Repeat("y", 200)})
	}
	long = append(long, Turn{Role: "user", Text: "the question"})
	for name, count := range map[string]Counter{"estimate": unknown, "exact": words(4), "dense": words(2), "very dense": words(1)} {
		for _, room := range []int{200, 500, 1500, 100_000} {
			got, size := Fit(long, room, count)
			if n, known := count(got); known && (n > room || n != size) {
				t.Errorf("%s in %d: %d tokens, said to be %d", name, room, n, size)
			}
			if !cmp.Equal(got[0], long[0]) || !cmp.Equal(got[len(got)-1], long[len(long)-1]) {
				t.Errorf("%s in %d: system prompt or question is gone", name, room)
			}
			if len(got) > 2 && got[1].Role != "user" {
				t.Errorf("%s in %d: begins with an answer", name, room)
			}
			if room == 100_000 && len(got) != len(long) {
				t.Errorf("%s: dropped %d turns for nothing", name, len(long)-len(got))
			}
		}
	}
}

func TestFitCutsTheQuestionsMiddle(t *testing.T) {
	turns := []Turn{{Role: "user", Text: "BEGIN " + strings.Repeat("日本語 ", 5000) + " END"}}
	for _, count := range []Counter{unknown, words(2)} {
		got, _ := Fit(turns, 500, count)
		text := got[0].Text
		if !strings.HasPrefix(text, "BEGIN") || !strings.HasSuffix(text, "END") || !utf8.ValidString(text) {
			t.Errorf("cut to %.20q … %.20q", text, text[max(0, len(text)-20):])
		}
		if n, known := count(got); known && n > 500 {
			t.Errorf("%d tokens left", n)
		}
	}
	if len(turns[0].Text) < 10000 {
		t.Error("the caller's turn was changed")
	}
}
