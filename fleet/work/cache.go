package work

import (
	"container/list"
	"context"
	"sync"

	"golang.org/x/sync/singleflight"
)

// cache keeps what was got last. Where several want the same at once, it is got
// once.
type cache struct {
	flights singleflight.Group

	mu    sync.Mutex
	room  int // bytes
	used  int // bytes
	order *list.List
	byKey map[string]*list.Element
}

type cached struct {
	key string
	content
}

func newCache(room int) *cache {
	return &cache{room: room, order: list.New(), byKey: map[string]*list.Element{}}
}

// get returns what is kept under a key, or else what load brings. An error is for
// those who wait and isn't kept. load goes on when one of them leaves.
func (c *cache) get(ctx context.Context, key string, load func(context.Context) (content, error)) (content, error) {
	if found, ok := c.find(key); ok {
		return found, nil
	}
	flight := c.flights.DoChan(key, func() (any, error) {
		got, err := load(context.WithoutCancel(ctx))
		if err == nil {
			c.keep(key, got)
		}
		return got, err
	})
	select {
	case <-ctx.Done():
		return content{}, context.Cause(ctx)
	case r := <-flight:
		got, _ := r.Val.(content)
		return got, r.Err
	}
}

func (c *cache) find(key string) (content, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return content{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).content, true
}

// keep adds a content and lets go of those that nobody has asked for the longest.
// One that would push out half of them is not kept, nor is the lack of any.
func (c *cache) keep(key string, what content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.byKey[key]; there || what == (content{}) || what.size() > c.room/2 {
		return
	}
	c.byKey[key] = c.order.PushFront(cached{key, what})
	for c.used += what.size(); c.used > c.room; {
		last := c.order.Remove(c.order.Back()).(cached)
		delete(c.byKey, last.key)
		c.used -= last.size()
	}
}
