package search

import "context"

// Ready has an index bring over what the ranking of a query will read of it, if it lies
// elsewhere.
func Ready(ctx context.Context, x Index, q Query, f Filter) error {
	remote, ok := x.(Remote)
	if !ok {
		return nil
	}
	needs := []Need{{Word: markTitle}}
	for _, mark := range f.marks() {
		needs = append(needs, Need{Word: mark})
	}
	for _, c := range ranked(q.All) {
		needs = append(needs, c.needs()...)
	}
	for _, c := range q.None {
		needs = append(needs, c.needs()...)
	}
	return remote.Fetch(ctx, needs)
}

// needs are what will be looked up for a clause.
func (c Clause) needs() (all []Need) {
	for _, w := range c.Words {
		if w.Prefix != "" {
			all = append(all, Need{Prefix: w.Prefix, Places: len(c.Words) > 1})
			continue
		}
		for _, form := range w.Forms {
			all = append(all, Need{Word: form, Places: len(c.Words) > 1})
		}
	}
	return all
}
