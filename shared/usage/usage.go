// Package usage is the domain of what replies have used: the records that a bill
// is made of, and their form in files.
//
// Every reply that ends leaves a record: done, failed or cancelled. Whoever ended
// it writes one, and a prompt goes from its queue only when its record is kept. So
// a record can't be lost; but it may be written again, by whoever finds a prompt
// whose reply has ended. Read leaves the second one out.
//
// Users appear by a pseudonym, and nothing that they wrote appears at all.
package usage

import (
	"crypto/sha256"
	"encoding/base64"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// Version is the form of Record that this release writes.
const Version = 1

// Record is what one reply has used.
type Record struct {
	Version int         `json:"v"`
	Reply   string      `json:"reply"` // ULID
	User    string      `json:"user"`  // Pseudonym
	Plan    quota.Plan  `json:"plan"`
	Model   string      `json:"model,omitempty"` // empty: the fleet's own choice
	Status  chat.Status `json:"status"`
	Failure string      `json:"failure,omitempty"` // code, of a failed one

	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"` // of the prompt's
	Attempts         int `json:"attempts"`      // 0: it ended before any worker took it

	// Times of the attempt that ended the reply. Who only found it ended knows none.
	QueueMS  int64     `json:"queue_ms"`  // from the reply's being asked for to the claim
	EngineMS int64     `json:"engine_ms"` // from there to the last token
	TotalMS  int64     `json:"total_ms"`  // from the reply's being asked for to its end
	EndedAt  time.Time `json:"ended_at"`  // of a found one: when it was found
	Found    bool      `json:"found,omitempty"`
}

// AskedAt is when the reply was asked for: to the month, or whatever a bill is for,
// of that moment it belongs, however late or often its record was written.
func (r Record) AskedAt() time.Time { return id.Time(r.Reply) }

// Of makes the record of a reply that ended at that time, without the times of its
// attempt.
func Of(p chat.Prompt, attempts int, r chat.Result, at time.Time) Record {
	rec := Record{Version: Version, Reply: p.Reply, User: Pseudonym(p.User), Plan: p.Plan, Model: p.Model, Status: r.Status,
		PromptTokens: r.Usage.PromptTokens, CompletionTokens: r.Usage.CompletionTokens, CachedTokens: r.Usage.CachedTokens,
		Attempts: attempts, EndedAt: at.UTC().Truncate(time.Millisecond)}
	if r.Failure != nil {
		rec.Failure = r.Failure.Code
	}
	return rec
}

// Find makes the record of a reply that was found ended: what its row says.
func Find(p chat.Prompt, m chat.Message, at time.Time) Record {
	r := chat.Result{Status: m.Status, Failure: m.Failure}
	if m.Usage != nil {
		r.Usage = *m.Usage
	}
	if p.Model == "" {
		p.Model = m.Model
	}
	rec := Of(p, m.Attempt, r, at)
	rec.Found = true
	return rec
}

// Pseudonym stands for a user in records. An id has 80 random bits, so nobody gets
// it back by trying; who knows the id finds its records.
func Pseudonym(user string) string {
	sum := sha256.Sum256([]byte("parley usage " + user))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
