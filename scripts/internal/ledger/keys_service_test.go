//go:build service

package ledger_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"parley/scripts/internal/runtimeapi"
	"parley/shared/auth"
)

// The compiled function makes the first signing key, then the next one when it is
// due, and says when the first may go; and none in a region that hasn't caught up.
func TestKeysRotate(t *testing.T) {
	r, _ := newRig(t)
	silent(t, r.Chats)
	run := func(env ...string) error {
		e, err := r.Start(t.Context(), "rotate-keys", env...)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		_, err = e.Invoke(t.Context(), []byte("{}"))
		return err
	}
	if _, ok := errors.AsType[*runtimeapi.FunctionError](run("REGIONS=us-east-1,eu-central-1", "ACCOUNTS_REGION=us-east-1")); !ok {
		t.Error("a region that hasn't caught up made a key")
	}
	period, lead := 10000*time.Hour, 9997*time.Hour
	for now := time.Now(); now.Sub(now.Truncate(period)) < 4*time.Hour; { // so long after its beginning none is due
		period, lead = period+time.Hour, lead+time.Hour
	}
	for range 2 { // the next key is due as soon as there is one
		if err := run("KEY_PERIOD="+period.String(), "KEY_LEAD="+lead.String()); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := r.Accounts.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(keys, func(a, b auth.Key) int { return a.ActivatesAt.Compare(b.ActivatesAt) })
	if len(keys) != 2 || keys[0].RetiresAt.Before(keys[1].ActivatesAt) || !keys[1].RetiresAt.IsZero() {
		t.Errorf("keys %+v", keys)
	}
}
