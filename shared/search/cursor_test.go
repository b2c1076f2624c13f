package search

import (
	"strings"
	"testing"

	"parley/shared/id"
)

// A cursor comes back as it was, and whatever else decodes is nothing but another one.
func FuzzDecodeCursor(f *testing.F) {
	one := "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	f.Add(cursor{Place{Match{Doc{Message: one, Kind: Title}, 1.5, true}, Scale{10, []float64{1, 2}, true}}, one}.encode("fox"))
	f.Add(cursor{Place{Match{Doc{Message: id.Next(one), Kind: File}, 0, false}, Scale{1, []float64{0, 0}, false}}, one}.encode("fox"))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := decodeCursor(s, "fox", 2)
		if err != nil {
			if err != ErrCursor {
				t.Error(err)
			}
			return
		}
		s = strings.NewReplacer("\r", "", "\n", "").Replace(s) // base64 reads past them
		if again := c.encode("fox"); again != s || c.Score < 0 || c.Mean < 1 || len(c.Weights) != 2 || !id.Valid(c.Message) || !id.Valid(c.until) {
			t.Errorf("%q is read as %+v, and written as %q", s, c, again)
		}
		if _, err := decodeCursor(s, "dog", 2); err == nil {
			t.Errorf("%q is good for another search", s)
		}
	})
}
