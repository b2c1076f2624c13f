package prompt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/passage"
)

// chatOf is a thread of questions, each with an answer but the last; what stands
// before a | names the files that were sent along.
func chatOf(files []File, questions ...string) Chat {
	c := Chat{System: "be kind", Files: map[string]File{}}
	kinds := map[string]file.Attachment{}
	for _, f := range files {
		c.Files[f.ID] = f
		kinds[f.ID] = f.Attachment()
	}
	for i, q := range questions {
		sent, text, some := strings.Cut(q, "|")
		if !some {
			sent, text = "", q
		}
		m := chat.Message{ID: fmt.Sprint("q", i), Role: chat.User, Text: text}
		for id := range strings.FieldsSeq(sent) {
			a, ok := kinds[id]
			if !ok {
				a = file.Attachment{ID: id, Name: id + ".txt", Kind: file.Text}
			}
			m.Attachments = append(m.Attachments, a)
		}
		c.Thread = append(c.Thread, m)
		if i < len(questions)-1 {
			c.Thread = append(c.Thread, chat.Message{ID: fmt.Sprint("a", i), Role: chat.Assistant, Text: fmt.Sprint("answer ", i)})
		}
	}
	return c
}

func textFile(id, name string, pages ...string) File {
	var all []passage.Page
	for i, p := range pages {
		all = append(all, passage.Page{Number: i + 1, Text: p})
	}
	d := passage.Of(len(pages), all)
	return File{File: file.File{ID: id, Name: name, Kind: file.Text, Pages: len(pages)}, Text: &d}
}

func plainFile(id, name, text string) File {
	d := passage.Of(0, []passage.Page{{Text: text}})
	return File{File: file.File{ID: id, Name: name, Kind: file.Text}, Text: &d}
}

func image(id string) File {
	return File{File: file.File{ID: id, Name: id + ".png", Kind: file.Image}, Picture: "data:image/jpeg;base64," + id}
}

func paragraphs(n int, topic string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Paragraph %d is about %s and nothing else that anybody would ask for. It goes on for a while, as such texts do.\n\n", i, topic)
	}
	return b.String()
}

func TestATextStandsWholeWhereItWasSent(t *testing.T) {
	c := chatOf([]File{textFile("A", "report.pdf", "One.\nTwo.", "Three."), plainFile("B", "notes.md", "\nFirst.")}, "A|What is it?", "And?", "A B|Both?")
	got, _ := c.Fit(2000, unknown)
	want := []Turn{
		{Role: "system", Text: "be kind\n\n" + Rule},
		{Role: "user", Text: "What is it?", Files: "<file-78348803e283 name=\"report.pdf\" pages=\"2\">\n" +
			"[report.pdf, page 1]\nOne.\nTwo.\n\n[report.pdf, page 2]\nThree.\n</file-78348803e283>\n\n"},
		{Role: "assistant", Text: "answer 0"}, {Role: "user", Text: "And?"}, {Role: "assistant", Text: "answer 1"},
		{Role: "user", Text: "Both?", Files: "[file “report.pdf”]\n\n<file-448cbc246518 name=\"notes.md\">\n[notes.md, line 2]\nFirst.\n</file-448cbc246518>\n\n"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Where there is no system prompt, none is made: some models' templates take none.
func TestTheRuleWithoutASystemPrompt(t *testing.T) {
	for pages, at := range map[int]int{1: 0, 100: 2} { // whole, and as passages
		c := chatOf([]File{textFile("A", "a.pdf", paragraphs(pages, "trade"))}, "A|one", "What about trade?")
		c.System = ""
		got, size := c.Fit(1500, words(4))
		if turn := got[at]; turn.Role != "user" || !strings.HasPrefix(turn.Files, Rule+"\n\n") || !strings.Contains(turn.Files, "Paragraph 0 is about") || size > 1500 {
			t.Errorf("%d pages: %.200s %.200s", pages, turn.Role, turn.Files)
		}
	}
}

// What an engine has cached of a turn's prompt it can use in the next one: all of it
// while the texts stand where they were sent, and else all but the passages.
func TestThePromptBeforeAQuestionStays(t *testing.T) {
	files := []File{textFile("A", "a.pdf", paragraphs(10, "trade"), paragraphs(10, "law")), image("I")}
	questions := []string{"A I|one", "two", "three", "four"}
	for room, whole := range map[int]bool{8000: true, 2000: false} {
		var before []Turn
		for n := 1; n <= len(questions); n++ {
			c := chatOf(files, questions[:n]...)
			c.Sees = true
			got, _ := c.Fit(room, words(4))
			if d := cmp.Diff(before, slices.Clone(got[:len(before)]), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("in %d tokens, question %d: %s", room, n, d)
			}
			if before = got; !whole {
				before = got[:len(got)-1]
			}
			if strings.Contains(got[1].Files, "<file-") != (whole || n == 1) {
				t.Errorf("in %d tokens, question %d: %.100s", room, n, got[1].Files)
			}
		}
	}
}

func TestWithoutFilesNothingIsAdded(t *testing.T) {
	c := chatOf(nil, "one", "two")
	got, _ := c.Fit(1000, words(4))
	if d := cmp.Diff(Turns("be kind", c.Thread), got); d != "" {
		t.Error(d)
	}
}

var places = regexp.MustCompile(`(?m)^\[(.+, (?:page|line) \d+)\]$`)

func cited(turn Turn) (all []string) {
	for _, m := range places.FindAllStringSubmatch(turn.Files, -1) {
		all = append(all, m[1])
	}
	return all
}

// Of texts that are too long the best passages of all files stand before the last
// question, in the order of the files, with their places.
func TestPassagesForTheQuestion(t *testing.T) {
	law := textFile("A", "law.pdf", paragraphs(60, "contracts"), paragraphs(30, "fines")+"Whoever is late pays 12 marks to the harbour master.\n\n"+paragraphs(30, "fines"), paragraphs(60, "oaths"))
	log := plainFile("B", "log.txt", strings.Repeat("nothing happened\n", 3000)+"the harbour master was seen asleep\n"+strings.Repeat("nothing happened\n", 3000))
	c := chatOf([]File{law, log}, "A|Read this.", "B|And this.", "What is paid to the harbour master by whoever is late?")
	for name, count := range map[string]Counter{"estimate": unknown, "exact": words(4), "dense": words(2), "very dense": words(1)} {
		got, size := c.Fit(3000, count)
		last := got[len(got)-1]
		if !strings.Contains(last.Files, "pays 12 marks") || !strings.Contains(last.Files, "was seen asleep") || last.Text != c.Thread[4].Text {
			t.Errorf("%s: the best passages aren't there:\n%.300s", name, last.Files)
		}
		at := cited(last)
		if !slices.Contains(at, "law.pdf, page 2") || !slices.IsSorted(slices.DeleteFunc(slices.Clone(at), func(s string) bool { return strings.HasPrefix(s, "log") })) ||
			!slices.ContainsFunc(at, func(s string) bool {
				return strings.HasPrefix(s, "log.txt, line 2") || strings.HasPrefix(s, "log.txt, line 3")
			}) {
			t.Errorf("%s: cited %q", name, at)
		}
		if got[1].Files != "[file “law.pdf”]\n\n" || !strings.HasPrefix(got[0].Text, "be kind\n\n"+Rule) {
			t.Errorf("%s: %+v", name, got[:2])
		}
		if n, known := count(got); size > 3000 || known && n != size || len(last.Files) < 1000 {
			t.Errorf("%s: %d tokens, said to be %d, passages of %d bytes", name, n, size, len(last.Files))
		}
	}
}

// A text that was sent before what is left of the chat is found as well.
func TestPassagesFromBeforeTheThread(t *testing.T) {
	c := chatOf([]File{textFile("A", "a.pdf", "The cat sat on the mat."), image("I")}, "one", "Where did the cat sit?")
	c.Before, c.Sees = []string{"I", "gone", "A"}, true
	got, _ := c.Fit(1000, words(4))
	want := []Turn{{Role: "system", Text: "be kind\n\n" + Rule}, {Role: "user", Text: "one"}, {Role: "assistant", Text: "answer 0"},
		{Role: "user", Text: "Where did the cat sit?", Files: "<file-78348803e283 name=\"a.pdf\" pages=\"1\">\n[a.pdf, page 1]\nThe cat sat on the mat.\n</file-78348803e283>\n\n"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A question that names nothing gets the beginnings of all files.
func TestPassagesForNoQuestion(t *testing.T) {
	c := chatOf([]File{textFile("A", "a.pdf", "Alpha begins. "+paragraphs(200, "x")), textFile("B", "b.pdf", "Beta begins. "+paragraphs(200, "y"))}, "A B|要約")
	got, _ := c.Fit(3000, words(4))
	files := got[len(got)-1].Files
	if !strings.Contains(files, "Alpha begins.") || !strings.Contains(files, "Beta begins.") || !strings.Contains(files, `shown="parts"`) {
		t.Errorf("%.300s", files)
	}
}

// Passages make room for turns until a quarter is left to them; then the oldest
// turns go; the question is not cut for either.
func TestPassagesGoBeforeTurns(t *testing.T) {
	long := textFile("A", "a.pdf", paragraphs(400, "trade"))
	for turns, want := range map[int]struct{ atLeast, atMost int }{2: {1700, 2000}, 12: {1100, 1600}, 100: {700, 1000}} {
		questions := []string{"A|first"}
		for i := range turns {
			questions = append(questions, fmt.Sprintf("%d %s", i, strings.Repeat("talk ", 150)))
		}
		c := chatOf([]File{long}, append(questions, "What about trade?")...)
		got, size := c.Fit(4000, words(4))
		last := got[len(got)-1]
		if n := len(last.Files) / CharsPerToken; n < want.atLeast || n > want.atMost {
			t.Errorf("after %d turns passages have %d tokens", turns, n)
		}
		if whole := len(got) == len(c.Thread)+1; whole != (turns < 100) || size > 4000 || last.Text != "What about trade?" {
			t.Errorf("after %d turns: %d of %d are left, %d tokens", turns, len(got), len(c.Thread)+1, size)
		}
	}
	c := chatOf([]File{long}, "A|BEGIN "+strings.Repeat("word ", 3000)+" END")
	got, size := c.Fit(4000, words(4))
	if last := got[len(got)-1]; size > 4000 || strings.Contains(last.Text, gap) || len(last.Files) > 2000 {
		t.Errorf("%d tokens, %d bytes of passages, question %.20s", size, len(last.Files), last.Text)
	}
}

// However little room there is, the prompt keeps to it.
func TestFitWithFiles(t *testing.T) {
	files := []File{textFile("A", strings.Repeat("long name ", 20)+".pdf", paragraphs(50, "<|im_end|>"), paragraphs(50, "日本語の文書")), plainFile("B", "b", paragraphs(3, "x"))}
	for name, count := range map[string]Counter{"exact": words(4), "dense": words(2), "very dense": words(1)} {
		for _, room := range []int{300, 600, 1500, 6000, 100_000} {
			c := chatOf(files, "A|one", "B|"+strings.Repeat("two ", 100), "gone|What is 日本語?")
			got, size := c.Fit(room, count)
			if n, _ := count(got); n > room || n != size {
				t.Errorf("%s in %d: %d tokens, said to be %d", name, room, n, size)
			}
			if last := got[len(got)-1]; last.Text != "What is 日本語?" || !strings.HasPrefix(last.Files, "[file “gone.txt” was deleted]\n\n") {
				t.Errorf("%s in %d: the last turn is %.80q %q", name, room, last.Files, last.Text)
			}
		}
	}
}

func TestWhatIsNotShownIsNamed(t *testing.T) {
	files := []File{image("I"), {File: file.File{ID: "Z", Name: "z.zip", Kind: file.Other}}, {File: file.File{ID: "S", Name: "s.pdf", Kind: file.Text}, Skipped: true},
		{File: file.File{ID: "E", Name: "e.png", Kind: file.Image}}}
	c := chatOf(files, "gone Z S E I|what?")
	got, _ := c.Fit(2000, unknown)
	want := "[file “gone.txt” was deleted]\n\n[file “z.zip”, which can't be read]\n\n[file “s.pdf”, which isn't shown any more]\n\n[image “e.png”, which you can't see]\n\n[image “I.png”, which you can't see]\n\n"
	if d := cmp.Diff(want, got[1].Files); d != "" || len(got[1].Pictures) > 0 {
		t.Error(d, got[1].Pictures)
	}
	c.Sees = true
	got, _ = c.Fit(6000, unknown)
	if files := got[1].Files; !strings.HasSuffix(files, "[image “e.png”, which can't be read]\n\n[image “I.png”]\n\n") || len(got[1].Pictures) != 1 {
		t.Error(files, got[1].Pictures)
	}
}

func TestTheNewestPicturesAreShown(t *testing.T) {
	var files []File
	var questions []string
	for i := range 10 {
		a, b := fmt.Sprint("A", i), fmt.Sprint("B", i)
		files = append(files, image(a), image(b))
		questions = append(questions, fmt.Sprintf("%s %s|question %d", a, b, i))
	}
	for room, want := range map[int]int{100_000: MaxPictures, 10 * PerPicture: 5, 2000: 1} {
		c := chatOf(files, questions...)
		c.Sees = true
		got, size := c.Fit(room, words(4))
		var shown []string
		for _, turn := range got {
			shown = append(shown, turn.Pictures...)
		}
		if len(shown) != want || shown[want-1] != "data:image/jpeg;base64,B9" || size > room {
			t.Errorf("in %d tokens: %d shown, %d used", room, len(shown), size)
		}
		if first := got[1]; want == MaxPictures && first.Files != "[image “A0.png”, which isn't shown any more]\n\n[image “B0.png”, which isn't shown any more]\n\n" {
			t.Error(first.Files)
		}
	}
}

// A model of little context sees a picture all the same, with the whole question.
func TestAPictureInALittleContext(t *testing.T) {
	c := chatOf([]File{image("I")}, "I|"+strings.Repeat("What is this? ", 20))
	c.Sees = true
	got, size := c.Fit(700, words(4))
	if last := got[len(got)-1]; len(last.Pictures) != 1 || last.Text != c.Thread[0].Text || size > 700 {
		t.Errorf("%d tokens, %d pictures, %q", size, len(last.Pictures), last.Text)
	}
}

func TestATurnWithAPictureAsJSON(t *testing.T) {
	b, err := json.Marshal(Turn{Role: "user", Text: "What?", Files: "[image “x”]\n\n", Pictures: []string{"data:image/png;base64,AA=="}})
	want := `{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"text","text":"[image “x”]\n\nWhat?"}]}`
	if d := cmp.Diff(want, string(b)); d != "" || err != nil {
		t.Error(d, err)
	}
	if b, err := json.Marshal(Turn{Role: "assistant", Files: "a", Text: "b"}); string(b) != `{"role":"assistant","content":"ab"}` || err != nil {
		t.Error(string(b), err)
	}
}
