package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/scripts/internal/corpus"
)

// The plot is XML with a line for each series, and a slower query is drawn higher up.
func TestGrowthIsDrawn(t *testing.T) {
	took := func(d time.Duration) times { return times{corpus.One: {d}} }
	svg := growth([]grown{{messages: 1000, text: 1e6, index: 4e5, warm: took(time.Millisecond)}, {messages: 100_000, text: 1e8, index: 4e7, warm: took(10 * time.Millisecond)}})
	in := xml.NewDecoder(strings.NewReader(svg))
	lines := 0
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if p := (plot{from: -1, to: 3}); lines != 5 || p.y(100) >= p.y(1) || p.x(1000) >= p.x(10_000) {
		t.Errorf("%d lines", lines)
	}
}
