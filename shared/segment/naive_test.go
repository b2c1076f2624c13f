package segment_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/segment"
	"parley/shared/words"
)

// naive looks through all texts for each query, and has no index.
type naive struct {
	docs  []search.Document
	texts [][]words.Token
}

func newNaive(docs []search.Document) *naive {
	n := &naive{docs: docs}
	for _, d := range docs {
		n.texts = append(n.texts, slices.Collect(words.Tokens(d.Text)))
	}
	return n
}

// is reports whether a token is a word of a query.
func is(w search.Word, t words.Token) bool {
	if w.Prefix != "" {
		return strings.HasPrefix(t.Written, w.Prefix)
	}
	return slices.Contains(w.Forms, t.Word)
}

// times is how often a clause stands in a text.
func times(c search.Clause, text []words.Token) (n int) {
	for at := range text {
		fits := true
		for _, w := range c.Words {
			fits = fits && at+w.At < len(text) && is(w, text[at+w.At])
		}
		if fits {
			n++
		}
	}
	return n
}

// weight is what a clause weighs: by how many documents have each of its words, counted
// once for every form that they have.
func (n *naive) weight(c search.Clause) (sum float64) {
	for _, w := range c.Words {
		count := 0
		for _, text := range n.texts {
			seen := map[[2]string]bool{}
			for _, t := range text {
				form := [2]string{t.Word, t.Written}
				if w.Prefix == "" {
					form[1] = ""
				}
				if is(w, t) && !seen[form] {
					seen[form] = true
					count++
				}
			}
		}
		of := float64(min(count, len(n.docs)))
		sum += math.Log(1 + (float64(len(n.docs))-of+0.5)/(of+0.5))
	}
	return sum
}

// rank returns all matches, the best first.
func (n *naive) rank(q search.Query, loose bool) (all []search.Match) {
	mean := 0.0
	for _, text := range n.texts {
		mean += float64(len(text)) / float64(len(n.texts))
	}
	var weights []float64
	for _, c := range q.All {
		weights = append(weights, n.weight(c))
	}
	for i, text := range n.texts {
		m, has, fits := search.Match{Doc: n.docs[i].Doc}, 0, true
		for at, c := range q.All {
			tf := float64(times(c, text))
			if tf == 0 {
				fits = fits && loose && c.Loose
				continue
			}
			has++
			m.Score += weights[at] * tf * 2.2 / (tf + 1.2*(0.25+0.75*float64(len(text))/mean))
		}
		for _, c := range q.None {
			fits = fits && times(c, text) == 0
		}
		if m.Part = has < len(q.All); fits && has > 0 {
			if m.Kind == search.Title {
				m.Score *= 2
			}
			all = append(all, m)
		}
	}
	if !loose && len(all) < 10 && len(q.All) > 1 && slices.ContainsFunc(q.All, func(c search.Clause) bool { return c.Loose }) {
		return n.rank(q, true)
	}
	slices.SortFunc(all, func(a, b search.Match) int {
		switch {
		case a.Part != b.Part && a.Part:
			return 1
		case a.Part != b.Part:
			return -1
		case math.Abs(a.Score-b.Score) > 1e-12*a.Score:
			if a.Score > b.Score {
				return -1
			}
			return 1
		case a.Message != b.Message:
			return strings.Compare(b.Message, a.Message)
		}
		return int(a.Kind) - int(b.Kind)
	})
	return all
}

// story makes a text in which some words are in nearly every document, some in few, and
// many stand together.
func story(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(60) {
		switch x := r.IntN(100); {
		case x < 30:
			b.WriteString([]string{"the ", "of ", "and ", "of the ", "in the "}[r.IntN(5)])
		case x < 60:
			b.WriteString([]string{"run ", "runs ", "running ", "runner ", "bread ", "policy ", "policies "}[r.IntN(7)])
		case x < 62:
			b.WriteString([]string{"fmt.Println ", "fmt.Printf ", "東京都の天気 ", "\nDia membaca buku yang dibaca mereka untuk pekerjaan.\n", "\nDie Häuser und das Haus.\n"}[r.IntN(5)])
		default:
			fmt.Fprintf(&b, "%s%d ", []string{"word", "term", "text"}[r.IntN(3)], min(int(r.ExpFloat64()*80), 200)%110)
		}
	}
	return b.String()
}

// What lists of many blocks find, skipping most of them or none, is what somebody finds
// who reads all texts: the same documents in the same order with the same scores, also
// in several segments, or merged ones.
func TestSegmentsFindWhatTheTextsHave(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var docs []search.Document
	for i := range 1500 {
		m := id.Next(id.Floor(began.Add(time.Duration(i) * time.Minute)))
		d := search.Document{Doc: search.Doc{Chat: m, Message: m}, Role: chat.User, Text: story(r)}
		if i%50 == 0 {
			d.Kind = search.Title
		}
		if i%333 == 0 {
			d.Text += strings.Repeat(" onceonly", i/333) + strings.Repeat(" of the", 3000)
		}
		docs = append(docs, d)
	}
	whole := build(t, docs)
	var parts []*segment.Segment
	for part := range slices.Chunk(docs, 400) {
		parts = append(parts, build(t, part))
	}
	var merged bytes.Buffer
	if _, err := segment.Merge(t.Context(), &merged, parts, func(search.Doc) bool { return false }); err != nil {
		t.Fatal(err)
	}
	sets := map[string][]search.Index{"whole": {whole}, "parts": nil, "merged": {open(t, merged.Bytes())}}
	for _, p := range parts {
		sets["parts"] = append(sets["parts"], p)
	}
	all := newNaive(docs)
	for _, text := range []string{
		"run", "bread", "policy running", `"of the"`, `"the of"`, `"of the bread"`, `"the run of the"`, `"in the"`, "the of", "onceonly", `onceonly "of the"`, "onceonly bread",
		"word0", "word109", "word109 bread", `"word0 word1"`, `"bread word3"`, "word1 word2 word3 word4", "term102 text109", "bread -run", `bread -"of the"`, "word70 -bread",
		"run*", "runn*", "runni*", "running*", "runner* bread", "polici*", "policy*", "pol*", "wo*", "word1*", "te*", "fmt.Prin*", "fmt.Printl*", "memb*", "membaca*", "dib*", "dibaca bre*",
		"peker*", "pekerjaa*", "hau*", "haus*", "häuse*", "haeu*", "京*", "東京*", "東京", "-polici* policy", "bread -runni*", "buku*", "zzz*", "th*",
	} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want := all.rank(q, false)
		for name, indexes := range sets {
			got, err := search.Rank(t.Context(), indexes, q, search.Filter{}, nil, len(docs))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got.Best, cmpopts.EquateApprox(0, 1e-9), cmpopts.EquateEmpty()); d != "" || got.Total != len(want) {
				t.Errorf("%s, %s: %d found, not %d: %s", text, name, got.Total, len(want), d)
			}
			few, err := search.Rank(t.Context(), indexes, q, search.Filter{}, nil, 5)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got.Best[:min(5, len(got.Best))], few.Best, cmpopts.EquateEmpty()); d != "" || few.Total != got.Total {
				t.Errorf("%s, %s: the first ones are others: %s", text, name, d)
			}
		}
	}
}
