package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"parley/shared/auth"
	"parley/shared/id"
	"parley/shared/problem"
)

// Limits of personal access tokens.
const (
	MaxPATs    = 20   // of one user
	MaxPATDays = 3650 // until one expires
)

// What a store of personal access tokens tells its caller apart.
var (
	ErrNoPAT       = problem.New(problem.NotFound, "not_found", "There is no such key.")
	ErrTooManyPATs = problem.New(problem.Conflict, "key_limit", "You have as many keys as there may be; delete one first.")
	// ErrRaced: another token of the user was made, or all were ended, since the user
	// was read.
	ErrRaced = problem.New(problem.Unavailable, "unavailable", "The service is busy; please try again in a moment.").After(time.Second)
)

// PAT is what is kept and shown of a personal access token; users call it a key.
type PAT struct {
	ID        string    `json:"key_id"`
	Name      string    `json:"name"` // the user's own word for it
	Hint      string    `json:"hint"` // by which its holder knows it again
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never

	User  string `json:"-"`
	Hash  []byte `json:"-"` // of the secret
	Epoch int    `json:"-"` // of the user when it was made; void in another
}

// NewPAT is a token as only its maker ever sees it.
type NewPAT struct {
	PAT
	Key string `json:"key"`
}

// good reports whether p lets its holder in as u.
func (p PAT) good(u User, now time.Time) bool {
	return p.Epoch == u.Epoch && (p.ExpiresAt.IsZero() || now.Before(p.ExpiresAt))
}

// PATs keeps personal access tokens.
type PATs interface {
	// AddPAT writes a token if u is still as it was read. ErrRaced.
	AddPAT(ctx context.Context, u User, p PAT) error
	// PATs reads all of a user's rows, oldest first, whether they are good or not.
	PATs(ctx context.Context, user string) ([]PAT, error)
	// RemovePAT deletes a token. ErrNoPAT.
	RemovePAT(ctx context.Context, user, pat string) error
}

// Keyholder is what users do with their personal access tokens. It takes who calls
// from an access token, so that no key makes or finds other keys.
type Keyholder struct {
	Upkeep *Upkeep
	PATs   PATs
	IDs    id.Source
}

// raceTries is how many tokens that are made at the same moment all succeed.
const raceTries = 5

// Make makes a token that lasts for that many days, or with nil until it is
// deleted. An access token from before the user's sessions were ended makes none,
// so that a thief who is being shut out can't stay in by a key. ErrTooManyPATs.
func (k *Keyholder) Make(ctx context.Context, who auth.Identity, name string, days *int) (NewPAT, error) {
	name, err := checkPAT(name, days)
	for range raceTries {
		if err != nil {
			return NewPAT{}, err
		}
		var made NewPAT
		made, err = k.make(ctx, who, name, days)
		if !errors.Is(err, ErrRaced) {
			return made, err
		}
		err = nil
	}
	return NewPAT{}, ErrRaced
}

func (k *Keyholder) make(ctx context.Context, who auth.Identity, name string, days *int) (NewPAT, error) {
	u, have, err := k.read(ctx, who)
	switch {
	case err != nil:
		return NewPAT{}, err
	case len(have) >= MaxPATs:
		return NewPAT{}, ErrTooManyPATs
	}
	now := k.Upkeep.Now().UTC().Truncate(time.Millisecond)
	token := auth.NewPAT(u.ID, k.IDs(now))
	p := PAT{ID: token.ID, Name: name, Hint: token.Hint(), CreatedAt: now, User: u.ID, Hash: token.Hash(), Epoch: u.Epoch}
	if days != nil {
		p.ExpiresAt = now.AddDate(0, 0, *days).Truncate(time.Second)
	}
	return NewPAT{PAT: p, Key: token.String()}, k.PATs.AddPAT(ctx, u, p)
}

// List returns the tokens that are good, oldest first.
func (k *Keyholder) List(ctx context.Context, who auth.Identity) ([]PAT, error) {
	_, have, err := k.read(ctx, who)
	return have, err
}

// Remove ends a token. ErrNoPAT, also for what is no id.
func (k *Keyholder) Remove(ctx context.Context, who auth.Identity, pat string) error {
	if !id.Valid(pat) {
		return ErrNoPAT
	}
	return k.PATs.RemovePAT(ctx, who.User, pat)
}

// read returns the user and the tokens that are good.
func (k *Keyholder) read(ctx context.Context, who auth.Identity) (User, []PAT, error) {
	u, err := present(ctx, k.Upkeep.Users, who.User)
	if err == nil && u.Epoch != who.Epoch {
		err = auth.ErrBadToken
	}
	if err != nil {
		return User{}, nil, err
	}
	now := k.Upkeep.Now()
	have, err := k.PATs.PATs(ctx, u.ID)
	return u, slices.DeleteFunc(have, func(p PAT) bool { return !p.good(u, now) }), err
}

func checkPAT(name string, days *int) (string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	length := utf8.RuneCountInString(name)
	var c problem.Check
	c.That(length > 0 && length <= MaxName && printable(name), "name", "name_invalid", "Give a name of 1 to 100 characters.")
	c.That(days == nil || *days >= 1 && *days <= MaxPATDays, "expires_in_days", "days_invalid", "Give 1 to 3650 days, or leave it out.")
	return name, c.Err()
}
