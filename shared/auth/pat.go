package auth

import (
	"crypto/rand"
	"strings"

	"parley/shared/problem"
)

// PATPrefix begins every personal access token, so that people and scanners for
// secrets know what they have found.
const PATPrefix = "parley_"

// ErrBadPAT is why a personal access token doesn't let its holder in.
var ErrBadPAT = problem.New(problem.Unauthenticated, "invalid_api_key", "The API key is not valid: it is unknown, expired or was deleted.")

// PAT is a personal access token: it names a row and holds its secret. Users call
// it an API key.
type PAT struct {
	User   string // ULID
	ID     string // ULID
	Secret [secretSize]byte
}

// NewPAT returns a token with a fresh secret for that row.
func NewPAT(user, id string) PAT {
	p := PAT{User: user, ID: id}
	_, _ = rand.Read(p.Secret[:]) // never fails
	return p
}

// String is the token as its holder keeps it, 93 characters.
func (p PAT) String() string { return PATPrefix + join(p.Secret, p.User, p.ID) }

// Hash is what is stored of the secret.
func (p PAT) Hash() []byte { return hash(p.Secret) }

// Hint shows enough of the token to know it again, and not enough to use it.
func (p PAT) Hint() string {
	s := p.String()
	return PATPrefix + "…" + s[len(s)-4:]
}

// ParsePAT reads what String wrote; false for anything else.
func ParsePAT(s string) (PAT, bool) {
	s, ok := strings.CutPrefix(s, PATPrefix)
	if !ok {
		return PAT{}, false
	}
	ids, secret, ok := split(s, 2)
	if !ok {
		return PAT{}, false
	}
	return PAT{User: ids[0], ID: ids[1], Secret: secret}, true
}
