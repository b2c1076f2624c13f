package bill

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// envelope is what a subscription delivers of a log group.
func envelope(t testing.TB, group string, at time.Time, messages ...string) []byte {
	t.Helper()
	type event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var events []event
	for i, m := range messages {
		events = append(events, event{fmt.Sprint(i), at.UnixMilli(), m})
	}
	b, err := json.Marshal(struct {
		Type    string   `json:"messageType"`
		Owner   string   `json:"owner"`
		Group   string   `json:"logGroup"`
		Stream  string   `json:"logStream"`
		Filters []string `json:"subscriptionFilters"`
		Events  []event  `json:"logEvents"`
	}{"DATA_MESSAGE", "123456789012", group, "s", []string{"f"}, events})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipped(t testing.TB, members ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range members {
		zip := gzip.NewWriter(&out)
		if _, err := zip.Write(m); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func sumUp(t testing.TB, files map[string][]byte) *Partial {
	t.Helper()
	l := NewLines(NewSeen(1 << 10))
	for _, name := range sorted(files) {
		if err := l.File(name, bytes.NewReader(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	return l.Partial()
}

func TestEveryFormOfLines(t *testing.T) {
	warm, cold := textLine("12.30", "13", ""), jsonLine("12.30", "113", "100.20")
	stamped := func(lines ...string) []byte {
		return []byte("2026-11-22T12:00:00.000Z " + strings.Join(lines, "\n2026-11-22T12:00:00.000Z "))
	}
	want := map[WorkKey]Work{{"2026-11-22", "", "send", 256}: {2, 126, 126 * 256, 1}}
	regional := map[WorkKey]Work{{"2026-11-22", "eu-west-2", "send", 256}: {2, 126, 126 * 256, 1}}
	for name, c := range map[string]struct {
		file  string
		bytes []byte
		want  map[WorkKey]Work
	}{
		"a subscription":    {"lines/2026/11/22/12/a.gz", gzipped(t, envelope(t, "/aws/lambda/send", noon, "START RequestId: 1", warm+"\n", cold)), want},
		"by region":         {"lines/2026/11/22/12/eu-west-2/a.gz", gzipped(t, envelope(t, "/aws/lambda/send", noon, warm, cold)), regional},
		"several members":   {"a", gzipped(t, envelope(t, "/aws/lambda/send", noon, warm), envelope(t, "/aws/lambda/send", noon, cold)), want},
		"not packed":        {"a", append(envelope(t, "/aws/lambda/send", noon, warm), envelope(t, "/aws/lambda/send", noon, cold)...), want},
		"an export":         {"x/function=send/a.gz", gzipped(t, stamped("START RequestId: 1", warm, "XRAY TraceId: 1", cold)), want},
		"lines, their day":  {"function=send/a", []byte(cold + "\r\n" + "2026-11-22T12:00:00.000Z " + warm), want},
		"lines, the folder": {"lines/2026/11/22/12/function=send/a", []byte(cold + "\n" + warm), want},
	} {
		p := sumUp(t, map[string][]byte{c.file: c.bytes})
		if d := cmp.Diff(c.want, p.Work); d != "" || p.Read.Faults > 0 || p.Read.Reports != 2 {
			t.Errorf("%s: %s, %+v", name, d, p.Read)
		}
	}
}

func TestWhatCannotBeReadIsCounted(t *testing.T) {
	good, bad := textLine("1.00", "1", ""), textLine("1.00", "one", "")
	for name, c := range map[string]struct {
		file                   []byte
		reports, faults, first int64
	}{
		"one of three":  {[]byte("2026-11-22T12:00:00.000Z " + good + "\n" + bad + "\nsomething"), 1, 1, 2},
		"no day":        {[]byte(good), 0, 1, 1},
		"cut off":       {gzipped(t, envelope(t, "/aws/lambda/f", noon, good, bad, good))[:150], 0, 1, 0},
		"half an event": {envelope(t, "/aws/lambda/f", noon, good)[:300], 0, 1, 2},
		"another order": {[]byte(`{"logEvents":[],"messageType":"DATA_MESSAGE","logGroup":"g"}`), 0, 1, 1},
		"control":       {[]byte(`{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}`), 0, 0, 0},
		"no events":     {[]byte(`{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":7}`), 0, 1, 1},
		"too long":      {[]byte("REPORT RequestId: " + strings.Repeat("x", 1<<20) + "\n2026-11-22T12:00:00.000Z " + good), 1, 1, 1},
		"bad magic":     {[]byte("\x1f\x8b\x00\x00\x00\x00"), 0, 1, 1},
	} {
		p := sumUp(t, map[string][]byte{"a": c.file})
		if p.Read.Reports != c.reports || p.Read.Faults != c.faults || c.first > 0 && p.Read.Listed[0].Row != c.first {
			t.Errorf("%s: %+v", name, p.Read)
		}
	}
	many := sumUp(t, map[string][]byte{"a": []byte(strings.Repeat(bad+"\n", 3*maxListed))})
	if many.Read.Faults != 3*maxListed || len(many.Read.Listed) != maxListed || many.Read.Listed[maxListed-1].Row != maxListed {
		t.Errorf("%d faults, %d listed", many.Read.Faults, len(many.Read.Listed))
	}
}

// An error of where the bytes come from is no damaged file.
func TestAWayThatBreaksIsAnError(t *testing.T) {
	away := errors.New("the bucket is away")
	whole := gzipped(t, envelope(t, "/aws/lambda/f", noon, textLine("1.00", "1", "")))
	for _, file := range [][]byte{whole, []byte("some line\n")} {
		err := NewLines(NewSeen(10)).File("a", io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(away)))
		if !errors.Is(err, away) {
			t.Errorf("%v", err)
		}
	}
}

// A line that comes again counts once; a retry of the same request, at another time,
// is another line.
func TestALineCountsOnce(t *testing.T) {
	line := textLine("1.00", "1", "")
	file := gzipped(t, envelope(t, "/aws/lambda/f", noon, line, line), envelope(t, "/aws/lambda/f", noon.Add(time.Minute), line), envelope(t, "/aws/lambda/g", noon, line))
	p := sumUp(t, map[string][]byte{"a": file, "b": file})
	if p.Read.Reports != 3 || p.Read.Duplicates != 5 {
		t.Errorf("%+v", p.Read)
	}
}

func TestSeenRemembersAtLeast(t *testing.T) {
	s := NewSeen(1000)
	for i := range 5000 {
		if s.line(1, 1, fmt.Append(nil, i)) {
			t.Fatalf("line %d is new", i)
		}
		if i >= 999 && !s.line(1, 1, fmt.Append(nil, i-999)) {
			t.Fatalf("line %d was there a thousand lines before", i-1000)
		}
	}
	if len(s.young.slots) > 4096 || len(s.old.slots) > 4096 {
		t.Errorf("%d and %d slots", len(s.young.slots), len(s.old.slots))
	}
}

// randomFiles are lines of several functions, sizes and days, in several files.
func randomFiles(t testing.TB, r *rand.Rand) map[string][]byte {
	files := map[string][]byte{}
	for i := range 1 + r.IntN(5) {
		var members [][]byte
		for range 1 + r.IntN(4) {
			var messages []string
			for range r.IntN(6) {
				line := strings.Replace(textLine("1.50", fmt.Sprint(1+r.IntN(1000)), ""), "00000001", fmt.Sprintf("%08d", r.IntN(50)), 1)
				messages = append(messages, strings.Replace(line, "256", fmt.Sprint(128<<r.IntN(3)), 1))
			}
			if r.IntN(4) == 0 {
				messages = append(messages, "REPORT RequestId: 1")
			}
			members = append(members, envelope(t, fmt.Sprintf("/aws/lambda/f%d", r.IntN(3)), noon.Add(time.Duration(r.IntN(72))*time.Hour), messages...))
		}
		files[fmt.Sprintf("lines/2026/11/22/%02d/%d.gz", r.IntN(24), i)] = gzipped(t, members...)
	}
	return files
}

// Whatever the order and the grouping, partials come to the same.
func TestMergeIsAnySum(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var parts []*Partial
		for range 3 + r.IntN(3) {
			p := sumUp(t, randomFiles(t, r))
			for range r.IntN(4) {
				f := Found{At: noon, AnswerKey: AnswerKey{"2026-11-22", "free", "m"}, User: fmt.Sprint(r.IntN(3)), Answers: Answers{Failed: 1, EngineMS: r.Int64N(9)}}
				p.find(fmt.Sprint(r.IntN(5)), f)
				k := UserKey{"2026-11", fmt.Sprint(r.IntN(3)), "free", "m"}
				p.Users[k] = p.Users[k].plus(Use{1, r.Int64N(100), 7})
				p.Answers[f.AnswerKey] = p.Answers[f.AnswerKey].plus(Answers{Done: 1, EngineMS: r.Int64N(100)})
			}
			parts = append(parts, p)
		}
		left := NewPartial()
		for _, p := range parts {
			merge(t, left, p)
		}
		right, pair := NewPartial(), NewPartial()
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		merge(t, pair, parts[0])
		merge(t, pair, parts[1])
		for _, p := range parts[2:] {
			merge(t, right, p)
		}
		merge(t, right, pair)
		if a, b := encode(t, left), encode(t, right); !bytes.Equal(a, b) {
			t.Fatalf("seed %d:\n%s\n%s", seed, a, b)
		}
		back, covers, of, err := DecodePartial(encode(t, left))
		if err != nil || covers != "lines/x" || of != "d" || !bytes.Equal(encode(t, back), encode(t, left)) {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func merge(t *testing.T, p, q *Partial) {
	t.Helper()
	if err := p.Merge(q); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, p *Partial) []byte {
	t.Helper()
	b, err := p.Encode("lines/x", "d")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The order of lines, and in which file they are, changes nothing.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		var lines []string
		for range 40 {
			at := noon.Add(time.Duration(r.IntN(72)) * time.Hour)
			lines = append(lines, at.Format("2006-01-02T15:04:05.000Z ")+strings.Replace(textLine("1.50", fmt.Sprint(1+r.IntN(1000)), ""), "00000001", fmt.Sprintf("%08d", r.IntN(30)), 1))
		}
		one := sumUp(t, map[string][]byte{"function=f/a": []byte(strings.Join(lines, "\n"))})
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		cut := r.IntN(len(lines))
		two := sumUp(t, map[string][]byte{"function=f/a": []byte(strings.Join(lines[:cut], "\n")), "function=f/b": []byte(strings.Join(lines[cut:], "\n"))})
		if !maps.Equal(one.Work, two.Work) || one.Read.Duplicates != two.Read.Duplicates {
			t.Fatalf("seed %d: %v, %v", seed, one, two)
		}
	}
}

func TestSumsHaveABound(t *testing.T) {
	p, q := NewPartial(), NewPartial()
	p.Work[WorkKey{"2026-11-22", "", "f", 1}] = Work{Requests: most}
	q.Work[WorkKey{"2026-11-22", "", "f", 1}] = Work{Requests: 1}
	if err := p.Merge(q); err == nil {
		t.Error("a sum went past its bound")
	}
}

// No bytes make the reader fall over, and every line is a report, a duplicate, a
// fault or something else.
func FuzzLines(f *testing.F) {
	f.Add(gzipped(f, envelope(f, "/aws/lambda/f", noon, textLine("1.00", "1", ""), jsonLine("1", "1", ""))))
	f.Add(envelope(f, "/aws/lambda/f", noon, textLine("1.00", "1", "")))
	f.Add([]byte("2026-11-22T12:00:00.000Z " + textLine("1.00", "1", "") + "\n" + jsonLine("1", "1", "2")))
	f.Add([]byte(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"REPORT RequestId: \ud800"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := NewLines(NewSeen(100))
		if err := l.File("lines/2026/11/22/12/a", bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, w := range l.p.Work {
			sum += w.Requests
		}
		if r := l.p.Read; sum != r.Reports || r.Reports+r.Duplicates > r.Lines || l.p.check() != nil {
			t.Errorf("%d requests, %+v", sum, r)
		}
	})
}

func FuzzPartial(f *testing.F) {
	p := NewPartial()
	p.Work[WorkKey{"2026-11-22", "", "f", 1}] = Work{Requests: 1}
	b, err := p.Encode("lines/x", "d")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":1,"covers":"","of":"","found":[{"reply":"r","day":"2026-11-22","plan":"","user":"","used":{}}],"read":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, covers, of, err := DecodePartial(b)
		if err != nil {
			return
		}
		p.settled()
		again, err := p.Encode(covers, of)
		if err != nil {
			t.Fatal(err)
		}
		if back, _, _, err := DecodePartial(again); err != nil || !cmp.Equal(back.Work, p.Work) {
			t.Errorf("%s: %v", again, err)
		}
	})
}
