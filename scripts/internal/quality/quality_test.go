package quality

import (
	"archive/tar"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// On test collections search ranks at least as well as Lucene. COLLECTIONS names a
// folder with their files.
func TestRankingIsNoWorseThanLucenes(t *testing.T) {
	folder := os.Getenv("COLLECTIONS")
	if folder == "" {
		t.Skip("COLLECTIONS names no folder with test collections")
	}
	all, err := All(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		r, err := Measure(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d documents, nDCG@10 %.4f over %d queries, %d of them cut; Lucene %.4f", c.Name, len(c.Docs), r.NDCG, r.Queries, r.Cut, c.Lucene)
		if r.NDCG < c.Lucene {
			t.Errorf("%s: nDCG@10 is %.4f, Lucene's %.4f", c.Name, r.NDCG, c.Lucene)
		}
	}
}

// The figures are those that trec_eval prints.
func TestNDCG(t *testing.T) {
	judged := map[string]int{"a": 3, "b": 2, "c": 1}
	for _, c := range []struct {
		gains []int
		want  float64
	}{
		{[]int{3, 2, 1}, 1},
		{[]int{0, 0, 0}, 0},
		{nil, 0},
		{[]int{1, 2, 3}, 0.7900},
		{[]int{0, 3}, 0.3975},
	} {
		if got := ndcg(c.gains, judged); math.Abs(got-c.want) > 0.00005 {
			t.Errorf("%v: %.4f, not %.4f", c.gains, got, c.want)
		}
	}
}

// Of what answers a query the best is found first; a query without judgements doesn't
// count, and one that is too long loses its end.
func TestMeasure(t *testing.T) {
	c := Collection{
		Docs:    []Text{{"1", "a cat sat on the mat"}, {"2", "the dog and the cat"}, {"3", "nothing of the kind"}},
		Queries: []Text{{"q", "cat on a mat"}, {"unjudged", "dog"}, {"long", "kind " + strings.Repeat("of ", 100) + "cat"}},
		Judged:  map[string]map[string]int{"q": {"1": 1}, "long": {"3": 2}},
	}
	got, err := Measure(t.Context(), c)
	if want := (Result{NDCG: 1, Queries: 2, Cut: 1}); err != nil || got != want {
		t.Errorf("%+v, %v, not %+v", got, err, want)
	}
}

func TestReaders(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"topics.cacm.txt": "<DOC>\n<DOCNO> 7 </DOCNO>\n\nWhat of it?\n</DOC>\n",
		"qrels.cacm.txt":  "7 Q0 CACM-0001 1\n",
		"cran.all.1400":   ".I 1\n.T\ntitle\n.W\nthe text\n.I 2\n.T\nno text\n",
		"cran.qry":        ".I 001\r\n.W\r\nfirst\r\n.I 004\r\n.W\r\nsecond\r\n",
		"cranqrel":        "1 1 2 \n2 1 -1\n2 2 4\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pack(t, filepath.Join(folder, "cacm.tar.gz"), "CACM-0001.html", "<html><pre>a &lt; b</pre></html>")
	got, err := All(folder)
	want := []Collection{
		{Name: "CACM", Lucene: 0.4620, Docs: []Text{{"CACM-0001", "  a < b  "}}, Queries: []Text{{"7", "\n\nWhat of it?\n"}}, Judged: map[string]map[string]int{"7": {"CACM-0001": 1}}},
		{Name: "Cranfield", Lucene: 0.3588, Docs: []Text{{"1", "the text"}}, Queries: []Text{{"1", "first"}, {"2", "second\n"}}, Judged: map[string]map[string]int{"1": {"1": 3}, "2": {"2": 1}}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

func pack(t *testing.T, path, name, body string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	packed := gzip.NewWriter(f)
	files := tar.NewWriter(packed)
	if err := files.WriteHeader(&tar.Header{Name: name, Size: int64(len(body)), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []interface{ Close() error }{files, packed, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
