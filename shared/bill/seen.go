package bill

import "hash/maphash"

// Remembered is how many lines a Seen remembers for certain; it takes 128 MB when
// it is full.
const Remembered = 4 << 20

// Seen notices lines that come again: what delivers them does so at least once. It
// keeps 64 bits of a hash for each of the last Remembered to twice as many. So a
// line is taken for another that differs once in some million hours of millions of
// lines, and one that comes again after more lines than that is not noticed.
type Seen struct {
	seed     maphash.Seed
	young    fingerprints
	old      fingerprints
	capacity int
}

// NewSeen remembers so many lines at least.
func NewSeen(capacity int) *Seen { return &Seen{seed: maphash.MakeSeed(), capacity: capacity} }

// line reports whether that message was there before, of that origin and time.
func (s *Seen) line(origin uint64, at int64, message []byte) bool {
	h := maphash.Bytes(s.seed, message) ^ mix(origin^uint64(at))
	if h == 0 {
		h = 1
	}
	if s.old.has(h) || !s.young.add(h) {
		return true
	}
	if s.young.n >= s.capacity {
		s.old, s.young = s.young, fingerprints{slots: s.old.empty()}
	}
	return false
}

// mix spreads what differs in a few bits.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// fingerprints is a set of hashes other than 0: a table with open addresses, whose
// length is a power of two.
type fingerprints struct {
	slots []uint64
	n     int
}

func (f *fingerprints) has(h uint64) bool {
	if f.n == 0 {
		return false
	}
	return f.slots[f.find(h)] == h
}

// find returns where h is or belongs.
func (f *fingerprints) find(h uint64) int {
	mask := uint64(len(f.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		if f.slots[i] == 0 || f.slots[i] == h {
			return int(i)
		}
	}
}

// add reports whether h is new.
func (f *fingerprints) add(h uint64) bool {
	if 3*f.n >= 2*len(f.slots) {
		f.grow()
	}
	i := f.find(h)
	if f.slots[i] == h {
		return false
	}
	f.slots[i] = h
	f.n++
	return true
}

func (f *fingerprints) grow() {
	larger := fingerprints{slots: make([]uint64, max(1<<10, 2*len(f.slots))), n: f.n}
	for _, h := range f.slots {
		if h != 0 {
			larger.slots[larger.find(h)] = h
		}
	}
	*f = larger
}

// empty returns the table without what was in it.
func (f *fingerprints) empty() []uint64 {
	clear(f.slots)
	return f.slots
}
