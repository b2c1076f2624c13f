package main

import "testing"

func TestCompare(t *testing.T) {
	r := compare(words("The cat, the dog."), words("the Cat sat"))
	if r.words != 4 || r.recall != 0.5 || r.precision != 2.0/3 {
		t.Errorf("%+v", r)
	}
}
