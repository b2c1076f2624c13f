package shelf_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/shelf"
)

// memory stands for S3, with one object. It can hold calls until so many wait.
type memory struct {
	mu      sync.Mutex
	body    []byte
	ranges  [][2]int
	hold    int // calls
	waiting []chan struct{}
}

// RoundTrip implements http.RoundTripper.
func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	if r.Method == http.MethodPut {
		defer m.mu.Unlock()
		var err error
		m.body, err = io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return answer(200, strings.NewReader(""), 0)
	}
	var from, to int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil {
		m.mu.Unlock()
		return nil, err
	}
	m.ranges = append(m.ranges, [2]int{from, to + 1})
	goOn := make(chan struct{})
	if m.waiting = append(m.waiting, goOn); len(m.waiting) >= m.hold {
		for _, c := range m.waiting {
			close(c)
		}
		m.waiting = nil
	}
	body := m.body[from : to+1]
	m.mu.Unlock()
	select {
	case <-goOn:
		return answer(206, bytes.NewReader(body), int64(len(body)))
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// asked returns what was asked for since the last call, and holds so many from now on.
func (m *memory) asked(hold int) [][2]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.ranges
	m.ranges, m.hold = nil, hold
	return list
}

// scattered are documents whose segment is large, with words that lie far apart in it.
func scattered() (docs []search.Document) {
	r := rand.New(rand.NewPCG(3, 1))
	at := time.UnixMilli(1_800_000_000_000)
	for n := range 3000 {
		var b strings.Builder
		for range 900 {
			fmt.Fprintf(&b, "%c%d ", 'a'+rune(r.IntN(26)), int(r.ExpFloat64()*300))
		}
		if n%50 == 0 {
			b.WriteString("a1 a2 ")
		}
		m := id.Floor(at.Add(time.Duration(n) * time.Second))
		docs = append(docs, search.Document{Doc: search.Doc{Chat: m, Message: m}, Text: b.String()})
	}
	return docs
}

// What a query needs of a large segment comes over at the same time, what lies together
// in one call, and nothing comes twice, however many ask for it.
func TestWhatAQueryNeedsComesAtOnce(t *testing.T) {
	m := &memory{hold: 1}
	client := s3.New(s3.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: m}})
	s, err := shelf.New(client, "index", t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Add(t.Context(), user, scattered())
	if err != nil {
		t.Fatal(err)
	}
	m.asked(1)
	x, release, err := s.Open(t.Context(), user, g)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got := m.asked(4); len(got) != 1 || got[0][1] != int(g.Bytes) || got[0][0] > int(g.Lists) || got[0][0] < int(g.Lists)-64<<10 {
		t.Fatalf("%v of %d bytes, %d of lists", got, g.Bytes, g.Lists)
	}
	q, err := search.Parse(`"a1 a2" k1 q12* z1 -z2`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 { // of which one has it come, and would wait for good for a call that comes later
		wg.Go(func() {
			if err := search.Ready(t.Context(), x, q, search.Filter{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := m.asked(1)
	slices.SortFunc(got, func(a, b [2]int) int { return a[0] - b[0] })
	size := 0
	for i, part := range got {
		size += part[1] - part[0]
		if i > 0 && part[0] < got[i-1][1] {
			t.Errorf("%v comes twice", part)
		}
	}
	if len(got) != 4 || size > int(g.Bytes)/3 {
		t.Errorf("%d calls for %d of %d bytes", len(got), size, g.Bytes)
	}
	found, err := search.Rank(t.Context(), []search.Index{x}, q, search.Filter{}, nil, 10)
	if err != nil || found.Total == 0 {
		t.Errorf("%d found, %v", found.Total, err)
	}
	if got := m.asked(1); len(got) > 0 {
		t.Errorf("then %v is missing", got)
	}
}
