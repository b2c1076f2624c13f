package id

import (
	"testing"
	"time"
)

func TestNeighboursSortDirectlyAroundAndComeBack(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123)
	for range 1000 {
		s := New(at)
		if n := Next(s); n <= s || Prev(n) != s || !Valid(n) || !Time(n).Equal(at) {
			t.Fatalf("Next(%s) = %s", s, n)
		}
	}
	if n := Next("01ARZ3NDEKTSV4RRFFQ69G5FZZ"); n != "01ARZ3NDEKTSV4RRFFQ69G5G00" {
		t.Errorf("carry: %s", n)
	}
}

func TestValidTakesOneSpellingOnly(t *testing.T) {
	for s, want := range map[string]bool{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":  true,
		"01arz3ndektsv4rrffq69g5fav":  false,
		"81ARZ3NDEKTSV4RRFFQ69G5FAV":  false, // past 128 bits
		"01ARZ3NDEKTSV4RRFFQ69G5FA":   false,
		"01ARZ3NDEKTSV4RRFFQ69G5FAVX": false,
		"01ARZ3NDEKTSV4RRFFQ69G5FAU#": false,
		"":                            false,
	} {
		if Valid(s) != want {
			t.Errorf("Valid(%q) = %v", s, !want)
		}
	}
}
