//go:build service

package shelf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/id"
	"parley/shared/object/objecttest"
	"parley/shared/search"
	"parley/shared/shelf"
)

// bench is a shelf over a real bucket, and what is asked of that.
type bench struct {
	*shelf.Shelf
	t      *testing.T
	s3     *s3.Client // past the watch
	bucket string

	mu   sync.Mutex
	gets int
	got  int64 // bytes
}

func newBench(t *testing.T, room int64) *bench {
	t.Helper()
	b := &bench{t: t}
	b.s3, b.bucket = objecttest.Bucket(t)
	b.Shelf = b.open(room)
	return b
}

// open returns another shelf of the bucket, with nothing on its disk.
func (b *bench) open(room int64) *shelf.Shelf {
	b.t.Helper()
	client := s3.New(b.s3.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: b} })
	s, err := shelf.New(client, b.bucket, b.t.TempDir(), room)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// RoundTrip counts what comes over.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet {
		return res, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	b.got += res.ContentLength
	return res, err
}

// asked returns how many GETs there were since the last call, and of how many bytes.
func (b *bench) asked() (gets int, got int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gets, got = b.gets, b.got
	b.gets, b.got = 0, 0
	return gets, got
}

// documents are so many texts of so many words, of 5,000 different ones.
func documents(n, size int) (docs []search.Document) {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.UnixMilli(1_800_000_000_000)
	for i := range n {
		var text strings.Builder
		for range size {
			fmt.Fprintf(&text, "word%d ", r.IntN(5000))
		}
		m := id.New(at.Add(time.Duration(i) * time.Second))
		docs = append(docs, search.Document{Doc: search.Doc{Chat: m, Message: m}, Text: text.String()})
	}
	return docs
}

// large are documents of a segment that doesn't come as a whole.
var large = sync.OnceValue(func() []search.Document { return documents(3000, 800) })

func (b *bench) add(user string, docs []search.Document) search.Segment {
	b.t.Helper()
	g, err := b.Add(b.t.Context(), user, docs)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

// count opens a segment and returns how many documents have a word.
func (b *bench) count(s *shelf.Shelf, user string, g search.Segment, word string) (int, error) {
	index, release, err := s.Open(b.t.Context(), user, g)
	if err != nil {
		return 0, err
	}
	defer release()
	list, err := index.Find(word)
	if err != nil || list == nil {
		return 0, err
	}
	walk, err := list.Walk(true)
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		_, ok, err := walk.Next(0)
		if !ok || err != nil {
			return n, err
		}
		n++
	}
}

// having is how many documents have a word.
func having(docs []search.Document, word string) (n int) {
	for _, d := range docs {
		if strings.Contains(d.Text, word+" ") {
			n++
		}
	}
	return n
}

func (b *bench) want(s *shelf.Shelf, user string, g search.Segment, docs []search.Document, word string) {
	b.t.Helper()
	if n, err := b.count(s, user, g, word); n != having(docs, word) || err != nil {
		b.t.Errorf("%q is in %d documents, %v; want %d", word, n, err, having(docs, word))
	}
}

func TestASmallSegmentComesAtOnce(t *testing.T) {
	b := newBench(t, 10<<20)
	user, docs := id.New(time.Now()), documents(100, 100)
	g := b.add(user, docs)
	b.asked()
	for n := range 20 {
		b.want(b.Shelf, user, g, docs, fmt.Sprintf("word%d", n))
	}
	if gets, got := b.asked(); gets != 1 || got != g.Bytes {
		t.Errorf("%d GETs of %d bytes for %d", gets, got, g.Bytes)
	}
}

// Of a large segment its end comes over, and a piece for each word; once.
func TestALargeSegmentComesInPieces(t *testing.T) {
	b := newBench(t, 100<<20)
	user := id.New(time.Now())
	g := b.add(user, large())
	if g.Bytes <= 4<<20 {
		t.Fatalf("the segment has %d bytes", g.Bytes)
	}
	b.asked()
	for n := range 3 {
		b.want(b.Shelf, user, g, large(), fmt.Sprintf("word%d", 1000*n))
	}
	gets, got := b.asked()
	t.Logf("%d GETs of %d KB, of %d", gets, got>>10, g.Bytes>>10)
	if gets > 5 || got > g.Bytes/2 {
		t.Errorf("%d GETs of %d bytes for %d", gets, got, g.Bytes)
	}
	for n := range 3 {
		b.want(b.Shelf, user, g, large(), fmt.Sprintf("word%d", 1000*n))
	}
	if gets, _ := b.asked(); gets != 0 {
		t.Errorf("%d GETs for what is there", gets)
	}
}

// What two users have alike lies apart.
func TestEqualSegmentsOfTwoUsersLieApart(t *testing.T) {
	b := newBench(t, 10<<20)
	ada, bob, docs := id.New(time.Now()), id.New(time.Now()), documents(10, 100)
	one, two := b.add(ada, docs), b.add(bob, docs)
	if one != two {
		t.Fatalf("%+v and %+v are of the same documents", one, two)
	}
	b.want(b.Shelf, ada, one, docs, "word1")
	if err := (shelf.Remover{S3: b.s3, Bucket: b.bucket}).RemoveAll(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	other := b.open(10 << 20)
	if _, err := b.count(other, ada, one, "word1"); !errors.Is(err, search.ErrCorrupt) {
		t.Errorf("a removed one: %v", err)
	}
	b.want(other, bob, two, docs, "word1")
}

// replace puts other bytes in a segment's place.
func (b *bench) replace(user string, g search.Segment, change func([]byte) []byte) {
	b.t.Helper()
	key := aws.String("segments/" + user + "/" + g.Name)
	out, err := b.s3.GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: &b.bucket, Key: key})
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err == nil {
		_, err = b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.bucket, Key: key, Body: bytes.NewReader(change(body))})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// Whatever has become of a segment, it is corrupt and never another answer; and when it
// is back, it can be read.
func TestASegmentThatHasChangedIsCorrupt(t *testing.T) {
	for name, docs := range map[string][]search.Document{"small": documents(100, 100), "large": large()} {
		b := newBench(t, 100<<20)
		user := id.New(time.Now())
		g := b.add(user, docs)
		for change, to := range map[string]func([]byte) []byte{
			"empty":            func(p []byte) []byte { return nil },
			"a byte short":     func(p []byte) []byte { return p[:len(p)-1] },
			"a byte long":      func(p []byte) []byte { return append([]byte{0}, p...) },
			"half":             func(p []byte) []byte { return p[:len(p)/2] },
			"all zeros":        func(p []byte) []byte { return make([]byte, len(p)) },
			"one bit in lists": func(p []byte) []byte { return flipped(p, 100<<10%len(p)/2) },
			"one bit at first": func(p []byte) []byte { return flipped(p, 64) },
			"one bit at last":  func(p []byte) []byte { return flipped(p, len(p)-200) },
			"every bit":        func(p []byte) []byte { return flipped(p, seq(len(p))...) },
		} {
			var kept []byte
			b.replace(user, g, func(p []byte) []byte { kept = slices.Clone(p); return to(p) })
			other := b.open(100 << 20)
			failed := false
			for n := range 5000 { // somewhere among all lists it shows
				got, err := b.count(other, user, g, fmt.Sprintf("word%d", n))
				if failed = errors.Is(err, search.ErrCorrupt); err != nil {
					break
				}
				if n%500 == 0 && got != having(docs, fmt.Sprintf("word%d", n)) {
					t.Errorf("%s, %s: word%d is in %d documents", name, change, n, got)
				}
			}
			if !failed {
				t.Errorf("%s, %s: it can be read", name, change)
			}
			if _, err := other.Merge(t.Context(), user, []search.Segment{g}, func(search.Doc) bool { return false }); !errors.Is(err, search.ErrCorrupt) {
				t.Errorf("%s, %s: merged: %v", name, change, err)
			}
			b.replace(user, g, func([]byte) []byte { return kept })
			other.Drop(user, g.Name)
			b.want(other, user, g, docs, "word7")
		}
	}
}

func flipped(p []byte, at ...int) []byte {
	for _, i := range at {
		p[i] ^= 4
	}
	return p
}

func seq(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// The disk keeps what was used last, and what was found corrupt takes no room.
func TestTheDiskKeepsWhatWasUsedLast(t *testing.T) {
	b := newBench(t, 0)
	user := id.New(time.Now())
	var all []search.Segment
	var docs [][]search.Document
	for n := range 6 {
		docs = append(docs, documents(50+n, 100))
		all = append(all, b.add(user, docs[n]))
	}
	broken := b.add(user, documents(40, 100))
	b.replace(user, broken, func(p []byte) []byte { return flipped(p, len(p)/2) })
	s := b.open(all[5].Bytes * 3)
	for range 20 {
		if _, err := b.count(s, user, broken, "word1"); !errors.Is(err, search.ErrCorrupt) {
			t.Fatal(err)
		}
	}
	for n := range 6 {
		b.want(s, user, all[n], docs[n], "word1")
	}
	b.asked()
	for n := 5; n >= 3; n-- {
		b.want(s, user, all[n], docs[n], "word1")
	}
	if gets, _ := b.asked(); gets != 0 {
		t.Errorf("%d GETs for the three that there is room for", gets)
	}
	b.want(s, user, all[0], docs[0], "word1")
	if gets, _ := b.asked(); gets != 1 {
		t.Errorf("%d GETs for one that had to go", gets)
	}
}

// TestManyReadersLittleRoom has segments opened, read and dropped side by side, with
// room for one: what is in use is never taken away.
func TestManyReadersLittleRoom(t *testing.T) {
	b := newBench(t, 0)
	user := id.New(time.Now())
	var all []search.Segment
	var docs [][]search.Document
	for n := range 4 {
		docs = append(docs, documents(50+n, 100))
		all = append(all, b.add(user, docs[n]))
	}
	s := b.open(all[0].Bytes)
	var wg sync.WaitGroup
	for reader := range 8 {
		wg.Go(func() {
			for i := range 40 {
				n := (reader + i) % len(all)
				b.want(s, user, all[n], docs[n], fmt.Sprintf("word%d", i))
				if i%10 == reader {
					s.Drop(user, all[n].Name)
				}
			}
		})
	}
	wg.Wait()
}

// Segments that are merged have what they had, without what is gone.
func TestMerge(t *testing.T) {
	b := newBench(t, 10<<20)
	user, docs := id.New(time.Now()), documents(300, 50)
	var parts []search.Segment
	for part := range slices.Chunk(docs, 100) {
		parts = append(parts, b.add(user, part))
	}
	gone := func(d search.Doc) bool { return d.Message < docs[50].Message }
	g, err := b.Merge(t.Context(), user, parts, gone)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"word1", "word77", "word4999"} {
		b.want(b.Shelf, user, *g, docs[50:], word)
	}
	if none, err := b.Merge(t.Context(), user, parts, func(search.Doc) bool { return true }); none != nil || err != nil {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
}

// A sweep takes the old ones of that user that nobody needs.
func TestSweep(t *testing.T) {
	b := newBench(t, 10<<20)
	ada, bob := id.New(time.Now()), id.New(time.Now())
	kept, old := b.add(ada, documents(10, 10)), b.add(ada, documents(11, 10))
	others := b.add(bob, documents(12, 10))
	there := func(user string, g search.Segment) bool {
		_, err := b.count(b.open(10<<20), user, g, "word1")
		return err == nil
	}
	if err := b.Sweep(t.Context(), ada, []string{kept.Name}, nil, time.Now().Add(-time.Hour)); err != nil || !there(ada, old) {
		t.Errorf("a young one is gone, %v", err)
	}
	if err := b.Sweep(t.Context(), ada, []string{kept.Name}, nil, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if there(ada, old) || !there(ada, kept) || !there(bob, others) {
		t.Errorf("there are: the old one %t, the one to keep %t, another's %t", there(ada, old), there(ada, kept), there(bob, others))
	}
}
