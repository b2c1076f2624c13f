package work

import (
	"context"
	"hash/fnv"
	"math"
	"time"

	"parley/shared/chat"
	"parley/shared/queue"
)

// Indexes has the part of a history indexed that isn't.
type Indexes interface {
	Index(ctx context.Context, j queue.IndexJob) error
}

// indexEvery is how many bytes of answers there are, on average, from one indexing of
// a user's history to the next: packed, with their questions, about 256 KB.
const indexEvery = 700 << 10

// index has the user's history indexed if it's time. Nobody counts what isn't indexed,
// since every turn would pay for that: each answer asks for it with a chance that goes
// by its length. So it is asked for as often as it would be by counting, and where
// that fails, the next one does.
func (j *job) index(ctx context.Context, r chat.Result) {
	if j.Indexes == nil || j.ref.Passing() || !chosen(j.ref.Message, len(r.Text)) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := j.Indexes.Index(ctx, queue.IndexJob{User: j.ref.User}); err != nil {
		j.log.Warn("the history's indexing was not asked for", "error", err.Error())
	}
}

// chosen reports whether a reply of that length is one that asks: always the same of
// the same reply.
func chosen(reply string, length int) bool {
	h := fnv.New64a()
	h.Write([]byte(reply))
	sum := h.Sum64()
	sum ^= sum >> 33 // FNV spreads a last character's difference too little over the upper bits
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return float64(sum)/math.MaxUint64 < float64(length)/indexEvery
}
