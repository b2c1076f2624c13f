package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// retireSlack keeps a key readable past its last token's end, for clocks that
// differ and for signers that could not open its successor.
const retireSlack = time.Hour

// KeyStore keeps the keys.
type KeyStore interface {
	KeySource
	// AddKey stores a new key; false if one of that id is there already.
	AddKey(ctx context.Context, k Key) (bool, error)
	// RetireKey notes when a key may go; a zero time takes that back.
	RetireKey(ctx context.Context, kid string, at time.Time) error
}

// KeyMaker makes a key pair of which nobody but its vault sees the private half.
type KeyMaker interface {
	Make(ctx context.Context, kid string) (public, sealed []byte, err error)
}

// Schedule says when keys change.
type Schedule struct {
	Period time.Duration // a key signs for about this long
	Lead   time.Duration // a key is published this long before it signs
}

// Validate reports a schedule by which a key would sign before all verifiers
// could have read it, or that never comes to rest.
func (s Schedule) Validate() error {
	if s.Lead < 2*ringAge {
		return fmt.Errorf("the lead of %v is shorter than the %v that verifiers need", s.Lead, 2*ringAge)
	}
	if s.Period < s.Lead+AccessTTL+retireSlack {
		return fmt.Errorf("the period of %v leaves no room for the lead of %v", s.Period, s.Lead)
	}
	return nil
}

// Rotator changes the signing key when that is due. Its runs may overlap or be
// missed: each does what is missing, and a new key's name follows from its
// period, so that of two runs only one adds it.
type Rotator struct {
	Keys     KeyStore
	Maker    KeyMaker
	Schedule Schedule
	Now      func() time.Time
	Log      *slog.Logger
}

// Run adds the next key if it is due and notes when replaced keys retire.
func (r *Rotator) Run(ctx context.Context) error {
	if err := r.Schedule.Validate(); err != nil {
		return err
	}
	keys, err := r.Keys.Keys(ctx)
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	if next, due := r.Schedule.next(keys, r.Now()); due {
		if err := r.add(ctx, next); err != nil {
			return err
		}
		if keys, err = r.Keys.Keys(ctx); err != nil {
			return fmt.Errorf("read the keys: %w", err)
		}
	}
	return r.retire(ctx, keys)
}

func (r *Rotator) add(ctx context.Context, k Key) (err error) {
	if k.Public, k.Sealed, err = r.Maker.Make(ctx, k.ID); err != nil {
		return fmt.Errorf("make key %s: %w", k.ID, err)
	}
	added, err := r.Keys.AddKey(ctx, k)
	if err != nil {
		return fmt.Errorf("store key %s: %w", k.ID, err)
	}
	r.Log.InfoContext(ctx, "signing key", "kid", k.ID, "activates_at", k.ActivatesAt, "added", added)
	return nil
}

func (r *Rotator) retire(ctx context.Context, keys []Key) error {
	slices.SortFunc(keys, func(a, b Key) int { return a.ActivatesAt.Compare(b.ActivatesAt) })
	var failed []error
	for i, k := range keys {
		var at time.Time
		if i+1 < len(keys) {
			at = keys[i+1].ActivatesAt.Add(AccessTTL + retireSlack)
		}
		if k.RetiresAt.Equal(at) {
			continue
		}
		if err := r.Keys.RetireKey(ctx, k.ID, at); err != nil {
			failed = append(failed, fmt.Errorf("retire key %s: %w", k.ID, err))
		}
	}
	return errors.Join(failed...)
}

// next returns the key that is to be added at now, if one is due. Where nothing
// can sign, a key comes into use at once; it is named after the minute, so that
// it doesn't take the name of a key that was revoked before.
func (s Schedule) next(keys []Key, now time.Time) (k Key, due bool) {
	if !slices.ContainsFunc(keys, func(k Key) bool { return k.signs(now) }) {
		return Key{ID: kidOf(now), ActivatesAt: now.Truncate(time.Second)}, true
	}
	var newest time.Time
	for _, k := range keys {
		newest = later(newest, k.ActivatesAt)
	}
	boundary := newest.Truncate(s.Period).Add(s.Period)
	if now.Before(boundary.Add(-s.Lead)) {
		return Key{}, false
	}
	boundary = later(boundary, now.Truncate(s.Period)) // periods in which nothing ran are skipped
	return Key{ID: kidOf(boundary), ActivatesAt: later(boundary, now.Add(s.Lead).Truncate(time.Second))}, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func kidOf(at time.Time) string { return "es256-" + at.UTC().Format("200601021504") }
