package words

import (
	"strings"
	"unicode/utf8"
)

// endings are those of Ramanathan and Rao, "A Lightweight Stemmer for Hindi" (2003),
// the longest first. Written here since the only library of Go that has them is the
// whole of bleve.
var endings = strings.Fields(`
	ाएंगी ाएंगे ाऊंगी ाऊंगा
	ाएगी ाएगा ाओगी ाओगे एंगी ेंगी एंगे ेंगे ूंगी ूंगा ातीं नाओं नाएं ताओं ताएं ियां ियों
	ाकर ाइए ाईं ाया ेगी ेगा ोगी ोगे ाने ाना ाते ाती ाता तीं ाओं ाएं ुओं ुएं ुआं
	कर ाओ िए ाई ाए ने नी ना ते ीं ती ता ां ों ें
	ो े ू ु ी ि ा`)

// stemHindi takes off the longest ending that leaves two letters and doesn't begin
// within a cluster of consonants, as ते does in कुत्ते.
func stemHindi(word string) string {
	for _, e := range endings {
		if start, ok := strings.CutSuffix(word, e); ok && utf8.RuneCountInString(start) > 1 && !strings.HasSuffix(start, "्") {
			return start
		}
	}
	return word
}
