package auth

import (
	"context"
	"encoding/base64"
)

// JWKS is the set of public keys (RFC 7517) by which others can check tokens.
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWK is one public key on P-256 (RFC 7518, 6.2).
type JWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// JWKS returns the keys that are not retired, those included that are about to
// come into use.
func (k *Keyring) JWKS(ctx context.Context) (JWKS, error) {
	keys, err := k.Keys(ctx)
	if err != nil {
		return JWKS{}, err
	}
	set := JWKS{Keys: make([]JWK, 0, len(keys))}
	for _, key := range keys {
		jwk, err := jwkOf(key)
		if err != nil {
			return JWKS{}, keysAway(err)
		}
		set.Keys = append(set.Keys, jwk)
	}
	return set, nil
}

func jwkOf(key Key) (JWK, error) {
	pub, err := parsePublic(key.Public)
	if err != nil {
		return JWK{}, err
	}
	point, err := pub.Bytes() // 4, then X and Y of 32 bytes each
	if err != nil {
		return JWK{}, err
	}
	enc := base64.RawURLEncoding
	return JWK{Type: "EC", Curve: "P-256", Use: "sig", Algorithm: algorithm, ID: key.ID,
		X: enc.EncodeToString(point[1:33]), Y: enc.EncodeToString(point[33:])}, nil
}
