package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
)

// Vault decrypts a private key: KMS, or a test's own.
type Vault interface {
	// Open returns the PKCS #8 DER of the private key that belongs to kid.
	Open(ctx context.Context, kid string, sealed []byte) ([]byte, error)
}

// Signer signs access tokens with the newest key that is active. A key is opened
// once and kept; while a new one can't be opened, the one before it goes on as
// long as its tokens would still be checked to their end.
type Signer struct {
	ring  *Keyring
	vault Vault
	mu    sync.Mutex
	open  map[string]*ecdsa.PrivateKey
}

// NewSigner returns a Signer that takes keys and time from ring.
func NewSigner(ring *Keyring, vault Vault) *Signer {
	return &Signer{ring: ring, vault: vault, open: map[string]*ecdsa.PrivateKey{}}
}

// Sign returns an access token for who, good for AccessTTL. It fails with an
// Unavailable error when no key can be had.
func (s *Signer) Sign(ctx context.Context, who Identity) (string, error) {
	keys, err := s.ring.Keys(ctx)
	if err != nil {
		return "", err
	}
	now := s.ring.now()
	err = errors.New("no key is active; rotate-keys makes one")
	for i := len(keys) - 1; i >= 0; i-- {
		if !keys[i].signs(now) {
			continue
		}
		var key *ecdsa.PrivateKey
		if key, err = s.private(ctx, keys[i]); err == nil {
			return sign(keys[i].ID, key, who, now)
		}
	}
	return "", keysAway(err)
}

func (s *Signer) private(ctx context.Context, k Key) (*ecdsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.open[k.ID]; key != nil {
		return key, nil
	}
	der, err := s.vault.Open(ctx, k.ID, k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", k.ID, err)
	}
	key, err := parsePrivate(der)
	if err != nil {
		return nil, fmt.Errorf("parse key %s: %w", k.ID, err)
	}
	s.open[k.ID] = key
	return key, nil
}

func parsePrivate(der []byte) (*ecdsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return key, nil
}
