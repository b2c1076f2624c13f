package shelf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"parley/shared/search"
	"parley/shared/segment"
)

// Sizes of what comes over at once.
const (
	atOnce    = 4 << 20   // a segment up to this size comes as a whole, and is checked as one
	pieceSize = 64 << 10  // of a larger one, pieces; multiples of what a segment has checksums of
	near      = 192 << 10 // so much comes over for nothing, if that saves a call
	ahead     = 256 << 10 // so much comes over, at least, where nobody has said before what is needed
	mostOpen  = 100       // segments that are kept: each takes a file descriptor, and memory
)

// cache has the segments that were opened, each in a file of which some pieces may be
// missing.
type cache struct {
	shelf *Shelf
	room  int64

	mu   sync.Mutex
	all  map[string]*copied
	used int64 // bytes on the disk
	time int64 // counts uses
}

func newCache(s *Shelf, room int64) *cache {
	return &cache{shelf: s, room: room, all: map[string]*copied{}}
}

// copied is a segment on this machine.
type copied struct {
	key     string
	ready   chan struct{} // closed when it was opened, or couldn't be
	segment *segment.Segment
	file    *partial
	err     error
	users   int
	last    int64 // when it was used
	dropped bool
}

// take returns an open segment, for leave to give back. Who needs what another is
// opening waits for that.
func (c *cache) take(ctx context.Context, user string, g search.Segment) (*copied, error) {
	key := keyOf(user, g.Name)
	c.mu.Lock()
	one, known := c.all[key]
	if !known {
		one = &copied{key: key, ready: make(chan struct{})}
		c.all[key] = one
	}
	one.users++
	c.time++
	one.last = c.time
	c.mu.Unlock()
	if !known {
		one.file, one.segment, one.err = c.open(ctx, user, g)
		close(one.ready)
	}
	select {
	case <-one.ready:
	case <-ctx.Done():
		c.leave(one)
		return nil, ctx.Err()
	}
	if one.err != nil {
		c.mu.Lock()
		c.discard(one)
		c.mu.Unlock()
		c.leave(one)
		return nil, one.err
	}
	return one, nil
}

func (c *cache) open(ctx context.Context, user string, g search.Segment) (*partial, *segment.Segment, error) {
	f, err := c.shelf.file()
	if err != nil {
		return nil, nil, err
	}
	p := &partial{cache: c, user: user, about: g, file: f, have: make([]bool, (g.Bytes+pieceSize-1)/pieceSize), coming: map[int64]*arrival{}}
	if err = p.begin(ctx); err == nil {
		var s *segment.Segment
		if s, err = segment.Open(p, g.Bytes); err == nil {
			return p, s, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.remove()
	return nil, nil, err
}

// leave gives back what take has given, and makes room.
func (c *cache) leave(one *copied) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.users--; one.users == 0 && one.dropped {
		c.forget(one)
	}
	for c.used > c.room || len(c.all) > mostOpen {
		var oldest *copied
		for _, other := range c.all {
			if other.users == 0 && (oldest == nil || other.last < oldest.last) {
				oldest = other
			}
		}
		if oldest == nil {
			return
		}
		c.forget(oldest)
	}
}

// drop has a segment opened anew the next time.
func (c *cache) drop(user, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.all[keyOf(user, name)]; one != nil {
		c.discard(one)
	}
}

// discard has nobody find a segment any more; the caller holds the lock.
func (c *cache) discard(one *copied) {
	if c.all[one.key] == one {
		delete(c.all, one.key)
	}
	if one.dropped = true; one.users == 0 {
		c.forget(one)
	}
}

// forget removes what nobody uses; the caller holds the lock.
func (c *cache) forget(one *copied) {
	if c.all[one.key] == one {
		delete(c.all, one.key)
	}
	if one.file != nil {
		one.file.remove()
	}
}

// partial is a file in which pieces of a segment are missing until they are read. It is
// segment.Remote.
type partial struct {
	cache *cache
	user  string
	about search.Segment
	file  *os.File

	mu     sync.Mutex
	have   []bool // by piece
	coming map[int64]*arrival
	size   int64 // bytes that it has; the cache's lock guards it
}

// arrival is a run of pieces on its way.
type arrival struct {
	from, to int64         // pieces
	done     chan struct{} // closed when they are here, or err says why not
	err      error
}

// remove gives back the room that it takes; the caller holds the cache's lock.
func (p *partial) remove() {
	p.cache.used -= p.size
	p.file.Close()
}

// begin brings over what is read in any case.
func (p *partial) begin(ctx context.Context) error {
	if p.about.Bytes > atOnce {
		return p.Fetch(ctx, [][2]int64{{p.about.Lists, p.about.Bytes}})
	}
	body, err := p.cache.shelf.piece(ctx, p.user, p.about, 0, p.about.Bytes)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != p.about.Name {
		return changed(p.about)
	}
	return p.put(body, 0, int64(len(p.have)))
}

// Local implements segment.Remote.
func (p *partial) Local() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.Contains(p.have, false)
}

// ReadAt implements io.ReaderAt. What is missing comes over first.
func (p *partial) ReadAt(b []byte, at int64) (int, error) {
	if at >= p.about.Bytes {
		return 0, io.EOF
	}
	if err := p.bring([][2]int64{{at, at + int64(len(b))}}, ahead); err != nil {
		return 0, err
	}
	return p.file.ReadAt(b, at)
}

// Fetch implements segment.Remote. It goes on if nobody waits for it any more: others
// may.
func (p *partial) Fetch(_ context.Context, parts [][2]int64) error { return p.bring(parts, 0) }

// bring has all pieces come over that the parts lie in and that aren't here, where one is
// missing so many bytes at least: at the same time, in one call each as far as they lie
// together or nearly so. Those that are on their way already are waited for.
func (p *partial) bring(parts [][2]int64, least int64) error {
	var wait, start []*arrival
	p.mu.Lock()
	for _, i := range p.missing(parts, least) {
		if c := p.coming[i]; c != nil {
			if !slices.Contains(wait, c) {
				wait = append(wait, c)
			}
			continue
		}
		if n := len(start); n > 0 && i <= start[n-1].to+near/pieceSize && !p.any(start[n-1].to, i) {
			start[n-1].to = i + 1
		} else {
			start = append(start, &arrival{from: i, to: i + 1, done: make(chan struct{})})
		}
	}
	for _, c := range start {
		for i := c.from; i < c.to; i++ {
			p.coming[i] = c
		}
	}
	p.mu.Unlock()
	for n, c := range start {
		if n == len(start)-1 {
			p.fetch(c) // one of them here
		} else {
			go p.fetch(c)
		}
	}
	var err error
	for _, c := range append(wait, start...) {
		<-c.done
		if err == nil {
			err = c.err
		}
	}
	return err
}

// missing returns the pieces that parts lie in and that aren't here, in order.
func (p *partial) missing(parts [][2]int64, least int64) (all []int64) {
	for _, part := range parts {
		for i := part[0] / pieceSize; i*pieceSize < min(part[1], p.about.Bytes); i++ {
			if p.have[i] {
				continue
			}
			for more := i; more < min(int64(len(p.have)), max(i+1, i+least/pieceSize)) && !p.have[more]; more++ {
				all = append(all, more)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// any reports whether any of the pieces from one up to another is here or on its way.
func (p *partial) any(from, to int64) bool {
	for i := from; i < to; i++ {
		if p.have[i] || p.coming[i] != nil {
			return true
		}
	}
	return false
}

// fetch brings over a run of pieces.
func (p *partial) fetch(c *arrival) {
	defer close(c.done)
	body, err := p.cache.shelf.piece(context.Background(), p.user, p.about, c.from*pieceSize, min(c.to*pieceSize, p.about.Bytes))
	if err == nil {
		err = p.put(body, c.from, c.to)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.err = err
	for i := c.from; i < c.to; i++ {
		delete(p.coming, i)
	}
}

func (p *partial) put(body []byte, from, to int64) error {
	if _, err := p.file.WriteAt(body, from*pieceSize); err != nil {
		return fmt.Errorf("keep segment %s: %w", p.about.Name, err)
	}
	p.mu.Lock()
	for i := from; i < to; i++ {
		p.have[i] = true
	}
	p.mu.Unlock()
	p.cache.mu.Lock()
	defer p.cache.mu.Unlock()
	p.cache.used += int64(len(body))
	p.size += int64(len(body))
	return nil
}
