package segment

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"parley/shared/search"
)

// A word of an index is a stem: words that were written in several ways are one. How
// each was written is kept as the rule by which it is made of the stem, of which there
// are few, the same for many words: runn|ing, plann|ing of run and plan. The entry
// "forms" has the rules, each as a line of four texts with tabs between them, by their
// numbers.
//
// What begins in some way is found by the rules: either its stem begins so, too, or it
// is the stem with what a rule has put at its end, or it is one of the words whose
// beginnings differ, Indonesian ones mostly, which the dictionary has as well as the
// stems, behind the byte 0xff, which no stem has.

// rule says how a word is made of its stem: at either end something is taken off, and
// something put on.
type rule struct{ off, on, tail, end string } // off and on at the beginning, tail and end at the end

// ruleOf returns how a word is made of its stem.
func ruleOf(stem, written string) rule {
	if end, ok := strings.CutPrefix(written, stem); ok {
		return rule{end: end} // as mostly
	}
	n := 0
	for _, r := range stem {
		if c := string(r); !strings.HasPrefix(written[n:], c) {
			break
		} else {
			n += len(c)
		}
	}
	at, to, size := 0, 0, n
	if 2*n < len(stem) {
		at, to, size = inCommon(stem, written)
	}
	return rule{stem[:at], written[:to], stem[at+size:], written[to+size:]}
}

// inCommon returns where the longest piece begins that two words have in common, and
// its size.
func inCommon(a, b string) (inA, inB, size int) {
	for i := range a {
		for j := range b {
			n := 0
			for _, r := range a[i:] {
				if c := string(r); !strings.HasPrefix(b[j+n:], c) {
					break
				} else {
					n += len(c)
				}
			}
			if n > size {
				inA, inB, size = i, j, n
			}
		}
	}
	return inA, inB, size
}

// of returns what is made of a stem; false if the rule isn't one for it.
func (r rule) of(stem string) (string, bool) {
	rest, ok := strings.CutPrefix(stem, r.off)
	middle, too := strings.CutSuffix(rest, r.tail)
	return r.on + middle + r.end, ok && too
}

// moved reports whether a word doesn't begin as its stem does.
func (r rule) moved() bool { return r.off != "" || r.on != "" }

// rules are those of a segment that is written, by number.
type rules struct {
	list  []rule
	known map[rule]int
	used  []bool
}

// number returns the number of a rule, the next one if it has none.
func (r *rules) number(of rule) int {
	n, known := r.known[of]
	if !known {
		if r.known == nil {
			r.known = map[rule]int{}
		}
		n = len(r.list)
		r.known[of] = n
		r.list, r.used = append(r.list, of), append(r.used, false)
	}
	return n
}

// commonest numbers the rules of all words, those of most words first.
func (r *rules) commonest(lists map[string]*gathering) {
	var met rules
	var times []int
	for word, l := range lists {
		for i := range l.forms {
			n := met.number(ruleOf(word, l.forms[i].written))
			if l.forms[i].rule = n; n == len(times) {
				times = append(times, 0)
			}
			times[n]++
		}
	}
	order, numbers := make([]int, len(times)), make([]int, len(times))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(times[b]-times[a], strings.Compare(met.list[a].line(), met.list[b].line()))
	})
	for _, n := range order {
		numbers[n] = r.number(met.list[n])
		r.used[numbers[n]] = true
	}
	for _, l := range lists {
		for i := range l.forms {
			l.forms[i].rule = numbers[l.forms[i].rule]
		}
	}
}

func (r rule) line() string { return r.off + "\t" + r.on + "\t" + r.tail + "\t" + r.end + "\n" }

// encode writes the rules down. Those that nobody uses are none: words of chats that
// are gone leave no trace.
func (r *rules) encode() []byte {
	var b strings.Builder
	for n, one := range r.list {
		if !r.used[n] {
			one = rule{}
		}
		b.WriteString(one.line())
	}
	return []byte(b.String())
}

var errForms = errors.New("impossible forms of words")

// decodeRules reads what encode has written.
func decodeRules(text []byte) (list []rule, err error) {
	for line := range strings.Lines(string(text)) {
		all := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(all) != 4 {
			return nil, errForms
		}
		list = append(list, rule{all[0], all[1], all[2], all[3]})
	}
	return list, nil
}

// written returns how a form of a word was written.
func (s *Segment) written(stem string, f form) (string, error) {
	if f.rule < len(s.rules) {
		if w, ok := s.rules[f.rule].of(stem); ok {
			return w, nil
		}
	}
	return "", search.ErrCorrupt.Because(errForms)
}

// ending is what a rule puts at the end of stems, for what it takes off.
type ending struct{ end, tail string }

// endingsOf returns those of rules that leave the beginning as it is, in their order.
func endingsOf(rules []rule) (all []ending) {
	for _, r := range rules {
		if !r.moved() && r.end != "" {
			all = append(all, ending{r.end, r.tail})
		}
	}
	slices.SortFunc(all, func(a, b ending) int { return cmp.Or(strings.Compare(a.end, b.end), strings.Compare(a.tail, b.tail)) })
	return slices.Compact(all)
}

// stems returns those of which an ending may make what begins with a prefix, and that
// don't begin so themselves, in order.
func (s *Segment) stems(prefix string) (all []string) {
	for n := 1; n <= len(prefix); n++ {
		start, rest := prefix[:len(prefix)-n], prefix[len(prefix)-n:]
		at, _ := slices.BinarySearchFunc(s.endings, rest, func(e ending, rest string) int { return strings.Compare(e.end, rest) })
		for ; at < len(s.endings) && strings.HasPrefix(s.endings[at].end, rest); at++ {
			if stem := start + s.endings[at].tail; !strings.HasPrefix(stem, prefix) {
				all = append(all, stem)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
