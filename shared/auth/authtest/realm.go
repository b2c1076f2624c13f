// Package authtest gives tests real signing keys and real access tokens, without
// a table or KMS.
package authtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/shared/auth"
	"parley/shared/quota"
)

// Realm is a key store, a maker and a vault in memory, with a ring, a signer and
// a verifier over them.
type Realm struct {
	*auth.Verifier
	*auth.Signer
	Ring *auth.Keyring

	mu    sync.Mutex
	keys  []auth.Key
	reads int
}

// New returns a realm that has one active key. Its time is now.
func New(t testing.TB, now func() time.Time) *Realm {
	t.Helper()
	r := &Realm{}
	r.Ring = auth.NewKeyring(r, now)
	r.Signer = auth.NewSigner(r.Ring, Vault{})
	r.Verifier = auth.NewVerifier(r.Ring)
	rotator := auth.Rotator{Keys: r, Maker: Vault{}, Now: now, Log: slog.New(slog.DiscardHandler),
		Schedule: auth.Schedule{Period: 30 * 24 * time.Hour, Lead: 24 * time.Hour}}
	if err := rotator.Run(t.Context()); err != nil {
		t.Fatalf("first signing key: %v", err)
	}
	return r
}

// Token returns an access token of that user with the plan's own limits.
func (r *Realm) Token(t testing.TB, user string, plan quota.Plan) string {
	t.Helper()
	token, err := r.Sign(t.Context(), auth.Identity{User: user, Plan: plan, Limits: quota.Of(plan, quota.Limits{})})
	if err != nil {
		t.Fatalf("sign a token: %v", err)
	}
	return token
}

// Publish adds the realm's keys to a store's, whose readers then take its tokens.
func (r *Realm) Publish(t testing.TB, to interface {
	AddKey(ctx context.Context, k auth.Key) (bool, error)
}) {
	t.Helper()
	keys, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, err := to.AddKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
}

// Keys returns every key, and counts that it was asked.
func (r *Realm) Keys(context.Context) ([]auth.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	return slices.Clone(r.keys), nil
}

// Reads returns how often the keys have been read.
func (r *Realm) Reads() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}

// AddKey stores a key unless its id is taken.
func (r *Realm) AddKey(_ context.Context, k auth.Key) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index(k.ID) >= 0 {
		return false, nil
	}
	r.keys = append(r.keys, k)
	return true, nil
}

// RetireKey notes when a key may go.
func (r *Realm) RetireKey(_ context.Context, kid string, at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.index(kid)
	if i < 0 {
		return fmt.Errorf("no key %s", kid)
	}
	r.keys[i].RetiresAt = at
	return nil
}

// Revoke deletes a key, as an operator would after a leak.
func (r *Realm) Revoke(kid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = slices.DeleteFunc(r.keys, func(k auth.Key) bool { return k.ID == kid })
}

func (r *Realm) index(kid string) int {
	return slices.IndexFunc(r.keys, func(k auth.Key) bool { return k.ID == kid })
}

// Vault makes keys by itself and leaves them in the clear.
type Vault struct{}

// Make returns a fresh P-256 pair.
func (Vault) Make(context.Context, string) (public, sealed []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if public, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		return nil, nil, err
	}
	sealed, err = x509.MarshalPKCS8PrivateKey(key)
	return public, sealed, err
}

// Open returns what Make left in the clear.
func (Vault) Open(_ context.Context, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

// PrivateKey returns the private half of a key of the realm, to forge with.
func PrivateKey(t testing.TB, k auth.Key) *ecdsa.PrivateKey {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(k.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*ecdsa.PrivateKey)
}
