package auth

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// What every access token says of itself.
const (
	Issuer    = "parley"
	Audience  = "parley-api"
	AccessTTL = 15 * time.Minute
)

const algorithm = "ES256"

// maxToken bounds what is decoded at all, in bytes; a real token has about 400.
const maxToken = 2048

// claims is the token's payload. Limits are resolved, so that a verifier needs
// no row of the user.
type claims struct {
	Plan             quota.Plan `json:"plan"`
	MessagesPerHour  int        `json:"mph"`
	TokensPerMessage int        `json:"tpm"`
	StorageBytes     int64      `json:"sb,omitzero"` // tokens of an earlier release have none: the plan's
	Epoch            int        `json:"ep,omitzero"`
	jwt.RegisteredClaims
}

func claimsOf(who Identity, now time.Time) claims {
	return claims{
		Plan:             who.Plan,
		MessagesPerHour:  who.Limits.MessagesPerHour,
		TokensPerMessage: who.Limits.TokensPerMessage,
		StorageBytes:     who.Limits.StorageBytes,
		Epoch:            who.Epoch,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   who.User,
			Issuer:    Issuer,
			Audience:  jwt.ClaimStrings{Audience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(AccessTTL)),
		},
	}
}

func (c claims) identity() (Identity, bool) {
	who := Identity{
		User:   c.Subject,
		Plan:   c.Plan,
		Limits: quota.Limits{MessagesPerHour: c.MessagesPerHour, TokensPerMessage: c.TokensPerMessage, StorageBytes: c.StorageBytes},
		Epoch:  c.Epoch,
	}
	if who.Limits.StorageBytes == 0 {
		who.Limits.StorageBytes = quota.Of(who.Plan, quota.Limits{}).StorageBytes
	}
	ok := id.Valid(who.User) && who.Plan.Valid() && c.MessagesPerHour > 0 && c.TokensPerMessage > 0
	return who, ok
}

func sign(kid string, key *ecdsa.PrivateKey, who Identity, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claimsOf(who, now))
	t.Header["kid"] = kid
	return t.SignedString(key)
}

// Verifier checks access tokens against a Keyring.
type Verifier struct {
	ring   *Keyring
	parser *jwt.Parser
}

// NewVerifier returns a Verifier that takes keys and time from ring.
func NewVerifier(ring *Keyring) *Verifier {
	return &Verifier{ring: ring, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithIssuer(Issuer),
		jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(ring.now),
	)}
}

// Verify returns whose token it is. It fails with ErrExpired for a token that was
// good once, with ErrBadToken for any other, and with an Unavailable error when
// the keys can't be read and the token's isn't known yet.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > maxToken {
		return Identity{}, ErrBadToken
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return v.ring.public(ctx, kid)
	})
	if err != nil {
		return Identity{}, refusal(err)
	}
	who, ok := c.identity()
	if !ok {
		return Identity{}, ErrBadToken
	}
	return who, nil
}

// refusal sorts the parser's errors: expiry counts only where nothing else is
// wrong, so that a forged token isn't told apart from garbage.
func refusal(err error) error {
	if e, ok := errors.AsType[*problem.Error](err); ok && e.Kind == problem.Unavailable {
		return e
	}
	others := []error{jwt.ErrTokenSignatureInvalid, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenRequiredClaimMissing}
	for _, other := range others {
		if errors.Is(err, other) {
			return ErrBadToken.Because(err)
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return ErrExpired
	}
	return ErrBadToken.Because(err)
}
