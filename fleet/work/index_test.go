package work

import (
	"math"
	"testing"
	"time"

	"parley/shared/id"
)

// As many answers ask for an indexing as there would be by counting their bytes.
func TestOneAnswerInSoManyAsksForAnIndexing(t *testing.T) {
	began := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	const answers = 200_000
	for _, length := range []int{0, 2 << 10, 64 << 10, indexEvery, 10 * indexEvery} {
		asked := 0
		for i := range answers {
			if chosen(id.Floor(began.Add(time.Duration(i)*time.Millisecond)), length) {
				asked++
			}
		}
		want := min(1, float64(length)/indexEvery) * answers
		if off := math.Abs(float64(asked) - want); off > 5*math.Sqrt(want)+1 {
			t.Errorf("%d of %d answers of %d bytes ask, not %.0f", asked, answers, length, want)
		}
	}
}
