package bill

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLines reads files of 100,000 lines in each form; make bench ONLY=bill
// reads ten million.
func BenchmarkLines(b *testing.B) {
	const lines = 100_000
	for form, line := range map[string]func(i int) string{
		"text": func(i int) string {
			return strings.Replace(textLine("12.30", "113", ""), "00000001", fmt.Sprintf("%08d", i), 1)
		},
		"JSON": func(i int) string {
			return strings.Replace(jsonLine("12.30", "113", ""), "00000001", fmt.Sprintf("%08d", i), 1)
		},
	} {
		var members [][]byte
		for i := 0; i < lines; i += 500 {
			var messages []string
			for n := range 500 {
				messages = append(messages, line(i+n))
			}
			members = append(members, envelope(b, "/aws/lambda/f", noon, messages...))
		}
		file := gzipped(b, members...)
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := NewLines(NewSeen(Remembered))
				if err := l.File("a", bytes.NewReader(file)); err != nil || l.p.Read.Reports != lines {
					b.Fatal(err, l.p.Read)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
}
