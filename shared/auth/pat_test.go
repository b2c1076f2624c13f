package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"parley/shared/auth"
	"parley/shared/auth/authtest"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// grants is a store of one token, that counts how often it is asked.
type grants struct {
	pat   auth.PAT
	grant auth.Grant
	err   error
	reads int
}

func (g *grants) Grant(_ context.Context, user, pat string, _ time.Time) (auth.Grant, error) {
	g.reads++
	switch {
	case g.err != nil:
		return auth.Grant{}, g.err
	case user != g.pat.User || pat != g.pat.ID:
		return auth.Grant{}, auth.ErrBadPAT
	}
	return g.grant, nil
}

// newGrants returns a store, a verifier over it and the clock of both.
func newGrants() (*grants, *auth.PATVerifier, *time.Time) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := auth.NewPAT(id.New(at), id.New(at))
	g := &grants{pat: p, grant: auth.Grant{Hash: p.Hash(),
		Who: auth.Identity{User: p.User, Plan: quota.Premium, Limits: quota.Of(quota.Premium, quota.Limits{})}}}
	return g, auth.NewPATVerifier(g, func() time.Time { return at }), &at
}

func TestPATComesBack(t *testing.T) {
	p := auth.NewPAT(id.New(time.Now()), id.New(time.Now()))
	s := p.String()
	if back, ok := auth.ParsePAT(s); !ok || back != p || len(s) != 93 || !strings.HasPrefix(s, "parley_") {
		t.Errorf("%q came back as %+v, %v", s, back, ok)
	}
	if hint := p.Hint(); hint != "parley_…"+s[89:] {
		t.Errorf("hint %q of %q", hint, s)
	}
	if string(p.Hash()) == string(auth.NewPAT(p.User, p.ID).Hash()) {
		t.Error("two secrets are the same")
	}
}

func TestVerifyPAT(t *testing.T) {
	g, v, _ := newGrants()
	for range 3 {
		who, err := v.Verify(t.Context(), g.pat.String())
		if err != nil || who != g.grant.Who {
			t.Errorf("%+v, %v", who, err)
		}
	}
	if g.reads != 1 {
		t.Errorf("%d reads for three calls at once", g.reads)
	}
}

func TestWhatIsNoPATCostsNoRead(t *testing.T) {
	g, v, _ := newGrants()
	good := g.pat.String()
	refresh := auth.NewRefresh(id.New(time.Now()), id.New(time.Now())).String()
	for _, bad := range []string{"", "parley_", "sk-" + good[7:], good[7:], good + "A", good[:92], good + "==", " " + good,
		strings.ToUpper(good), good[:91] + "\n" + good[91:92], refresh, strings.Repeat("A", 1<<20), "parley_" + strings.Repeat("!", 86)} {
		if who, err := v.Verify(t.Context(), bad); !errors.Is(err, auth.ErrBadPAT) || who != (auth.Identity{}) {
			t.Errorf("%.100q: %+v, %v", bad, who, err)
		}
	}
	if g.reads != 0 {
		t.Errorf("%d reads", g.reads)
	}
}

func TestGuessingCostsOneReadPerAddress(t *testing.T) {
	g, v, _ := newGrants()
	nobody := id.New(time.Now())
	for range 5 {
		for _, user := range []string{g.pat.User, nobody} {
			if _, err := v.Verify(t.Context(), auth.NewPAT(user, g.pat.ID).String()); !errors.Is(err, auth.ErrBadPAT) {
				t.Error(err)
			}
		}
	}
	if g.reads != 2 {
		t.Errorf("%d reads for two addresses", g.reads)
	}
	if _, err := v.Verify(t.Context(), g.pat.String()); err != nil {
		t.Error(err)
	}
}

func TestPATIsReadAgainAfterAMinute(t *testing.T) {
	g, v, at := newGrants()
	verify := func() error {
		_, err := v.Verify(t.Context(), g.pat.String())
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	g.err = auth.ErrBadPAT // deleted
	*at = at.Add(time.Minute - time.Millisecond)
	if err := verify(); err != nil {
		t.Error(err)
	}
	*at = at.Add(time.Millisecond)
	if err := verify(); !errors.Is(err, auth.ErrBadPAT) {
		t.Error(err)
	}
	away := problem.New(problem.Unavailable, "unavailable", "Busy.")
	g.err = away
	*at = at.Add(time.Minute)
	if err := verify(); !errors.Is(err, away) {
		t.Error(err)
	}
	g.err = nil // what can't be read isn't remembered
	if err := verify(); err != nil {
		t.Error(err)
	}
}

func TestPATExpiresToTheSecond(t *testing.T) {
	g, v, at := newGrants()
	g.grant.Expires = at.Add(10 * time.Second)
	*at = at.Add(10*time.Second - 1)
	if _, err := v.Verify(t.Context(), g.pat.String()); err != nil {
		t.Error(err)
	}
	*at = at.Add(1)
	if _, err := v.Verify(t.Context(), g.pat.String()); !errors.Is(err, auth.ErrBadPAT) {
		t.Error(err)
	}
}

func TestAFloodOfMadeUpPATsIsForgotten(t *testing.T) {
	g, v, _ := newGrants()
	for range 10_050 {
		_, _ = v.Verify(t.Context(), auth.NewPAT(id.New(time.Now()), g.pat.ID).String())
	}
	if n := v.Held(); n > 10_000 {
		t.Errorf("%d readings are held", n)
	}
	if _, err := v.Verify(t.Context(), g.pat.String()); err != nil {
		t.Error(err)
	}
}

func TestPATIsNoAccessTokenNorTheOtherWayRound(t *testing.T) {
	realm := authtest.New(t, time.Now)
	g, v, _ := newGrants()
	if _, err := realm.Verify(t.Context(), g.pat.String()); !errors.Is(err, auth.ErrBadToken) {
		t.Error(err)
	}
	if _, err := v.Verify(t.Context(), realm.Token(t, g.pat.User, quota.Free)); !errors.Is(err, auth.ErrBadPAT) {
		t.Error(err)
	}
}

func FuzzParsePAT(f *testing.F) {
	f.Add(auth.NewPAT(id.New(time.Now()), id.New(time.Now())).String())
	f.Add("")
	f.Add("parley_" + strings.Repeat("_", 86))
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := auth.ParsePAT(s)
		if ok && (p.String() != s || !id.Valid(p.User) || !id.Valid(p.ID)) {
			t.Errorf("%q was read as %+v, which is %q", s, p, p)
		}
	})
}
