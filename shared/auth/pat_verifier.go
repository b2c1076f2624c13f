package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"sync"
	"time"
)

const (
	grantAge  = time.Minute // a deleted token, or another plan, is noticed after that at the latest
	maxGrants = 10_000      // that are remembered; each has about 300 bytes
)

// Grant is what is stored of a personal access token, and of its user.
type Grant struct {
	Hash    []byte
	Expires time.Time // zero: never
	Who     Identity
}

// Grants reads a token's row and its user as they stand at that time. ErrBadPAT
// if one of them is gone, the user is disabled, or something has ended the token.
type Grants interface {
	Grant(ctx context.Context, user, pat string, at time.Time) (Grant, error)
}

// PATVerifier checks personal access tokens. It reads what a token grants once in
// a minute, also where it grants nothing, so neither use nor guessing makes it
// hammer the table; what is no token at all isn't looked up.
type PATVerifier struct {
	grants Grants
	now    func() time.Time
	mu     sync.Mutex
	held   map[[2]string]held
}

// held is one reading.
type held struct {
	Grant
	err  error
	read time.Time
}

// NewPATVerifier returns a PATVerifier that has read nothing yet.
func NewPATVerifier(grants Grants, now func() time.Time) *PATVerifier {
	return &PATVerifier{grants: grants, now: now, held: map[[2]string]held{}}
}

// Verify returns whose token it is, with plan and limits as they were at most a
// minute ago. It fails with ErrBadPAT for what isn't or is no longer one, and with
// an Unavailable error when the rows can't be read.
func (v *PATVerifier) Verify(ctx context.Context, token string) (Identity, error) {
	p, ok := ParsePAT(token)
	if !ok {
		return Identity{}, ErrBadPAT
	}
	g, err := v.grant(ctx, p)
	switch {
	case err != nil:
		return Identity{}, err
	case subtle.ConstantTimeCompare(g.Hash, p.Hash()) != 1, !g.Expires.IsZero() && !v.now().Before(g.Expires):
		return Identity{}, ErrBadPAT
	}
	return g.Who, nil
}

func (v *PATVerifier) grant(ctx context.Context, p PAT) (Grant, error) {
	name, now := [2]string{p.User, p.ID}, v.now()
	v.mu.Lock()
	h, ok := v.held[name]
	v.mu.Unlock()
	if ok && h.fresh(now) {
		return h.Grant, h.err
	}
	g, err := v.grants.Grant(ctx, p.User, p.ID, now)
	if err == nil || errors.Is(err, ErrBadPAT) {
		v.hold(name, held{g, err, now})
	}
	return g, err
}

func (h held) fresh(now time.Time) bool { return now.Sub(h.read) < grantAge }

// hold remembers a reading. Where there are too many it forgets the old ones, and
// if there are none, all: a minute's flood of made-up tokens costs reads anyway.
func (v *PATVerifier) hold(name [2]string, h held) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.held) >= maxGrants {
		maps.DeleteFunc(v.held, func(_ [2]string, old held) bool { return !old.fresh(h.read) })
	}
	if len(v.held) >= maxGrants {
		clear(v.held)
	}
	v.held[name] = h
}
