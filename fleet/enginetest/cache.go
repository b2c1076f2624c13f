package enginetest

import (
	"container/list"
	"hash/fnv"
	"slices"
)

// cache holds prefixes of prompts as vLLM does: in blocks of tokens, each known by
// a hash of itself and all before it, the least recently used first to go. Its
// engine's mutex guards it.
type cache struct {
	order list.List // newest first, of uint64
	at    map[uint64]*list.Element
}

// defaultBlock is vLLM's own, in tokens.
const defaultBlock = 16

// blocks hashes the whole blocks of a prompt. The salt stands before the first.
func blocks(salt string, tokens []string, size int) []uint64 {
	var hashes []uint64
	h := fnv.New64a()
	h.Write([]byte(salt))
	for i, t := range tokens {
		h.Write([]byte{0})
		h.Write([]byte(t))
		if (i+1)%size == 0 {
			hashes = append(hashes, h.Sum64())
		}
	}
	return hashes
}

// lookup returns how many tokens of a prompt are cached. At least its last one has
// to be worked out anew.
func (e *Engine) lookup(r Request, tokens []string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	cached := 3
	if e.CacheBlocks > 0 {
		hashes := blocks(r.CacheSalt, tokens, e.blockSize())
		n := slices.IndexFunc(hashes, func(h uint64) bool { return e.cache.at[h] == nil })
		if n < 0 {
			n = len(hashes)
		}
		e.cache.use(hashes[:n])
		cached = n * e.blockSize()
	}
	cached = min(cached, len(tokens)-1)
	e.total.prompt, e.total.cached = e.total.prompt+len(tokens), e.total.cached+cached
	return cached
}

// remember keeps what was worked out.
func (e *Engine) remember(r Request, tokens []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.CacheBlocks == 0 {
		return
	}
	c := &e.cache
	c.use(blocks(r.CacheSalt, tokens, e.blockSize()))
	for c.order.Len() > e.CacheBlocks {
		oldest := c.order.Back()
		delete(c.at, oldest.Value.(uint64))
		c.order.Remove(oldest)
	}
}

// use makes these blocks the newest, the first of them before all others: without
// it the later ones are of no use.
func (c *cache) use(hashes []uint64) {
	if c.at == nil {
		c.at = map[uint64]*list.Element{}
	}
	for _, h := range slices.Backward(hashes) {
		if at := c.at[h]; at != nil {
			c.order.MoveToFront(at)
			continue
		}
		c.at[h] = c.order.PushFront(h)
	}
}

func (e *Engine) blockSize() int {
	if e.CacheBlock > 0 {
		return e.CacheBlock
	}
	return defaultBlock
}
