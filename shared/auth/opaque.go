package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/oklog/ulid/v2"
)

const secretSize = 32 // bytes

// encoding has one spelling for each token: unused bits must be zero.
var encoding = base64.RawURLEncoding.Strict()

// Refresh is a refresh token: it names a session and holds its current secret.
type Refresh struct {
	User   string // ULID
	Family string // ULID of the session
	Secret [secretSize]byte
}

// NewRefresh returns a token with a fresh secret for that session.
func NewRefresh(user, family string) Refresh {
	r := Refresh{User: user, Family: family}
	_, _ = rand.Read(r.Secret[:]) // never fails
	return r
}

// String is the token as the client keeps it, 86 characters.
func (r Refresh) String() string { return join(r.Secret, r.User, r.Family) }

// Hash is what is stored of the secret.
func (r Refresh) Hash() []byte { return hash(r.Secret) }

// ParseRefresh reads what String wrote; false for anything else.
func ParseRefresh(s string) (Refresh, bool) {
	ids, secret, ok := split(s, 2)
	if !ok {
		return Refresh{}, false
	}
	return Refresh{User: ids[0], Family: ids[1], Secret: secret}, true
}

// Mailed is a token sent by mail, to verify an address or to reset a password.
type Mailed struct {
	User   string // ULID
	Secret [secretSize]byte
}

// NewMailed returns a token with a fresh secret.
func NewMailed(user string) Mailed {
	m := Mailed{User: user}
	_, _ = rand.Read(m.Secret[:]) // never fails
	return m
}

// String is the token as it stands in a link, 64 characters.
func (m Mailed) String() string { return join(m.Secret, m.User) }

// Hash is what is stored of the secret.
func (m Mailed) Hash() []byte { return hash(m.Secret) }

// ParseMailed reads what String wrote; false for anything else.
func ParseMailed(s string) (Mailed, bool) {
	ids, secret, ok := split(s, 1)
	if !ok {
		return Mailed{}, false
	}
	return Mailed{User: ids[0], Secret: secret}, true
}

func hash(secret [secretSize]byte) []byte {
	sum := sha256.Sum256(secret[:])
	return sum[:]
}

func join(secret [secretSize]byte, ids ...string) string {
	var raw []byte
	for _, s := range ids {
		u, _ := ulid.ParseStrict(s) // ours: id.New made it
		raw = append(raw, u[:]...)
	}
	return encoding.EncodeToString(append(raw, secret[:]...))
}

func split(s string, n int) (ids []string, secret [secretSize]byte, ok bool) {
	size := n*len(ulid.ULID{}) + secretSize
	if len(s) != encoding.EncodedLen(size) {
		return nil, secret, false
	}
	raw, err := encoding.DecodeString(s)
	if err != nil || len(raw) != size {
		return nil, secret, false
	}
	for range n {
		ids = append(ids, ulid.ULID(raw[:16]).String())
		raw = raw[16:]
	}
	copy(secret[:], raw)
	return ids, secret, true
}
