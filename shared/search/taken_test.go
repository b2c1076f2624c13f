package search_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/search"
)

// What is known of texts changes no answer, whosever texts these were.
func TestTakenTextsAreFoundAsFreshOnes(t *testing.T) {
	mine := documents("How do I bake sourdough bread?", "Mix flour and water.", "Bread again: bread!", "東京都の天気")
	others := documents("Their secret is flower bread", "brexd is a typo of theirs")
	edited := slices.Clone(mine)
	edited[1].Text = strings.Replace(edited[1].Text, "water", "bread", 1)
	var taken search.Taken
	for _, text := range []string{"bread", "flour water", "bre*", "breda", "secret", "天気", `"bake sourdough"`, "bread -again"} {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for name, docs := range map[string][]search.Document{"mine": mine, "others": others, "edited": edited} {
			rank := func(r *search.Rest) search.Ranked {
				found, err := search.Rank(t.Context(), []search.Index{r}, q, search.Filter{}, nil, 10)
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			if d := cmp.Diff(rank(search.NewRest(slices.Clone(docs), q)), rank(taken.Rest(slices.Clone(docs), q))); d != "" {
				t.Errorf("%s in %s: %s", text, name, d)
			}
		}
	}
}
