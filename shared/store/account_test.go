//go:build service

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/account"
	"parley/shared/auth"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

var start = time.Date(2026, 11, 3, 10, 30, 0, 0, time.UTC)

func openAccounts(t *testing.T) *store.Accounts {
	t.Helper()
	db, accounts, _ := storetest.Tables(t)
	return store.NewAccounts(db, accounts)
}

// member is a new account as the use case hands it over.
func member(at time.Time, email, phone string) account.Member {
	u := account.User{ID: id.New(at), Name: "Ada", Email: email, Phone: phone, Country: "GB", Plan: quota.Free,
		CreatedAt: at, Password: "hash of " + email}
	return account.Member{User: u, Session: newSession(u, at), Visit: account.Visit{Place: "192.0.2.1", At: at},
		Secret: account.Secret{User: u.ID, Purpose: account.ToVerify, Hash: []byte("verify"), Email: email, Expires: at.Add(time.Hour)}}
}

func newSession(u account.User, at time.Time) account.Session {
	return account.Session{User: u.ID, Family: id.New(at), Hash: []byte("first"), Epoch: u.Epoch, Expires: at.Add(time.Hour)}
}

func create(t *testing.T, a *store.Accounts, at time.Time, email, phone string) account.Member {
	t.Helper()
	m := member(at, email, phone)
	if err := a.Create(t.Context(), m, at.Add(-account.ClaimFor)); err != nil {
		t.Fatal(err)
	}
	return m
}

func mustBy(t *testing.T, a *store.Accounts, user string) account.User {
	t.Helper()
	u, err := a.ByID(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCreatedAccountIsFound(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	if d := cmp.Diff(m.User, mustBy(t, a, m.User.ID)); d != "" {
		t.Error(d)
	}
	u, known, err := a.ByEmail(t.Context(), "ada@example.com", "192.0.2.1")
	if err != nil || u.ID != m.User.ID || !known {
		t.Errorf("%+v, %v, %v", u, known, err)
	}
	if _, known, _ := a.ByEmail(t.Context(), "ada@example.com", "192.0.2.2"); known {
		t.Error("a strange network is known")
	}
	if _, _, err := a.ByEmail(t.Context(), "eve@example.com", "192.0.2.1"); !errors.Is(err, account.ErrNoUser) {
		t.Error(err)
	}
	if _, err := a.ByID(t.Context(), id.New(start)); !errors.Is(err, account.ErrNoUser) {
		t.Error(err)
	}
}

func TestParallelSignUpsHaveOneWinner(t *testing.T) {
	for name, contact := range map[string]func(i int) (email, phone string){
		"one e-mail": func(i int) (string, string) { return "ada@example.com", fmt.Sprintf("+1202555%04d", i) },
		"one phone":  func(i int) (string, string) { return fmt.Sprintf("ada%d@example.com", i), "+12025550123" },
		"both":       func(int) (string, string) { return "ada@example.com", "+12025550123" },
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			results := make(chan error, 16)
			for i := range cap(results) {
				go func() {
					email, phone := contact(i)
					results <- a.Create(context.Background(), member(start, email, phone), start.Add(-account.ClaimFor))
				}()
			}
			won := 0
			for range cap(results) {
				switch err := <-results; {
				case err == nil:
					won++
				case !errors.Is(err, account.ErrEmailTaken) && !errors.Is(err, account.ErrPhoneTaken):
					t.Error(err)
				}
			}
			if won != 1 {
				t.Errorf("%d sign-ups won", won)
			}
		})
	}
}

func TestTakenNamesWhatIsTaken(t *testing.T) {
	a := openAccounts(t)
	create(t, a, start, "ada@example.com", "+12025550123")
	for want, m := range map[error]account.Member{
		account.ErrEmailTaken: member(start, "ada@example.com", "+12025550124"),
		account.ErrPhoneTaken: member(start, "eve@example.com", "+12025550123"),
	} {
		if err := a.Create(t.Context(), m, start.Add(-account.ClaimFor)); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if _, err := a.ByID(t.Context(), m.User.ID); !errors.Is(err, account.ErrNoUser) {
			t.Error("a refused sign-up left a profile")
		}
	}
}

func TestUnverifiedAddressIsTakenOver(t *testing.T) {
	a := openAccounts(t)
	squatter := create(t, a, start, "ada@example.com", "+12025550123")
	later := start.Add(account.ClaimFor)
	if err := a.Create(t.Context(), member(later, "ada@example.com", "+12025550124"), later.Add(-account.ClaimFor)); !errors.Is(err, account.ErrEmailTaken) {
		t.Fatalf("while the claim holds: %v", err)
	}
	later = later.Add(time.Second)
	owner := create(t, a, later, "ada@example.com", "+12025550124")
	if u, _, err := a.ByEmail(t.Context(), "ada@example.com", ""); err != nil || u.ID != owner.User.ID {
		t.Errorf("the address finds %+v, %v", u, err)
	}
	old := mustBy(t, a, squatter.User.ID)
	if old.Email != "" || old.Phone != "+12025550123" {
		t.Errorf("the squatter holds %q and %q", old.Email, old.Phone)
	}
	if err := a.Verify(t.Context(), squatter.User, squatter.Secret); !errors.Is(err, account.ErrBadLink) {
		t.Errorf("the squatter's old link: %v", err)
	}
	// Who comes back after a day with the same address and number gets both.
	again := create(t, a, later.Add(account.ClaimFor+time.Second), "ada@example.com", "+12025550123")
	if u := mustBy(t, a, squatter.User.ID); u.Phone != "" {
		t.Errorf("the squatter still holds %q", u.Phone)
	}
	if err := a.Verify(t.Context(), again.User, again.Secret); err != nil {
		t.Fatal(err)
	}
	much := later.Add(1000 * time.Hour)
	if err := a.Create(t.Context(), member(much, "ada@example.com", "+12025550125"), much); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("a verified address: %v", err)
	}
	if err := a.Create(t.Context(), member(much, "eve@example.com", "+12025550123"), much); !errors.Is(err, account.ErrPhoneTaken) {
		t.Errorf("a verified account's number: %v", err)
	}
}

func TestParallelTakeoversHaveOneWinner(t *testing.T) {
	a := openAccounts(t)
	create(t, a, start, "ada@example.com", "+12025550123")
	later := start.Add(48 * time.Hour)
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			results <- a.Create(context.Background(), member(later, "ada@example.com", "+12025550123"), later.Add(-account.ClaimFor))
		}()
	}
	won := 0
	for range cap(results) {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, account.ErrEmailTaken) && !errors.Is(err, account.ErrPhoneTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d takeovers won", won)
	}
}

func TestMailedSecretIsGoodOnce(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	var wg sync.WaitGroup
	won := make(chan struct{}, 8)
	for range cap(won) {
		wg.Go(func() {
			if err := a.Verify(t.Context(), m.User, m.Secret); err == nil {
				won <- struct{}{}
			} else if !errors.Is(err, account.ErrBadLink) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("one link was good %d times", len(won))
	}
	if !mustBy(t, a, m.User.ID).EmailVerified {
		t.Error("the address isn't verified")
	}
	if _, _, err := a.Secret(t.Context(), m.User.ID, account.ToVerify); !errors.Is(err, account.ErrBadLink) {
		t.Error(err)
	}
}

func TestResetEndsSessions(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	s := account.Secret{User: m.User.ID, Purpose: account.ToReset, Hash: []byte("reset"), Email: m.User.Email, Expires: start.Add(time.Hour)}
	if err := a.Keep(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	u, read, err := a.Secret(t.Context(), m.User.ID, account.ToReset)
	if err != nil || !bytes.Equal(read.Hash, s.Hash) || read.Email != s.Email || !read.Expires.Equal(s.Expires) {
		t.Fatalf("%+v, %v", read, err)
	}
	if err := a.Reset(t.Context(), u, read, "new hash", account.Visit{Place: "192.0.2.9", At: start}); err != nil {
		t.Fatal(err)
	}
	after, known, err := a.ByEmail(t.Context(), m.User.Email, "192.0.2.9")
	if err != nil || after.Password != "new hash" || !after.EmailVerified || after.Epoch != 1 || !known {
		t.Errorf("%+v, %v, %v", after, known, err)
	}
	if _, err := a.Rotate(t.Context(), m.Session, []byte("first"), start); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("the session after a reset: %v", err)
	}
}

func TestRemoveFreesEverything(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	for range 30 {
		if err := a.Start(t.Context(), newSession(m.User, start), m.Visit); err != nil {
			t.Fatal(err)
		}
	}
	act := store.Act{Who: "ops", At: start, ID: id.New(start)}
	if err := a.SetLimits(t.Context(), act, m.User.ID, quota.Limits{MessagesPerHour: 9}); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(t.Context(), m.User, start); err != nil {
		t.Fatal(err)
	}
	grave := mustBy(t, a, m.User.ID)
	want := account.User{ID: m.User.ID, Password: m.User.Password, Epoch: 1, Deleted: true, CreatedAt: time.UnixMilli(0).UTC()}
	if d := cmp.Diff(want, grave); d != "" {
		t.Error(d)
	}
	if _, err := a.Rotate(t.Context(), m.Session, []byte("first"), start); !errors.Is(err, account.ErrNoSession) {
		t.Error(err)
	}
	if err := a.Remove(t.Context(), grave, start); err != nil {
		t.Errorf("once more: %v", err)
	}
	if err := a.Bury(t.Context(), m.User.ID); err != nil || mustBy(t, a, m.User.ID).Password != "" {
		t.Error("the tombstone keeps its password", err)
	}
	if audits, err := a.Audits(t.Context(), m.User.ID); err != nil || len(audits) != 1 {
		t.Error(audits, err)
	}
	create(t, a, start, "ada@example.com", "+12025550123")
}

func TestOperatorsChangesAreWrittenDown(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	user, ctx := m.User.ID, t.Context()
	at := start
	act := func() store.Act { at = at.Add(time.Second); return store.Act{Who: "ops", At: at, ID: id.New(at)} }
	steps := []error{
		a.SetPlan(ctx, act(), user, quota.Premium, start.Add(time.Hour)),
		a.SetLimits(ctx, act(), user, quota.Limits{MessagesPerHour: 500}),
		a.SetDisabled(ctx, act(), user, true),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	u, err := a.Find(ctx, " ADA@example.com")
	if err != nil || u.Plan != quota.Premium || !u.SubscriptionTill.Equal(start.Add(time.Hour)) || u.Own.MessagesPerHour != 500 || !u.Disabled || u.Epoch != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := a.Rotate(ctx, m.Session, []byte("first"), start); !errors.Is(err, account.ErrNoSession) {
		t.Error("a disabled user's session lives", err)
	}
	steps = []error{a.SetDisabled(ctx, act(), user, false), a.EndSessions(ctx, act(), user), a.SetPlan(ctx, act(), user, quota.Free, time.Time{})}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	if u, _ := a.Find(ctx, user); u.Disabled || u.Epoch != 2 || u.Plan != quota.Free || !u.SubscriptionTill.IsZero() {
		t.Errorf("%+v", u)
	}
	audits, err := a.Audits(ctx, user)
	if err != nil || len(audits) != 6 || audits[2].What != "disabled" || audits[2].Who != "ops" || !audits[2].At.Equal(start.Add(3*time.Second)) {
		t.Errorf("%+v, %v", audits, err)
	}
	if err := a.SetDisabled(ctx, act(), id.New(start), true); !errors.Is(err, account.ErrNoUser) {
		t.Error(err)
	}
}

func TestSigningKeysAreKept(t *testing.T) {
	a := openAccounts(t)
	k := auth.Key{ID: "k1", Public: []byte{1}, Sealed: []byte{2}, ActivatesAt: start}
	for _, want := range []bool{true, false} {
		if added, err := a.AddKey(t.Context(), k); added != want || err != nil {
			t.Errorf("added %v, %v", added, err)
		}
	}
	for _, retires := range []time.Time{start.Add(time.Hour), {}} {
		if err := a.RetireKey(t.Context(), "k1", retires); err != nil {
			t.Fatal(err)
		}
		k.RetiresAt = retires
		got, err := a.Keys(t.Context())
		if d := cmp.Diff([]auth.Key{k}, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	if err := a.RetireKey(t.Context(), "gone", start); err != nil {
		t.Error(err)
	}
}
