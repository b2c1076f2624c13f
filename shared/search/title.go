package search

import (
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/words"
)

// twice reports whether a match is the message that a chat begins with, and the chat's
// title is a match as well. That is the same hit then, and comes in the title's place:
// titles are mostly made of first messages, and would bring half of all hits twice.
func (l *look) twice(m Match, c chat.Chat, message chat.Message) bool {
	f, named := l.request.Filter, id.Time(namedAt(c))
	return m.Kind == Said && message.Role == chat.User && id.Time(m.Message).Equal(id.Time(c.ID)) && // both are made at once
		!f.HasFile && f.Role != chat.Assistant && namedAt(c) <= f.Until &&
		(f.From.IsZero() || !named.Before(f.From)) && (f.To.IsZero() || named.Before(f.To)) &&
		l.query.fits(c.Title, l.scale.Loose)
}

// fits reports whether a text is a match by itself; loose clauses may be missing.
func (q Query) fits(text string, loose bool) bool {
	seen := map[int]bool{}
	for _, m := range q.marks(text, new(words.Memory)) {
		seen[m.clause] = true
	}
	for i, c := range ranked(q.All) {
		if !seen[i] && !(loose && c.Loose) {
			return false
		}
	}
	for _, c := range q.None {
		if len(Query{All: []Clause{c}}.marks(text, new(words.Memory))) > 0 {
			return false
		}
	}
	return len(seen) > 0
}
