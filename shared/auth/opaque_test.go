package auth_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"parley/shared/auth"
	"parley/shared/id"
)

func TestOpaqueTokensComeBack(t *testing.T) {
	user, family := id.New(time.Now()), id.New(time.Now())
	r := auth.NewRefresh(user, family)
	back, ok := auth.ParseRefresh(r.String())
	if !ok || back != r || len(r.String()) != 86 {
		t.Errorf("refresh token %q came back as %+v, %v", r, back, ok)
	}
	m := auth.NewMailed(user)
	if back, ok := auth.ParseMailed(m.String()); !ok || back != m || len(m.String()) != 64 {
		t.Errorf("mailed token %q came back as %+v, %v", m, back, ok)
	}
	if bytes.Equal(r.Hash(), auth.NewRefresh(user, family).Hash()) {
		t.Error("two secrets are the same")
	}
}

func TestOpaqueTokensHaveOneSpelling(t *testing.T) {
	r := auth.NewRefresh(id.New(time.Now()), id.New(time.Now())).String()
	m := auth.NewMailed(id.New(time.Now())).String()
	for _, bad := range []string{"", m, r + "A", r[1:], r[:85] + "\n", "\n" + r[:85], r + "==", strings.Repeat("!", 86),
		strings.Repeat("_", 86)} {
		if got, ok := auth.ParseRefresh(bad); ok {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
	if _, ok := auth.ParseMailed(r); ok {
		t.Error("a refresh token was read as a mailed one")
	}
}

func FuzzParseRefresh(f *testing.F) {
	f.Add(auth.NewRefresh(id.New(time.Now()), id.New(time.Now())).String())
	f.Add("")
	f.Add(strings.Repeat("_", 86))
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := auth.ParseRefresh(s)
		if ok && (r.String() != s || !id.Valid(r.User) || !id.Valid(r.Family)) {
			t.Errorf("%q was read as %+v, which is %q", s, r, r)
		}
	})
}

func FuzzParseMailed(f *testing.F) {
	f.Add(auth.NewMailed(id.New(time.Now())).String())
	f.Add("")
	f.Add(strings.Repeat("_", 64))
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := auth.ParseMailed(s)
		if ok && (m.String() != s || !id.Valid(m.User)) {
			t.Errorf("%q was read as %+v, which is %q", s, m, m)
		}
	})
}
