//go:build service

package valkey_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"parley/fleet/valkey"
	"parley/shared/chat"
	"parley/shared/id"
)

// Two workers and the lease of one reply.
func TestLeases(t *testing.T) {
	client := valkey.Open(valkey.Settings{Addr: os.Getenv("VALKEY_ADDR")})
	defer client.Close()
	const life = 12 * time.Second
	a, b := valkey.NewLeases(client, id.New(time.Now()), life), valkey.NewLeases(client, id.New(time.Now()), life)
	ref := chat.Ref{User: id.New(time.Now()), Chat: id.New(time.Now()), Message: id.New(time.Now())}
	take := func(l *valkey.Leases, free bool) {
		t.Helper()
		wait, err := l.Take(t.Context(), ref)
		if err != nil || free != (wait == 0) || wait > life {
			t.Fatalf("take: wait %s, %v", wait, err)
		}
	}
	keep := func(l *valkey.Leases, attempt int, kept bool) {
		t.Helper()
		lost, err := l.Keep(t.Context(), map[chat.Ref]int{ref: attempt})
		if err != nil || kept == slices.Contains(lost, ref) {
			t.Fatalf("keep at attempt %d: lost %v, %v", attempt, lost, err)
		}
	}
	release := func(l *valkey.Leases) {
		t.Helper()
		if err := l.Release(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	take(a, true)
	take(b, false)
	take(a, true) // its own
	keep(a, 1, true)
	keep(b, 0, false)
	release(b) // not its to give
	take(b, false)

	// b has claimed while Valkey was away: the newer attempt wins, whoever comes first.
	keep(b, 2, true)
	keep(a, 1, false)
	keep(b, 2, true)
	release(b)
	keep(a, 1, true) // the lease was gone
	keep(b, 2, true)
	take(a, false)
	release(b)
	take(a, true)
	release(a)
}
