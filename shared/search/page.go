package search

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
)

// How often a page asks for more where what was found isn't there any more: until it
// has enough, and longer while it has nothing, which would look like the end.
const (
	rounds     = 4
	moreRounds = 40
)

// page returns a page of hits behind a place, and the place where it ends, nil if none is
// left behind it.
func (l *look) page(ctx context.Context, after *Place) (Page, *Place, error) {
	p := Page{Hits: []Hit{}}
	for round := 0; round < rounds || len(p.Hits) == 0 && round < moreRounds; round++ {
		want := l.request.Limit - len(p.Hits)
		found, err := l.rank(ctx, after, want+1)
		if err != nil {
			return p, nil, err
		}
		p.Total, l.query, l.scale = found.Total, found.Query, found.Scale
		matches := found.Best[:min(want, len(found.Best))]
		hits, err := l.hits(ctx, matches)
		if err != nil {
			return p, nil, err
		}
		for _, h := range hits {
			if !slices.ContainsFunc(p.Hits, func(other Hit) bool { return other.Message == h.Message }) {
				p.Hits = append(p.Hits, h)
			}
		}
		if len(found.Best) <= want {
			return p, nil, nil
		}
		if after = (&Place{matches[len(matches)-1], found.Scale}); len(p.Hits) == l.request.Limit {
			break
		}
	}
	return p, after, nil
}

// hits reads back what was found. What is gone is left out.
func (l *look) hits(ctx context.Context, matches []Match) ([]Hit, error) {
	user := l.request.User
	var refs []chat.Ref
	var ids []string
	for _, m := range matches {
		ids = append(ids, m.Chat)
		ref := chat.Ref{User: user, Chat: m.Chat, Message: m.Message}
		if m.Kind != Title && !slices.Contains(refs, ref) { // its text and its file may both match
			refs = append(refs, ref)
		}
	}
	slices.Sort(ids)
	var chats map[string]chat.Chat
	var messages map[string]chat.Message
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { chats, err = l.Reader.Existing(gctx, user, slices.Compact(ids)); return err })
	g.Go(func() (err error) { messages, err = l.Reader.Messages(gctx, refs); return err })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	found := make([]*Hit, len(matches))
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, m := range matches {
		c, ok := chats[m.Chat]
		if !ok {
			l.without(m.Chat)
		}
		if !ok || l.twice(m, c, messages[m.Message]) {
			continue
		}
		g.Go(func() (err error) {
			found[i], err = l.hit(gctx, m, c, messages[m.Message])
			return err
		})
	}
	err := g.Wait()
	var hits []Hit
	for _, h := range found {
		if h != nil {
			hits = append(hits, *h)
		}
	}
	return hits, err
}

// without has a chat that is gone not searched from now on: it could fill page after
// page.
func (l *look) without(chatID string) {
	c := Clause{Words: []Word{{Forms: []string{markChat + chatID}}}}
	if !slices.ContainsFunc(l.query.None, func(other Clause) bool { return slices.Equal(other.Words[0].Forms, c.Words[0].Forms) }) {
		l.query.None = append(slices.Clip(l.query.None), c)
	}
}

// hit makes a hit of a match, nil if what was found is there no more.
func (l *look) hit(ctx context.Context, m Match, c chat.Chat, message chat.Message) (*Hit, error) {
	h := &Hit{Chat: c.ID, Title: c.Title, Score: m.Score, In: "message"}
	var cut Snippet
	switch m.Kind {
	case Title:
		if m.Message != namedAt(c) {
			return nil, nil // it has another title by now
		}
		first, err := l.Reader.First(ctx, l.request.User, c.ID)
		if errors.Is(err, chat.ErrNoMessage) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		message, h.In = first, "title"
		cut, _ = l.taken.Cut(l.query, message.Text)
	case File:
		var in *InFile
		var err error
		if in, cut, err = l.inFile(ctx, message); in == nil {
			return nil, err
		}
		h.In, h.File = "file", in
	default:
		var ok bool
		if cut, ok = l.taken.Cut(l.query, message.Text); !ok {
			cut = l.names(message, cut)
		}
	}
	if message.ID == "" {
		return nil, nil
	}
	h.Message, h.Role, h.CreatedAt = message.ID, message.Role, id.Time(message.ID)
	h.Snippet, h.Highlights = cut.Text, cut.Highlights
	if h.Highlights == nil {
		h.Highlights = [][2]int{}
	}
	return h, nil
}

// names returns the snippet of the names of a message's files, if one of them has
// what was looked for; else that of its text.
func (l *look) names(m chat.Message, text Snippet) Snippet {
	for _, f := range m.Attachments {
		if cut, ok := l.taken.Cut(l.query, f.Name); ok {
			return cut
		}
	}
	return text
}

// inFile finds the place in a message's files that has most of what was looked for;
// nil if they are gone.
func (l *look) inFile(ctx context.Context, m chat.Message) (in *InFile, best Snippet, err error) {
	ids := readable(m)
	if len(ids) == 0 {
		return nil, best, nil
	}
	texts, err := l.Texts.Texts(ctx, l.request.User, ids)
	if err != nil {
		return nil, best, err
	}
	for _, f := range m.Attachments {
		if f.Kind != file.Text {
			continue
		}
		for _, p := range texts[f.ID] {
			if cut, ok := l.taken.Cut(l.query, p.Text); ok && len(cut.Highlights) > len(best.Highlights) {
				in, best = &InFile{ID: f.ID, Name: f.Name, Page: p.Page}, cut
			}
		}
	}
	return in, best, nil
}
