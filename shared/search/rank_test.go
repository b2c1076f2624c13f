package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
)

var began = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// msg is the id of the message of that number, a minute after the one before.
func msg(n int) string { return id.Next(id.Floor(began.Add(time.Duration(n) * time.Minute))) }

var chatID = id.Floor(began)

// documents are messages of one chat.
func documents(texts ...string) (docs []search.Document) {
	for i, text := range texts {
		role := chat.User
		if i%2 == 1 {
			role = chat.Assistant
		}
		docs = append(docs, search.Document{Doc: search.Doc{Chat: chatID, Message: msg(i)}, Role: role, Text: text})
	}
	return docs
}

// find returns the numbers of the documents that a query finds, the best first.
func find(t *testing.T, docs []search.Document, query string, f search.Filter) []int {
	t.Helper()
	q, err := search.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := search.Rank(t.Context(), []search.Index{search.NewRest(slices.Clone(docs), q)}, q, f, nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := []int{}
	for _, m := range found.Best {
		got = append(got, slices.IndexFunc(docs, func(d search.Document) bool { return d.Doc == m.Doc }))
	}
	if found.Total != len(got) {
		t.Errorf("%s: %d are said to match, %d did", query, found.Total, len(got))
	}
	return got
}

func TestWhatAQueryFinds(t *testing.T) {
	docs := documents([]string{
		0:  "How do I bake sourdough bread?",
		1:  "Mix flour and water; the starter makes the bread rise. Bake it hot.",
		2:  "Bread, bread and more bread.",
		3:  "The New York marathon is in November; York is a city in England, and new to me.",
		4:  "Use fmt.Println to print, and max_tokens to bound it.",
		5:  "Я читаю интересные книги о Москве.",
		6:  "東京都の天気は晴れです。",
		7:  "Résumé and café in the naïve España",
		8:  "한국어를 공부합니다",
		9:  "running runners ran a run",
		10: "Kami membaca buku yang dibaca mereka untuk pekerjaan itu.",
		11: "The policies are for runs.",
	}...)
	for query, want := range map[string][]int{
		"bread":               {2, 0, 1},
		"BREAD bake":          {0, 1, 2}, // what lacks a word comes last
		`"more bread"`:        {2},
		`"bread more"`:        {},
		`"new york"`:          {3},
		"bread -flour":        {2, 0},
		`bread -"more bread"`: {0, 1},
		"bre*":                {2, 0, 1},
		"println":             {4},
		"fmt.Println":         {4},
		"tokens":              {4},
		"книга":               {5},
		"東京":                  {6},
		"天気":                  {6},
		"京":                   {6},
		"都":                   {6},
		"東京 天気":               {6},
		`"東京都の天気"`:            {6},
		`"東京 天気"`:             {},
		"resume":              {7},
		"espana":              {7},
		"한국어":                 {8},
		"run":                 {9, 11},
		"run*":                {9, 11}, // as it is written, not its stem
		"runn*":               {9},
		"runni*":              {9},
		"runs*":               {11},
		"polici*":             {11},
		"policy*":             {},
		"memb*":               {10},
		"diba*":               {10},
		"peker*":              {10},
		"bac*":                {},
		"resum*":              {7},
		"книги*":              {5},
		"книга*":              {},
		"fmt.Prin*":           {4},
		"東*":                  {6},
		"run* -runni*":        {11},
		"sourdouhg":           {0}, // a typo
		"marahton":            {3},
		"zzzzzz":              {},
		"the":                 {11, 1, 7, 3},
		"the bread":           {2, 0, 1},
		`"unbalanced bread`:   {},
		`"bread`:              {2, 0, 1},
	} {
		if d := cmp.Diff(want, find(t, docs, query, search.Filter{})); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
}

func TestFilters(t *testing.T) {
	docs := documents("word one", "word two", "word three", "word four")
	docs[2].HasFile = true
	other := id.Floor(began.Add(time.Hour))
	docs[3].Chat = other
	for name, c := range map[string]struct {
		f    search.Filter
		want []int
	}{
		"role":         {search.Filter{Role: chat.User}, []int{2, 0}},
		"a file":       {search.Filter{HasFile: true}, []int{2}},
		"a chat":       {search.Filter{Chat: chatID}, []int{2, 1, 0}},
		"another chat": {search.Filter{Chat: other}, []int{3}},
		"no such chat": {search.Filter{Chat: id.Next(other)}, []int{}},
		"since":        {search.Filter{From: began.Add(2 * time.Minute)}, []int{3, 2}},
		"before":       {search.Filter{To: began.Add(2 * time.Minute)}, []int{1, 0}},
		"until":        {search.Filter{Until: msg(1)}, []int{1, 0}},
		"all of them":  {search.Filter{Role: chat.User, HasFile: true, Chat: chatID, From: began, To: began.Add(time.Hour)}, []int{2}},
	} {
		if d := cmp.Diff(c.want, find(t, docs, "word", c.f)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Of equal ones the newer comes first, and pages go on where the last one ended, though
// others that have the word come and go in between.
func TestPagesTakeUpWhereTheLastOneEnded(t *testing.T) {
	var texts []string
	for i := range 50 {
		texts = append(texts, strings.Repeat("filler ", i%5)+"word"+strings.Repeat(" word", i%3))
	}
	docs := documents(texts...)
	all := find(t, docs, "word", search.Filter{})
	if len(all) != 50 {
		t.Fatalf("%d found", len(all))
	}
	q, err := search.Parse("word")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var after *search.Place
	for page := range 20 {
		docs := append(docs[:50:50], documents(slices.Repeat([]string{"word and much else"}, page*page)...)...)
		for i := range docs[50:] {
			docs[50+i].Message = id.Floor(time.UnixMilli(int64(i))) // before all others, and so the last of its kind
		}
		found, err := search.Rank(t.Context(), []search.Index{search.NewRest(slices.Clone(docs), q)}, q, search.Filter{}, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Best) == 0 {
			break
		}
		for _, m := range found.Best {
			if id.Time(m.Message).After(time.UnixMilli(1000)) {
				got = append(got, m.Message)
			}
		}
		after = &search.Place{Match: found.Best[len(found.Best)-1], Scale: found.Scale}
	}
	var want []string
	for _, n := range all {
		want = append(want, docs[n].Message)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// However a history is parted into indexes, it is ranked alike.
func TestPartsRankAsTheWhole(t *testing.T) {
	var texts []string
	for i := range 60 {
		texts = append(texts, fmt.Sprintf("alpha%d common %s beta", i%7, strings.Repeat("gamma ", i%4)))
	}
	docs := documents(texts...)
	for _, query := range []string{"gamma", "gamma alpha3", `"common gamma"`, "alp* gamma", "gamma -alpha1", "gama"} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := search.Rank(t.Context(), []search.Index{search.NewRest(slices.Clone(docs), q)}, q, search.Filter{}, nil, 20)
		if err != nil {
			t.Fatal(err)
		}
		var parts []search.Index
		for part := range slices.Chunk(docs, 13) {
			parts = append(parts, search.NewRest(slices.Clone(part), q))
		}
		got, err := search.Rank(t.Context(), parts, q, search.Filter{}, nil, 20)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(whole, got); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
}

func TestNothingIsFoundInNothing(t *testing.T) {
	if got := find(t, nil, "word", search.Filter{From: began, To: began.Add(time.Hour), Until: msg(1)}); len(got) > 0 {
		t.Error(got)
	}
}

func TestATitleCountsMore(t *testing.T) {
	docs := documents("bread bread", "something else", "bread bread")
	docs[0].Kind = search.Title
	if d := cmp.Diff([]int{0, 2}, find(t, docs, "bread", search.Filter{})); d != "" {
		t.Error(d)
	}
}
