package words

import "unicode/utf8"

// Term is a word of what somebody looks for.
type Term struct {
	Token
	At     int      // its place among the text's tokens: in a phrase, words stand as far apart as here
	Forms  []string // any of them in a text is the word, the likeliest first
	Prefix bool     // so is what begins with its one form: a character of a script without spaces
}

// Query returns the words of what somebody types, in their order. Those that are Joined
// stand in a text right behind the one before. Stop holds for the query's language, as
// far as its function words tell it: "war" stays in an English query, though it is one
// in German.
func Query(text string) []Term {
	var all []Term
	at := -1
	for t := range Tokens(text) {
		if at++; t.Joined && t.End == all[len(all)-1].End {
			continue // the end of a run, by itself, is for who looks for just that
		}
		term := Term{Token: t, At: at, Forms: []string{t.Word}}
		if r, _ := utf8.DecodeRuneInString(t.Word); !unspaced(r) {
			term.Forms = Forms(text[t.Start:t.End])
		} else if n, _ := character(text[t.Start:t.End]); n == t.End-t.Start {
			term.Prefix = true
		}
		all = append(all, term)
	}
	return all
}
