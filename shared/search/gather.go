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
	cut   bool  // older ones were left out, because it is more than one search can go through
}

// rest reads what was said since the watermark.
func (l *look) rest(ctx context.Context, since string, r *gathering) error {
	user, until := l.request.User, l.request.Filter.Until
	chats, err := l.Archive.Active(ctx, user, since)
	if err != nil {
		return err
	}
	slices.SortFunc(chats, func(a, b chat.Chat) int { return strings.Compare(b.Last, a.Last) })
	r.sizes = make([]int, len(chats))
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
	return g.Wait()
}

// size is how much text it is, titles apart.
func (r *gathering) size() (sum int) {
	for _, n := range r.sizes {
		sum += n
	}
	return sum
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
		r.cut = true
	}
	return size > maxRest
}
