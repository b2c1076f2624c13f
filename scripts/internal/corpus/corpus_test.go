package corpus

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
)

// The averages are those that the aims of search are set for.
func TestHistoriesAreOfTheSizeThatTheyShouldBe(t *testing.T) {
	const messages = 40_000
	bytes, count, chats := map[chat.Role]int{}, map[chat.Role]int{}, 0
	languages := map[string]int{}
	for c := range New(1).History(messages) {
		chats++
		languages[c.Language]++
		for _, m := range c.Messages {
			bytes[m.Role] += len(m.Text)
			count[m.Role]++
		}
	}
	if n := count[chat.User] + count[chat.Assistant]; n != messages {
		t.Errorf("%d messages", n)
	}
	for what, c := range map[string]struct{ got, want float64 }{
		"bytes of a question": {float64(bytes[chat.User]) / float64(count[chat.User]), questionBytes},
		"bytes of an answer":  {float64(bytes[chat.Assistant]) / float64(count[chat.Assistant]), answerBytes},
		"messages of a chat":  {messages / float64(chats), chatMessages},
		"share of English":    {float64(languages["en"]) / float64(chats), 0.7},
	} {
		if math.Abs(c.got/c.want-1) > 0.06 {
			t.Errorf("%s: %.2f, not %.2f", what, c.got, c.want)
		}
	}
	if len(languages) != 11 {
		t.Errorf("languages: %v", languages)
	}
}

// Ids sort as messages were said, a reply's directly follows its question's, and none
// comes twice.
func TestIdsAreThoseOfMessages(t *testing.T) {
	var all []string
	for c := range New(1).History(5000) {
		for i, m := range c.Messages {
			if !id.Valid(m.ID) || m.Chat != c.ID || i%2 == 1 && m.ID != id.Next(c.Messages[i-1].ID) || m.ID < c.ID {
				t.Fatalf("message %d of chat %s has id %s", i, c.ID, m.ID)
			}
			all = append(all, m.ID)
		}
	}
	if n := len(all); n != len(slices.Compact(slices.Sorted(slices.Values(all)))) {
		t.Error("an id comes twice")
	}
}

// A longer history begins with the shorter one, and another seed gives another.
func TestHistoriesAreTheSameAtEveryRun(t *testing.T) {
	texts := func(seed uint64, n int) (all []string) {
		for c := range New(seed).History(n) {
			for _, m := range c.Messages {
				all = append(all, m.ID, m.Text)
			}
		}
		return all
	}
	short, long := texts(1, 500), texts(1, 2000)
	if d := cmp.Diff(short, long[:len(short)]); d != "" {
		t.Error(d)
	}
	if slices.Equal(short, texts(2, 500)) {
		t.Error("another seed gives the same")
	}
}

// Words are as frequent as in real texts: few make half of all, and many come once.
func TestWordsFollowZipf(t *testing.T) {
	count, all := map[string]int{}, 0
	for c := range New(1).History(20_000) {
		if c.Language != "en" {
			continue
		}
		for _, m := range c.Messages {
			for w := range strings.FieldsSeq(strings.ToLower(m.Text)) {
				count[strings.Trim(w, ".,")]++
				all++
			}
		}
	}
	var times []int
	once := 0
	for _, n := range count {
		times = append(times, n)
		if n == 1 {
			once++
		}
	}
	slices.SortFunc(times, func(a, b int) int { return b - a })
	top := 0
	for _, n := range times[:100] {
		top += n
	}
	if share := float64(top) / float64(all); share < 0.35 || share > 0.6 {
		t.Errorf("the 100 commonest words make %.2f of all", share)
	}
	if first := float64(times[0]) / float64(all); first < 0.02 || first > 0.08 {
		t.Errorf("the commonest makes %.3f", first)
	}
	if len(count) < 30_000 || once < len(count)/20 {
		t.Errorf("%d different words, %d of them come once", len(count), once)
	}
}

// Every query can be asked.
func TestQueriesAreGood(t *testing.T) {
	kinds := map[Kind]int{}
	for _, q := range New(1).Queries() {
		kinds[q.Kind]++
		if _, err := search.Parse(q.Text); err != nil {
			t.Errorf("%s: %q: %v", q.Kind, q.Text, err)
		}
	}
	if len(kinds) != len(Kinds) || kinds[One] != perKind {
		t.Errorf("%v", kinds)
	}
}
