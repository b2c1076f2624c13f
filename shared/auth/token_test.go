package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"parley/shared/auth"
	"parley/shared/auth/authtest"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// clock is a time that tests move by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{time.Date(2026, 11, 3, 10, 30, 0, 0, time.UTC)} }
func caller(at time.Time) auth.Identity {
	return auth.Identity{User: id.New(at), Plan: quota.Premium, Limits: quota.Of(quota.Premium, quota.Limits{})}
}

func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	want := caller(c.at)
	want.Limits.MessagesPerHour = 1000
	token, err := realm.Sign(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := realm.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	c.pass(auth.AccessTTL - time.Second)
	if _, err := realm.Verify(t.Context(), token); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	c.pass(time.Second)
	if _, err := realm.Verify(t.Context(), token); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("at its end: %v, want expired", err)
	}
}

// forge signs what a real token would say, with something changed.
func forge(t *testing.T, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	now := newClock().at
	all := jwt.MapClaims{"sub": id.New(now), "plan": "free", "mph": 40, "tpm": 4096, "iss": auth.Issuer,
		"aud": auth.Audience, "iat": now.Unix(), "exp": now.Add(auth.AccessTTL).Unix()}
	for name, value := range claims {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	token := jwt.NewWithClaims(method, all)
	for name, value := range header {
		token.Header[name] = value
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerifyRefuses(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	keys, err := realm.Ring.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kid := map[string]any{"kid": keys[0].ID}
	real := authtest.PrivateKey(t, keys[0])
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es := jwt.SigningMethodES256
	good := forge(t, es, real, kid, nil)
	if _, err := realm.Verify(t.Context(), good); err != nil {
		t.Fatalf("the forge makes no good token: %v", err)
	}
	parts := strings.Split(good, ".")
	cases := map[string]struct {
		token string
		want  error
	}{
		"alg none":             {forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, nil), auth.ErrBadToken},
		"HS256 by public key":  {forge(t, jwt.SigningMethodHS256, keys[0].Public, kid, nil), auth.ErrBadToken},
		"another's key":        {forge(t, es, stranger, kid, nil), auth.ErrBadToken},
		"another's, expired":   {forge(t, es, stranger, kid, map[string]any{"exp": 1}), auth.ErrBadToken},
		"no kid":               {forge(t, es, real, nil, nil), auth.ErrBadToken},
		"kid of another type":  {forge(t, es, real, map[string]any{"kid": 7}, nil), auth.ErrBadToken},
		"unknown kid":          {forge(t, es, real, map[string]any{"kid": "es256-x"}, nil), auth.ErrBadToken},
		"its own key along":    {forge(t, es, stranger, map[string]any{"jwk": "x", "jku": "http://x"}, nil), auth.ErrBadToken},
		"wrong audience":       {forge(t, es, real, kid, map[string]any{"aud": "other"}), auth.ErrBadToken},
		"no audience":          {forge(t, es, real, kid, map[string]any{"aud": nil}), auth.ErrBadToken},
		"wrong issuer":         {forge(t, es, real, kid, map[string]any{"iss": "other"}), auth.ErrBadToken},
		"wrong one, expired":   {forge(t, es, real, kid, map[string]any{"iss": "other", "exp": 1}), auth.ErrBadToken},
		"expired":              {forge(t, es, real, kid, map[string]any{"exp": c.at.Unix()}), auth.ErrExpired},
		"no expiry":            {forge(t, es, real, kid, map[string]any{"exp": nil}), auth.ErrBadToken},
		"not yet valid":        {forge(t, es, real, kid, map[string]any{"nbf": c.at.Add(time.Hour).Unix()}), auth.ErrBadToken},
		"no subject":           {forge(t, es, real, kid, map[string]any{"sub": ""}), auth.ErrBadToken},
		"subject with a key":   {forge(t, es, real, kid, map[string]any{"sub": "U#x"}), auth.ErrBadToken},
		"unknown plan":         {forge(t, es, real, kid, map[string]any{"plan": "gold"}), auth.ErrBadToken},
		"no limit":             {forge(t, es, real, kid, map[string]any{"mph": 0}), auth.ErrBadToken},
		"claim of wrong type":  {forge(t, es, real, kid, map[string]any{"mph": "many"}), auth.ErrBadToken},
		"empty":                {"", auth.ErrBadToken},
		"garbage":              {"a.b.c", auth.ErrBadToken},
		"without signature":    {parts[0] + "." + parts[1] + ".", auth.ErrBadToken},
		"two parts":            {parts[0] + "." + parts[1], auth.ErrBadToken},
		"changed payload":      {parts[0] + "." + parts[1][:20] + "A" + parts[1][21:] + "." + parts[2], auth.ErrBadToken},
		"megabyte":             {strings.Repeat("a", 1<<20), auth.ErrBadToken},
		"padding in signature": {good + "=", auth.ErrBadToken},
	}
	for name, tc := range cases {
		if _, err := realm.Verify(t.Context(), tc.token); !errors.Is(err, tc.want) || problem.From(err).Code != problem.From(tc.want).Code {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	c := newClock()
	realm := authtest.New(f, c.now)
	good := realm.Token(f, id.New(c.at), quota.Free)
	f.Add(good)
	f.Add("")
	f.Add("..")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		who, err := realm.Verify(t.Context(), token)
		switch {
		case err == nil && !id.Valid(who.User):
			t.Errorf("let in %+v", who)
		case err != nil && problem.From(err).Kind != problem.Unauthenticated:
			t.Errorf("answered with %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	c := newClock()
	realm := authtest.New(b, c.now)
	token := realm.Token(b, id.New(c.at), quota.Free)
	for b.Loop() {
		if _, err := realm.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
