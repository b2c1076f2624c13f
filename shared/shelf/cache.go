package shelf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"parley/shared/search"
	"parley/shared/segment"
)

// Sizes of what comes over at once.
const (
	atOnce    = 4 << 20   // a segment up to this size comes as a whole, and is checked as one
	pieceSize = 256 << 10 // of a larger one, pieces; multiples of what a segment has checksums of
	tailShare = 6         // and first its end, a sixth, which has what every query needs
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
	p := &partial{cache: c, user: user, about: g, file: f, have: make([]bool, (g.Bytes+pieceSize-1)/pieceSize)}
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

// partial is a file in which pieces of a segment are missing until they are read.
type partial struct {
	cache *cache
	user  string
	about search.Segment
	file  *os.File

	mu   sync.Mutex
	have []bool // by piece
	size int64  // bytes that it has; the cache's lock guards it
}

// remove gives back the room that it takes; the caller holds the cache's lock.
func (p *partial) remove() {
	p.cache.used -= p.size
	p.file.Close()
}

// begin brings over what is read in any case.
func (p *partial) begin(ctx context.Context) error {
	if p.about.Bytes > atOnce {
		return p.fetch(ctx, (p.about.Bytes-p.about.Bytes/tailShare)/pieceSize, int64(len(p.have)))
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

// ReadAt implements io.ReaderAt. What is missing comes over first, in one call as far
// as it lies together.
func (p *partial) ReadAt(b []byte, at int64) (int, error) {
	end := min(at+int64(len(b)), p.about.Bytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := at / pieceSize; i*pieceSize < end; i++ {
		if p.have[i] {
			continue
		}
		to := i + 1
		for to*pieceSize < end && !p.have[to] {
			to++
		}
		if err := p.fetch(context.Background(), i, to); err != nil {
			return 0, err
		}
		i = to - 1
	}
	if at >= p.about.Bytes {
		return 0, io.EOF
	}
	return p.file.ReadAt(b, at)
}

// fetch brings over pieces from one up to another.
func (p *partial) fetch(ctx context.Context, from, to int64) error {
	body, err := p.cache.shelf.piece(ctx, p.user, p.about, from*pieceSize, min(to*pieceSize, p.about.Bytes))
	if err != nil {
		return err
	}
	return p.put(body, from, to)
}

func (p *partial) put(body []byte, from, to int64) error {
	if _, err := p.file.WriteAt(body, from*pieceSize); err != nil {
		return fmt.Errorf("keep segment %s: %w", p.about.Name, err)
	}
	for i := from; i < to; i++ {
		p.have[i] = true
	}
	p.cache.mu.Lock()
	defer p.cache.mu.Unlock()
	p.cache.used += int64(len(body))
	p.size += int64(len(body))
	return nil
}
