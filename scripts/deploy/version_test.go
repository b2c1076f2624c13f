package main

import (
	"maps"
	"regexp"
	"testing"

	"parley/scripts/deploy/environment"
)

func TestAnotherReleaseForAnythingElse(t *testing.T) {
	template, parameters := []byte("Resources: {}"), map[string]string{"A": "1", "B": "2"}
	first := releaseOf(template, parameters)
	if !regexp.MustCompile(`^[0-9a-f]{10,64}$`).MatchString(first) { // as template.yaml wants it
		t.Errorf("the release is called %q", first)
	}
	with := maps.Clone(parameters)
	with[environment.Release] = first
	if again := releaseOf(template, with); again != first {
		t.Errorf("the same was called %s, then %s", first, again)
	}
	seen := map[string]string{first: "the first"}
	for name, other := range map[string]string{
		"another template":   releaseOf([]byte("Resources: {X: 1}"), parameters),
		"another value":      releaseOf(template, map[string]string{"A": "1", "B": "3"}),
		"another name":       releaseOf(template, map[string]string{"A": "1", "C": "2"}),
		"values exchanged":   releaseOf(template, map[string]string{"A": "2", "B": "1"}),
		"one parameter":      releaseOf(template, map[string]string{"A": `1" "B"="2`}),
		"no parameters":      releaseOf(template, nil),
		"more of a template": releaseOf([]byte(`Resources: {}"A"="1" `), map[string]string{"B": "2"}),
	} {
		if seen[other] != "" {
			t.Errorf("%s and %s are called the same", name, seen[other])
		}
		seen[other] = name
	}
}
