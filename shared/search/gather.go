package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"parley/shared/chat"
)

var errLarge = errors.New("more text than one search goes through")

// gathering is what was read of the rest: all that was said since the watermark.
type gathering struct {
	mu    sync.Mutex
	docs  []Document
	sizes []int // bytes of text by chat, the newest first
	large bool  // more was left out
}

// rest reads what was said since the watermark; large says that it is more than one
// search can go through: then older chats are missing.
func (l *look) rest(ctx context.Context, since string) (docs []Document, large bool, err error) {
	user, until := l.request.User, l.request.Filter.Until
	chats, err := l.Archive.Active(ctx, user, since)
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(chats, func(a, b chat.Chat) int { return strings.Compare(b.Last, a.Last) })
	r := &gathering{sizes: make([]int, len(chats))}
	for _, c := range chats {
		if at := namedAt(c); at > since && at <= until {
			r.docs = append(r.docs, titled(c))
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(chatsAtOnce)
	for n, c := range chats {
		g.Go(func() error {
			if r.full(n) {
				return nil
			}
			err := l.Archive.Between(ctx, user, c.ID, since, until, func(messages []chat.Message) error {
				return documents(ctx, l.Texts, user, messages, func(d Document) error { return r.add(n, d) })
			})
			if errors.Is(err, errLarge) {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	return r.docs, r.large, err
}

// add takes in a document of a chat, or errLarge.
func (r *gathering) add(chat int, d Document) error {
	if r.full(chat) {
		return errLarge
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.docs = append(r.docs, d)
	r.sizes[chat] += len(d.Text)
	return nil
}

// full reports whether there is no room for more of a chat: newer ones go before it.
func (r *gathering) full(chat int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := 0
	for _, n := range r.sizes[:chat+1] {
		size += n
	}
	if size > maxRest {
		r.large = true
	}
	return size > maxRest
}
