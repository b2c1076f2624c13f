package chat

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Question is what a user asks to be sent.
type Question struct {
	Chat        string // ULID; empty for a new chat
	Parent      string // ULID of a reply; the chat's own id for the root; empty: go on where the chat is
	Text        string
	Model       string   // empty: the fleet's own choice
	Attachments []string // ULIDs of files, in the order in which they are shown
	Key         string   // Idempotency-Key; empty: none
}

// MaxKey is the length of the longest Idempotency-Key, in bytes.
const MaxKey = 255

// KeyLife is how long an Idempotency-Key holds.
const KeyLife = 24 * time.Hour

// Validate names everything that is wrong with q for a user of those limits.
func (q Question) Validate(l quota.Limits, models model.Table) error {
	var c problem.Check
	c.That(q.Chat == "" || id.Valid(q.Chat), "chat_id", "bad_id", "This is not the id of a chat.")
	c.That(q.Parent == "" || id.Valid(q.Parent), "parent_id", "bad_id", "This is not the id of a message.")
	c.That(q.Parent == "" || q.Chat != "", "parent_id", "no_chat", "A parent needs the chat that it is in.")
	c.That(strings.TrimFunc(q.Text, unicode.IsSpace) != "", "text", "text_empty", "Write something first.")
	c.That(Tokens(q.Text) <= l.TokensPerMessage, "text", "text_too_long",
		fmt.Sprintf("The message has about %d tokens; your plan takes %d.", Tokens(q.Text), l.TokensPerMessage))
	c.That(models.Known(q.Model), "model", model.ErrUnknown.Code, model.ErrUnknown.Message)
	checkFiles(&c, q.Attachments)
	c.That(validKey(q.Key), "Idempotency-Key", "bad_key", "The key must have 1 to 255 printable ASCII characters.")
	return c.Err()
}

func validKey(k string) bool {
	return len(k) <= MaxKey && !strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Tokens estimates the tokens of a text as the contract does: a quarter of its
// characters, rounded up. The worker fits the exact count to the model.
func Tokens(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }

// title makes a chat's first title from its first question: one line of at most
// 60 characters, cut between words where that is possible.
func title(text string) string {
	const most = 60
	line := strings.Join(strings.Fields(text), " ")
	runes := []rune(line)
	if len(runes) <= most {
		return line
	}
	cut := string(runes[:most])
	if at := strings.LastIndexByte(cut, ' '); at > most/2 {
		cut = cut[:at]
	}
	return cut + "…"
}

// digest names a request's content; parts can't run into each other.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
