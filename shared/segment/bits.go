package segment

import (
	"encoding/binary"
	"math/bits"
)

// Numbers are written in as few bits as their size lets expect: by Rice's code where it
// is known how large they are on average, by Elias's gamma code where they are mostly 1.

const (
	maxRest     = 24 // bits of a number that Rice's code writes as they are
	maxQuotient = 24 // of the rest of it, of which each takes a bit; beyond, the number follows in 32 bits
)

// restOf is how many bits of a number Rice's code best writes as they are if the
// numbers are mean on average.
func restOf(mean int) int {
	return min(maxRest, max(0, bits.Len64(uint64(mean)*7/10)-1)) // ln 2 of the mean
}

// bitWriter appends bits to bytes, the lowest first.
type bitWriter struct {
	b    []byte
	have uint64 // bits that no byte has yet
	n    int    // how many
}

// put appends the lowest n bits, 32 at most, of v.
func (w *bitWriter) put(v uint64, n int) {
	w.have |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.have))
		w.have >>= 8
	}
}

// rice appends a number, of which rest bits are written as they are.
func (w *bitWriter) rice(v uint64, rest int) {
	q := v >> rest
	if q >= maxQuotient {
		w.put(1<<maxQuotient-1, maxQuotient)
		w.put(v, 32)
		return
	}
	w.put(1<<q-1, int(q)+1) // so many ones, and a zero
	w.put(v&(1<<rest-1), rest)
}

// gamma appends a number above 0.
func (w *bitWriter) gamma(v uint64) {
	n := bits.Len64(v) - 1
	w.put(1<<n-1, n+1)
	w.put(v&(1<<n-1), n)
}

// len is how many bits there are.
func (w *bitWriter) len() int { return 8*len(w.b) + w.n }

// reset forgets what was written.
func (w *bitWriter) reset() { *w = bitWriter{b: w.b[:0]} }

// append appends what another one has.
func (w *bitWriter) append(other *bitWriter) {
	if w.n == 0 {
		w.b = append(w.b, other.b...)
	} else {
		for _, b := range other.b {
			w.put(uint64(b), 8)
		}
	}
	w.put(other.have, other.n)
}

// unary appends a number as so many zeros and a one.
func (w *bitWriter) unary(v uint64) {
	for ; v >= 31; v -= 31 {
		w.put(0, 31)
	}
	w.put(1<<v, int(v)+1)
}

// upTo appends a number of which it is known how large it can be: so many zeros, and a
// one unless it is that large.
func (w *bitWriter) upTo(v, most int) {
	if v < most {
		w.unary(uint64(v))
		return
	}
	for ; v > 0; v -= min(v, 32) {
		w.put(0, min(v, 32))
	}
}

// end fills up the last byte.
func (w *bitWriter) end() {
	if w.n > 0 {
		w.b, w.have, w.n = append(w.b, byte(w.have)), 0, 0
	}
}

// windowBits is how many bits a reader sees at once, at least.
const (
	windowBits = 57
	whole      = 1<<windowBits - 1
)

// bitReader reads what a bitWriter wrote. Behind the end are zeros; past tells.
type bitReader struct {
	b  []byte
	at int // in bits
}

// window returns the next 57 bits, or more; above these may be zeros.
func (r *bitReader) window() uint64 {
	i := r.at >> 3
	if i+8 <= len(r.b) {
		return binary.LittleEndian.Uint64(r.b[i:]) >> (r.at & 7)
	}
	var rest [8]byte
	if i < len(r.b) {
		copy(rest[:], r.b[i:])
	}
	return binary.LittleEndian.Uint64(rest[:]) >> (r.at & 7)
}

func (r *bitReader) rice(rest int) uint64 {
	w := r.window()
	q := bits.TrailingZeros64(^w)
	if q >= maxQuotient {
		r.at += maxQuotient
		v := r.window() & (1<<32 - 1)
		r.at += 32
		return v
	}
	r.at += q + 1 + rest
	return uint64(q)<<rest | w>>(q+1)&(1<<rest-1)
}

func (r *bitReader) gamma() uint64 {
	w := r.window()
	n := bits.TrailingZeros64(^w)
	if n > maxQuotient {
		r.at = 8*len(r.b) + 1 // nobody wrote it
		return 1
	}
	r.at += 2*n + 1
	return 1<<n | w>>(n+1)&(1<<n-1)
}

// past reports whether more was read than there is.
func (r *bitReader) past() bool { return r.at > 8*len(r.b) }

// ones moves behind the nth one from here; false if there are not so many.
func (r *bitReader) ones(n int) bool {
	for n > 0 {
		w, have := r.window()&whole, bits.OnesCount64(r.window()&whole)
		if have < n {
			if r.at += windowBits; r.past() {
				return false
			}
			n -= have
			continue
		}
		for ; n > 1; n-- {
			w &= w - 1
		}
		r.at += bits.TrailingZeros64(w) + 1
		return !r.past()
	}
	return true
}

// upTo reads what bitWriter's upTo has written.
func (r *bitReader) upTo(most int) (v int) {
	for {
		n := bits.TrailingZeros64(r.window() | 1<<windowBits)
		switch {
		case v+n >= most:
			r.at += most - v
			return most
		case n < windowBits:
			r.at += n + 1
			return v + n
		}
		if v, r.at = v+n, r.at+n; r.past() {
			return v
		}
	}
}
