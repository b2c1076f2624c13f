package main

import (
	"strings"
	"testing"
)

// A part that is measured again replaces its section and leaves the others.
func TestMergeReplacesOneSection(t *testing.T) {
	page := ""
	for _, s := range []section{{Title: "One", Text: "first"}, {Title: "One and more", Text: "second"}, {Title: "One", Text: "third"}} {
		page = merge(page, s)
	}
	if !strings.HasPrefix(page, head) || strings.Contains(page, "first") {
		t.Errorf("got %q", page)
	}
	if one, two := strings.Index(page, "## One\n\nthird\n"), strings.Index(page, "## One and more\n\nsecond\n"); one < 0 || two < one {
		t.Errorf("sections at %d and %d of %q", one, two, page)
	}
	if again := merge(page, section{Title: "One", Text: "third"}); again != page {
		t.Errorf("the same section changes the page:\n%s\n%s", page, again)
	}
}

func TestSectionIsMarkdown(t *testing.T) {
	tb := table{Head: []string{"what", "ms"}}
	tb.add("a call", "%.1f", 1.25)
	got := section{Title: "T", Text: "Text.", Tables: []table{tb}, Notes: "Note.", Facts: "Facts."}.String()
	want := "## T\n\nText.\n\n| what | ms |\n|---|---:|\n| a call | 1.2 |\n\nNote.\n\nFacts.\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
