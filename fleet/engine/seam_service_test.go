//go:build service

package engine_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/engine"
	"parley/fleet/prompt"
)

// seamed is an answer to cut. The small model doesn't write everything by itself;
// where it has to, it goes on from a beginning that shows it how.
type seamed struct {
	ask, begun string
	most       int // tokens
	has        []string
}

var seams = map[string]seamed{
	"list": {ask: "List fruit as a nested markdown list.",
		begun: "1. **Apples**\n   - red\n   - sweet\n2. **Bananas**\n   - yellow\n   - soft\n3. **", most: 28, has: []string{"**\n   - "}},
	"code": {ask: "Write Python functions with a loop and an if.",
		begun: "```python\ndef evens(numbers):\n    found = []\n    for n in numbers:\n        if n % 2 == 0:\n            found.append(n)\n" +
			"    return found\n\n\ndef odds(numbers):\n    found = []\n    for", most: 32, has: []string{":\n        if", "\n            "}},
	"emoji": {ask: "Repeat this line for ever.",
		begun: strings.Repeat("👩‍🚀 🎉🍎 über 日本 ✅\n", 3) + "👩‍🚀", most: 48, has: []string{"🎉🍎", "über", "日本", "✅\n👩"}},
	"blank lines": {ask: "Write short paragraphs.",
		begun: "One.\n\n\tTwo.  \n\nThree.\n\n\tFour.  \n\nFive.\n\n", most: 24, has: []string{"\n\n\t"}},
}

// frameOf is what a reader may have got: all text up to the end of a chunk.
type frameOf struct {
	text   string
	tokens int
}

// follow reads an answer from there on and returns what every chunk's end adds up to.
func follow(ctx context.Context, c *engine.Client, s seamed, from frameOf) ([]frameOf, error) {
	stream, err := c.Chat(ctx, engine.Request{
		Turns: []prompt.Turn{{Role: "user", Text: s.ask}}, Continue: s.begun + from.text, MaxTokens: s.most - from.tokens})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	frames, now := []frameOf{from}, from
	for now.tokens < s.most {
		chunk, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return append(frames, now), nil
		}
		if err != nil {
			return nil, err
		}
		now.text += chunk.Text
		if chunk.Usage != nil {
			now.tokens = from.tokens + chunk.Usage.CompletionTokens
		}
		if chunk.Text != "" {
			frames = append(frames, now)
		}
	}
	return append(frames, now), nil
}

// However far an answer has come when its worker dies, what the next one adds makes
// the same text of it, byte for byte, and the same number of tokens: on the real
// model, cut at the end of every token that is one of a list, of code, of emoji
// that are several tokens each, and in white space.
func TestASeamOfTheRealModel(t *testing.T) {
	url := os.Getenv("ENGINE_URL")
	if url == "" {
		t.Fatal("ENGINE_URL is not set: `make test` starts what it names")
	}
	zero := 0.0
	c := engine.New(engine.Settings{URL: url, Model: "small", Temperature: &zero, FirstToken: 30 * time.Second, Idle: 10 * time.Second})
	for name, s := range seams {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			whole, err := follow(t.Context(), c, s, frameOf{})
			if err != nil {
				t.Fatal(err)
			}
			want := whole[len(whole)-1]
			t.Logf("%d cuts of %q", len(whole)-1, want.text)
			for _, part := range s.has {
				if !strings.Contains(want.text, part) {
					t.Errorf("the model wrote nothing with %q: %q", part, want.text)
				}
			}
			var pair sync.WaitGroup // as many at once as cores
			turns := make(chan struct{}, 2)
			for _, cut := range whole[1 : len(whole)-1] {
				turns <- struct{}{}
				pair.Go(func() {
					defer func() { <-turns }()
					again, err := follow(t.Context(), c, s, cut)
					for range 3 { // as a worker does
						if errors.Is(err, engine.ErrDown) {
							again, err = follow(t.Context(), c, s, cut)
						}
					}
					if err != nil {
						t.Errorf("cut after %q: %v", cut.text, err)
						return
					}
					if got := again[len(again)-1]; got != want {
						t.Errorf("cut after %d tokens, %q:\n got %d tokens %q\nwant %d tokens %q", cut.tokens, cut.text,
							got.tokens, got.text[len(cut.text):], want.tokens, want.text[len(cut.text):])
					}
				})
			}
			pair.Wait()
			t.Logf("took %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
