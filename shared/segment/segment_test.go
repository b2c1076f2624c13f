package segment_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/segment"
)

var began = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// vocabulary is what documents are made of.
var vocabulary = strings.Fields("bread breads baking flour water the a of and naïve résumé книга книги 東京都 東京 天気 한국어를 fmt.Println max_tokens 42 3.14 running runner")

// documents makes messages of several chats, each with its reply, a title and a file
// here and there.
func documents(n int, seed uint64) (docs []search.Document) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		c := id.Floor(began.Add(time.Duration(r.IntN(5)) * time.Millisecond))
		question := id.Next(id.Floor(began.Add(time.Duration(seed*1000+uint64(i)+10) * time.Second)))
		text := func(most int) string {
			var words []string
			for range 1 + r.IntN(most) {
				words = append(words, vocabulary[int(r.ExpFloat64()*5)%len(vocabulary)])
			}
			return strings.Join(words, " ")
		}
		docs = append(docs,
			search.Document{Doc: search.Doc{Chat: c, Message: question}, Role: chat.User, Text: text(8), HasFile: i%7 == 0},
			search.Document{Doc: search.Doc{Chat: c, Message: id.Next(question)}, Role: chat.Assistant, Text: text(60)})
		if i%7 == 0 {
			docs = append(docs, search.Document{Doc: search.Doc{Chat: c, Message: question, Kind: search.File}, Role: chat.User, Text: text(300), HasFile: true})
		}
		if i%11 == 0 {
			docs = append(docs, search.Document{Doc: search.Doc{Chat: c, Message: c, Kind: search.Title}, Role: chat.User, Text: text(4)})
		}
	}
	return docs
}

func build(t testing.TB, docs []search.Document) *segment.Segment {
	t.Helper()
	var body bytes.Buffer
	f, err := segment.Build(t.Context(), &body, docs)
	if err != nil {
		t.Fatal(err)
	}
	if f.Docs != len(docs) || f.First > f.Last {
		t.Errorf("%+v of %d documents", f, len(docs))
	}
	return open(t, body.Bytes())
}

func open(t testing.TB, body []byte) *segment.Segment {
	t.Helper()
	s, err := segment.Open(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var queries = []string{
	"bread", "baking flour", `"bread flour"`, "bre*", "bread -flour", "bread -\"flour water\"", "naive", "resume книга", "東京", "京", "天",
	"한국어", "println", "max_tokens", "the of", "breda", "bakign watre", "run*  bread", "runn*", "runner* -running", "книги*", "fmt.Prin*", "résu*", "missing", "42 3.14", "東京都 天気", "zzz*",
}

var filters = map[string]search.Filter{
	"none":      {},
	"role":      {Role: chat.Assistant},
	"file":      {HasFile: true},
	"chat":      {Chat: id.Floor(began.Add(2 * time.Millisecond))},
	"no chat":   {Chat: id.Floor(began.Add(time.Hour))},
	"time":      {From: began.Add(60 * time.Second), To: began.Add(100 * time.Second)},
	"until":     {Until: id.Floor(began.Add(100 * time.Second))},
	"before":    {To: began.Add(-time.Hour)},
	"much":      {Role: chat.User, HasFile: true, From: began.Add(30 * time.Second)},
	"all times": {From: began.Add(-time.Hour), To: began.Add(100 * time.Hour)},
}

// same compares what two sets of indexes find.
func same(t *testing.T, want func(q search.Query) []search.Index, got ...search.Index) {
	t.Helper()
	for _, text := range queries {
		for name, f := range filters {
			q, err := search.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			a, err := search.Rank(t.Context(), want(q), q, f, nil, 30)
			if err != nil {
				t.Fatal(err)
			}
			b, err := search.Rank(t.Context(), got, q, f, nil, 30)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(a, b); d != "" {
				t.Errorf("%s, filter %s: %s", text, name, d)
			}
		}
	}
}

func rest(docs []search.Document) func(q search.Query) []search.Index {
	return func(q search.Query) []search.Index { return []search.Index{search.NewRest(slices.Clone(docs), q)} }
}

// Whether documents are in a segment, in several or in none, the same is found.
func TestASegmentFindsWhatTheRestFinds(t *testing.T) {
	docs := documents(300, 0)
	same(t, rest(docs), build(t, docs))
	var parts []search.Index
	for part := range slices.Chunk(docs, 150) {
		parts = append(parts, build(t, part))
	}
	same(t, rest(docs), parts...)
}

func TestWhatIsMergedIsFound(t *testing.T) {
	docs := documents(300, 0)
	var parts []*segment.Segment
	for i := range 3 { // whose times overlap
		var part []search.Document
		for n, d := range docs {
			if n%3 == i {
				part = append(part, d)
			}
		}
		parts = append(parts, build(t, part))
	}
	lost := filters["chat"].Chat
	gone := func(d search.Doc) bool { return d.Chat == lost }
	var merged bytes.Buffer
	f, err := segment.Merge(t.Context(), &merged, parts, gone)
	if err != nil {
		t.Fatal(err)
	}
	kept := slices.DeleteFunc(slices.Clone(docs), func(d search.Document) bool { return gone(d.Doc) })
	if f.Docs != len(kept) || len(kept) == len(docs) {
		t.Errorf("%d of %d documents are left, not %d", f.Docs, len(docs), len(kept))
	}
	same(t, rest(kept), open(t, merged.Bytes()))
}

// Words of chats that are gone leave no trace.
func TestNothingIsLeftOfWhatIsGone(t *testing.T) {
	docs := []search.Document{
		{Doc: search.Doc{Chat: id.Floor(began), Message: id.Floor(began)}, Role: chat.User, Text: "a secretword here\nDia yang menyecretkan itu"},
		{Doc: search.Doc{Chat: id.Floor(began.Add(1e6)), Message: id.Floor(began.Add(1e6))}, Role: chat.User, Text: "another"},
	}
	for _, all := range []bool{false, true} {
		var merged bytes.Buffer
		f, err := segment.Merge(t.Context(), &merged, []*segment.Segment{build(t, docs)}, func(d search.Doc) bool { return all || d.Chat == id.Floor(began) })
		if err != nil {
			t.Fatal(err)
		}
		if all {
			if f != (segment.Facts{}) || merged.Len() > 0 {
				t.Errorf("nothing is left, and %+v was written", f)
			}
			continue
		}
		if p, err := open(t, merged.Bytes()).Find("secretword"); f.Docs != 1 || p != nil || err != nil {
			t.Errorf("%+v, %v, %v", f, p, err)
		}
		archive, err := zip.NewReader(bytes.NewReader(merged.Bytes()), int64(merged.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range archive.File {
			r, err := entry.Open()
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(r); err != nil || bytes.Contains(body, []byte("ecret")) || bytes.Contains(body, []byte("meny")) || len(body) == 0 {
				t.Errorf("%s: %q %v", entry.Name, body, err)
			}
		}
	}
}

func TestSegmentsAreTheSameForTheSame(t *testing.T) {
	docs := documents(50, 0)
	var bodies []string
	for range 3 {
		var body bytes.Buffer
		if _, err := segment.Build(t.Context(), &body, docs); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body.String())
	}
	if bodies[0] != bodies[1] || bodies[1] != bodies[2] {
		t.Error("the same documents made different files")
	}
}

// A file that was changed anywhere is corrupt or answers as before; nothing panics or
// hangs.
func TestCorruptSegments(t *testing.T) {
	docs := documents(100, 0)
	var whole bytes.Buffer
	if _, err := segment.Build(t.Context(), &whole, docs); err != nil {
		t.Fatal(err)
	}
	want, err := use(t, whole.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	refused := 0
	for i := range 300 {
		body := slices.Clone(whole.Bytes())
		switch {
		case i == 0:
			body = nil
		case i == 1:
			body = []byte("no segment")
		case i < 30:
			body = body[:r.IntN(len(body))]
		default:
			for range 1 + r.IntN(20) {
				body[r.IntN(len(body))] ^= byte(1 + r.IntN(255))
			}
		}
		got, err := use(t, body)
		if err != nil {
			if refused++; !errors.Is(err, search.ErrCorrupt) {
				t.Errorf("%d: %v", i, err)
			}
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d: %s", i, d)
		}
	}
	if refused < 250 {
		t.Errorf("only %d are corrupt", refused)
	}
}

// use asks all queries and merges.
func use(t *testing.T, body []byte) (all []search.Ranked, err error) {
	s, err := segment.Open(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	for _, text := range queries {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		found, err := search.Rank(t.Context(), []search.Index{s}, q, search.Filter{From: began}, nil, 30)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	_, err = segment.Merge(t.Context(), io.Discard, []*segment.Segment{s}, func(search.Doc) bool { return false })
	return all, err
}

// away is a file that can't be read from a place on.
type away struct {
	*bytes.Reader
	from int64
}

var errAway = errors.New("the storage is away")

func (a away) ReadAt(p []byte, at int64) (int, error) {
	if at < a.from {
		return 0, errAway
	}
	return a.Reader.ReadAt(p, at)
}

// What can't be read at the moment isn't corrupt: it may be read again.
func TestStorageThatIsAwayCorruptsNothing(t *testing.T) {
	var whole bytes.Buffer
	if _, err := segment.Build(t.Context(), &whole, documents(2000, 0)); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int64{1 << 40, int64(whole.Len()) / 2} {
		s, err := segment.Open(away{bytes.NewReader(whole.Bytes()), from}, int64(whole.Len()))
		if err == nil {
			_, err = s.Find("bread")
		}
		if !errors.Is(err, errAway) || errors.Is(err, search.ErrCorrupt) {
			t.Errorf("from %d on: %v", from, err)
		}
	}
}

// A segment of an earlier release is refused as one that can't be read is: so it is
// built anew.
func TestSegmentsOfAnotherVersionAreRefused(t *testing.T) {
	var now bytes.Buffer
	if _, err := segment.Build(t.Context(), &now, documents(20, 0)); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(now.Bytes()), int64(now.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{`"v":2`, `"v":1`, `"v":3`} {
		var other bytes.Buffer
		w := zip.NewWriter(&other)
		for _, f := range archive.File {
			from, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(from)
			if err != nil {
				t.Fatal(err)
			}
			to, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: f.Method})
			if err == nil {
				_, err = to.Write(bytes.Replace(body, []byte(`"v":2`), []byte(version), 1))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = segment.Open(bytes.NewReader(other.Bytes()), int64(other.Len()))
		if current := version == `"v":2`; current && err != nil || !current && !errors.Is(err, search.ErrCorrupt) {
			t.Errorf("%s: %v", version, err)
		}
	}
}
