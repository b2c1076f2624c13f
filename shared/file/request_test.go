package file

import (
	"errors"
	"strings"
	"testing"

	"parley/shared/problem"
)

// FuzzRequest checks that what passes can be sent in parts, each of which is known.
func FuzzRequest(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	f.Add("a.txt", int64(10), "text/plain", sum, 0, sum)
	f.Add("b", int64(MaxSize), "a/b", sum, 64, sum)
	f.Add("", int64(-1), "", "x", 1, "y")
	f.Fuzz(func(t *testing.T, name string, size int64, media, whole string, parts int, each string) {
		r := Request{Name: name, Size: size, ContentType: media, SHA256: whole}
		for range min(max(parts, 0), 100) {
			r.Parts = append(r.Parts, each)
		}
		err := r.check()
		if e := problem.From(err); e != nil {
			if e.Kind != problem.Invalid && !errors.Is(err, ErrTooLarge) && !errors.Is(err, errMediaType) || e.Kind == problem.Invalid && len(e.Fields) == 0 {
				t.Errorf("%v", err)
			}
			return
		}
		n := PartCount(size)
		if n < 1 || n > 64 || len(whole) != 64 || len(r.Parts) != 0 && len(r.Parts) != n {
			t.Errorf("%d bytes in %d parts passed", size, n)
		}
		file := File{Size: size, SHA256: whole, Parts: r.Parts}
		var sent int64
		for _, p := range file.whole() {
			sent += p.Size
		}
		if sent != size || file.lacking(nil) == nil {
			t.Errorf("%d parts of %d bytes have %d", n, size, sent)
		}
	})
}

func TestEveryBadPartIsNamed(t *testing.T) {
	f := File{Size: 3*PartSize + 1, Parts: []string{"a", "b", "c", "d"}}
	err := f.lacking([]Received{
		{Number: 1, Size: PartSize, SHA256: "a"},
		{Number: 2, Size: PartSize, SHA256: "a"},
		{Number: 4, Size: 2, SHA256: "d"},
		{Number: 5, Size: 1},
	})
	e := problem.From(err)
	var fields []string
	for _, bad := range e.Fields {
		fields = append(fields, bad.Field)
	}
	if e.Code != "parts_missing" || strings.Join(fields, " ") != "parts[3] parts[2] parts[4] parts[5]" {
		t.Errorf("%s: %q", e.Code, fields)
	}
	if err := f.lacking([]Received{{1, PartSize, "", "a"}, {2, PartSize, "", "b"}, {3, PartSize, "", "c"}, {4, 1, "", "d"}}); err != nil {
		t.Errorf("all are there: %v", err)
	}
}
