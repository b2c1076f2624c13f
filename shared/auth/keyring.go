package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/shared/problem"
)

const (
	ringAge   = 5 * time.Minute // a deleted key is believed no longer than this
	ringPause = 3 * time.Second // between two reads that unknown kids ask for
	ringWait  = 2 * time.Second // for one read
)

var errNoKey = errors.New("no key of that kid")

// Key is one signing key as it is stored.
type Key struct {
	ID          string    // the tokens' kid
	Public      []byte    // DER, SubjectPublicKeyInfo, P-256
	Sealed      []byte    // the private key, encrypted by KMS
	ActivatesAt time.Time // from then on tokens are signed with it
	RetiresAt   time.Time // no token signed with it is left; zero: no successor yet
}

// signs reports whether the key may sign a token that is to live from now for
// AccessTTL.
func (k Key) signs(now time.Time) bool {
	return !now.Before(k.ActivatesAt) && (k.RetiresAt.IsZero() || !now.Add(AccessTTL).After(k.RetiresAt))
}

// retired reports whether the key checks no token any more.
func (k Key) retired(now time.Time) bool {
	return !k.RetiresAt.IsZero() && !now.Before(k.RetiresAt)
}

// KeySource reads every stored key, in any order.
type KeySource interface {
	Keys(ctx context.Context) ([]Key, error)
}

// Keyring holds the keys in memory. It reads them again when they are older than
// ringAge, and when a token names a key that it doesn't know, but not more often
// than every ringPause, so that forged tokens can't make it hammer the table.
// What it has stays in use while the source is away.
type Keyring struct {
	source  KeySource
	now     func() time.Time
	reading sync.Mutex
	held    atomic.Pointer[ring]
}

// ring is one reading of the keys; it never changes.
type ring struct {
	keys   []Key // by activation, oldest first
	public map[string]*ecdsa.PublicKey
	tried  time.Time // when the source was last asked
	read   time.Time // when it last answered
	err    error     // why it didn't the last time
}

// NewKeyring returns an empty ring; it reads when it is first used.
func NewKeyring(source KeySource, now func() time.Time) *Keyring {
	k := &Keyring{source: source, now: now}
	k.held.Store(&ring{})
	return k
}

// Keys returns the keys that are not retired, oldest first, those included that
// are published and not in use yet.
func (k *Keyring) Keys(ctx context.Context) ([]Key, error) {
	r := k.fresh(ctx)
	if len(r.keys) == 0 && r.err != nil {
		return nil, r.err
	}
	now := k.now()
	return slices.DeleteFunc(slices.Clone(r.keys), func(key Key) bool { return key.retired(now) }), nil
}

func (k *Keyring) public(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	r := k.fresh(ctx)
	if r.public[kid] == nil && kid != "" {
		r = k.reread(ctx)
	}
	pub := r.public[kid]
	switch {
	case pub == nil && r.err != nil:
		return nil, r.err
	case pub == nil || r.retired(kid, k.now()):
		return nil, errNoKey
	}
	return pub, nil
}

func (r *ring) retired(kid string, now time.Time) bool {
	return slices.ContainsFunc(r.keys, func(key Key) bool { return key.ID == kid && key.retired(now) })
}

// fresh returns the ring, read again first if it is too old. While one caller
// reads, the others go on with what there is.
func (k *Keyring) fresh(ctx context.Context) *ring {
	r := k.held.Load()
	if len(r.keys) == 0 {
		return k.reread(ctx)
	}
	now := k.now()
	if now.Sub(r.read) < ringAge || now.Sub(r.tried) < ringPause || !k.reading.TryLock() {
		return r
	}
	defer k.reading.Unlock()
	return k.read(ctx)
}

// reread reads again unless that has just been done. An empty ring is always
// read: a new installation's first key is to be found at once.
func (k *Keyring) reread(ctx context.Context) *ring {
	k.reading.Lock()
	defer k.reading.Unlock()
	r := k.held.Load()
	if len(r.keys) > 0 && k.now().Sub(r.tried) < ringPause {
		return r
	}
	return k.read(ctx)
}

func (k *Keyring) read(ctx context.Context) *ring {
	ctx, cancel := context.WithTimeout(ctx, ringWait)
	defer cancel()
	next := *k.held.Load()
	next.tried = k.now()
	keys, public, err := load(ctx, k.source)
	if next.err = err; err == nil {
		next.keys, next.public, next.read = keys, public, next.tried
	}
	k.held.Store(&next)
	return &next
}

func load(ctx context.Context, source KeySource) ([]Key, map[string]*ecdsa.PublicKey, error) {
	keys, err := source.Keys(ctx)
	if err != nil {
		return nil, nil, keysAway(err)
	}
	public := make(map[string]*ecdsa.PublicKey, len(keys))
	for _, key := range keys {
		if public[key.ID], err = parsePublic(key.Public); err != nil {
			return nil, nil, keysAway(fmt.Errorf("key %s: %w", key.ID, err))
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return a.ActivatesAt.Compare(b.ActivatesAt) })
	return keys, public, nil
}

func parsePublic(der []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	pub, ok := parsed.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, errors.New("not a P-256 key")
	}
	return pub, nil
}

func keysAway(err error) error {
	return problem.New(problem.Unavailable, "unavailable", "The service is busy; please try again in a moment.").
		Because(fmt.Errorf("signing keys: %w", err))
}
