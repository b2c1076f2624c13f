package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"parley/shared/auth"
	"parley/shared/auth/authtest"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

var monthly = auth.Schedule{Period: 30 * 24 * time.Hour, Lead: 24 * time.Hour}

func rotator(store auth.KeyStore, c *clock) *auth.Rotator {
	return &auth.Rotator{Keys: store, Maker: authtest.Vault{}, Schedule: monthly, Now: c.now, Log: slog.New(slog.DiscardHandler)}
}

// Three periods, in which a token is signed and the rotator runs every ten
// minutes: each token is good to its end, for a verifier that was there
// from the start and for one that has just started.
func TestRotationLogsNobodyOut(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	rotate := rotator(realm, c)
	rotate.Schedule = auth.Schedule{Period: 48 * time.Hour, Lead: 24 * time.Hour}
	user := id.New(c.at)
	kids := map[string]bool{}
	type issued struct {
		token string
		end   time.Time
	}
	var live []issued
	for end := c.at.Add(6 * 24 * time.Hour); c.at.Before(end); c.pass(10 * time.Minute) {
		if err := rotate.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		live = append(live, issued{realm.Token(t, user, quota.Free), c.at.Add(auth.AccessTTL)})
		for len(live) > 0 && !c.at.Before(live[0].end) {
			live = live[1:]
		}
		cold := auth.NewVerifier(auth.NewKeyring(realm, c.now))
		for _, l := range live {
			if _, err := realm.Verify(t.Context(), l.token); err != nil {
				t.Fatalf("%v: warm verifier: %v", c.at, err)
			}
			if _, err := cold.Verify(t.Context(), l.token); err != nil {
				t.Fatalf("%v: cold verifier: %v", c.at, err)
			}
		}
		keys, _ := realm.Keys(t.Context())
		for _, k := range keys {
			kids[k.ID] = true
		}
	}
	if len(kids) != 4 {
		t.Errorf("%d keys in three periods that began within one, want 4", len(kids))
	}
}

func TestRotatorPublishesAheadAndRetires(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	rotate := rotator(realm, c)
	boundary := c.at.Truncate(monthly.Period).Add(monthly.Period)
	run := func(at time.Time, want int) []auth.Key {
		t.Helper()
		c.at = at
		if err := rotate.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys, _ := realm.Keys(t.Context())
		if len(keys) != want {
			t.Fatalf("%v: %d keys, want %d", at, len(keys), want)
		}
		return keys
	}
	run(boundary.Add(-monthly.Lead-time.Second), 1)
	keys := run(boundary.Add(-monthly.Lead), 2)
	if !keys[1].ActivatesAt.Equal(boundary) || !keys[1].RetiresAt.IsZero() {
		t.Errorf("the new key: %+v", keys[1])
	}
	if want := boundary.Add(auth.AccessTTL + time.Hour); !keys[0].RetiresAt.Equal(want) {
		t.Errorf("the old key retires at %v, want %v", keys[0].RetiresAt, want)
	}
	run(boundary, 2)
	// Nothing ran for months: the key that is there goes on, the next is published ahead as ever.
	keys = run(boundary.Add(100*24*time.Hour), 3)
	if lead := keys[2].ActivatesAt.Sub(c.at); lead != monthly.Lead {
		t.Errorf("after a gap the next key activates in %v", lead)
	}
	run(c.at.Add(time.Hour), 3)
}

func TestParallelRunsAddOneKey(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	c.at = c.at.Truncate(monthly.Period).Add(monthly.Period)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := rotator(realm, c).Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if keys, _ := realm.Keys(t.Context()); len(keys) != 2 {
		t.Errorf("%d keys, want 2", len(keys))
	}
}

func TestRevokedKeyIsForgotten(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	token := realm.Token(t, id.New(c.at), quota.Free)
	keys, _ := realm.Keys(t.Context())
	c.pass(time.Minute)
	realm.Revoke(keys[0].ID)
	if err := rotator(realm, c).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pass(5 * time.Minute)
	if _, err := realm.Verify(t.Context(), token); !errors.Is(err, auth.ErrBadToken) {
		t.Errorf("a token of the revoked key: %v", err)
	}
	if _, err := realm.Verify(t.Context(), realm.Token(t, id.New(c.at), quota.Free)); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
}

func TestUnknownKidsReadSeldom(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	other := authtest.New(t, func() time.Time { return c.at.Add(-time.Hour) })
	forged := other.Token(t, id.New(c.at), quota.Free)
	before := realm.Reads()
	for range 100 {
		if _, err := realm.Verify(t.Context(), forged); !errors.Is(err, auth.ErrBadToken) {
			t.Fatal(err)
		}
		c.pass(100 * time.Millisecond)
	}
	if n := realm.Reads() - before; n > 4 {
		t.Errorf("%d reads in ten seconds", n)
	}
}

// away is a source that answers only while it is up.
type away struct {
	*authtest.Realm
	down bool
}

func (a *away) Keys(ctx context.Context) ([]auth.Key, error) {
	if a.down {
		return nil, errors.New("no route to host")
	}
	return a.Realm.Keys(ctx)
}

func TestRingOutlivesItsSource(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	source := &away{Realm: realm}
	ring := auth.NewKeyring(source, c.now)
	verifier, signer := auth.NewVerifier(ring), auth.NewSigner(ring, authtest.Vault{})
	if _, err := verifier.Verify(t.Context(), realm.Token(t, id.New(c.at), quota.Free)); err != nil {
		t.Fatal(err)
	}
	source.down = true
	c.pass(24 * time.Hour)
	token, err := signer.Sign(t.Context(), caller(c.at))
	if err != nil {
		t.Fatalf("sign while the source is away: %v", err)
	}
	if _, err := verifier.Verify(t.Context(), token); err != nil {
		t.Errorf("verify while the source is away: %v", err)
	}
	cold := auth.NewVerifier(auth.NewKeyring(source, c.now))
	if _, err := cold.Verify(t.Context(), token); problem.From(err).Kind != problem.Unavailable {
		t.Errorf("a cold verifier without source: %v, want unavailable", err)
	}
}

// locked is a vault that can't open one key.
type locked struct {
	authtest.Vault
	kid string
}

func (l locked) Open(ctx context.Context, kid string, sealed []byte) ([]byte, error) {
	if kid == l.kid {
		return nil, errors.New("throttled")
	}
	return l.Vault.Open(ctx, kid, sealed)
}

func TestSignerFallsBackToTheKeyBefore(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	boundary := c.at.Truncate(monthly.Period).Add(monthly.Period)
	c.at = boundary.Add(-monthly.Lead)
	if err := rotator(realm, c).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, _ := realm.Keys(t.Context())
	signer := auth.NewSigner(realm.Ring, locked{kid: keys[1].ID})
	c.at = boundary.Add(59 * time.Minute)
	token, err := signer.Sign(t.Context(), caller(c.at))
	if err != nil {
		t.Fatal(err)
	}
	c.pass(auth.AccessTTL - time.Second)
	if _, err := realm.Verify(t.Context(), token); err != nil {
		t.Errorf("the old key's last token, at its end: %v", err)
	}
	c.pass(time.Hour)
	if _, err := signer.Sign(t.Context(), caller(c.at)); problem.From(err).Kind != problem.Unavailable {
		t.Errorf("signing with a retired key: %v, want unavailable", err)
	}
}

func TestJWKSNamesEveryLiveKey(t *testing.T) {
	c := newClock()
	realm := authtest.New(t, c.now)
	c.at = c.at.Truncate(monthly.Period).Add(monthly.Period - monthly.Lead)
	if err := rotator(realm, c).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pass(10 * time.Second)
	set, err := realm.Ring.JWKS(t.Context())
	if err != nil || len(set.Keys) != 2 {
		t.Fatalf("%+v, %v", set, err)
	}
	k := set.Keys[1]
	if k.Type != "EC" || k.Curve != "P-256" || k.Algorithm != "ES256" || len(k.X) != 43 || len(k.Y) != 43 {
		t.Errorf("%+v", k)
	}
	c.pass(monthly.Lead + 2*time.Hour)
	if set, _ = realm.Ring.JWKS(t.Context()); len(set.Keys) != 1 {
		t.Errorf("%d keys after the old one retired", len(set.Keys))
	}
}

func TestScheduleHasRoomForVerifiers(t *testing.T) {
	for _, s := range []auth.Schedule{{}, {Period: time.Hour, Lead: time.Minute}, {Period: 24 * time.Hour, Lead: 24 * time.Hour}} {
		if s.Validate() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}
