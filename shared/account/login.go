package account

import (
	"context"
	"errors"

	"parley/shared/auth"
	"parley/shared/problem"
)

// Why a log-in fails.
var (
	ErrBadCredentials = problem.New(problem.Unauthenticated, "bad_credentials", "The e-mail address or the password is wrong.")
	ErrDisabled       = problem.New(problem.Forbidden, "account_disabled", "This account has been disabled.")
)

// Access lets users in and keeps them in.
type Access struct {
	Issuer
	Users    Users
	Sessions Sessions
	Throttle Throttle
	Limits   LoginLimits
}

// LoginLimits bound failed log-ins.
type LoginLimits struct {
	PerPair    Limit // one account from one network
	PerAddress Limit // any account from one network
	PerAccount Limit // one account from networks that are strange to it
}

func (l LoginLimits) buckets(email, from string, known bool) []Bucket {
	b := []Bucket{{"pair|" + from + "|" + email, l.PerPair}, {"login|" + from, l.PerAddress}}
	if !known {
		b = append(b, Bucket{"account|" + email, l.PerAccount})
	}
	return b
}

// LogIn starts a session. An address without account and a wrong password are
// answered alike, ErrBadCredentials, after the same calls and the same hashing;
// only who knows the password learns of ErrDisabled. ErrTooMany.
func (a *Access) LogIn(ctx context.Context, viewer, email, password string) (Welcome, error) {
	email, _ = NormalEmail(email) // what is no address has no account
	from, now := place(viewer), a.Now()
	u, known, err := a.Users.ByEmail(ctx, email, from)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Welcome{}, err
	}
	buckets := a.Limits.buckets(email, from, known)
	if err := take(ctx, a.Throttle, now, buckets...); err != nil {
		return Welcome{}, err
	}
	if !rightPassword(u, password) {
		return Welcome{}, ErrBadCredentials
	}
	if err := a.Throttle.GiveBack(ctx, now, buckets...); err != nil {
		return Welcome{}, err
	}
	if u.Disabled {
		return Welcome{}, ErrDisabled
	}
	refresh, session := a.begin(u)
	pair, err := a.pair(ctx, u, refresh)
	if err != nil {
		return Welcome{}, err
	}
	if err := a.Sessions.Start(ctx, session, Visit{from, now}); err != nil {
		return Welcome{}, err
	}
	return Welcome{User: u.At(now), Pair: pair}, nil
}

// rightPassword takes the same time for the zero User.
func rightPassword(u User, password string) bool {
	phc := u.Password
	if phc == "" {
		phc = dummy
	}
	return matches(phc, password) && u.Password != "" && !u.Deleted
}

// Refresh trades a refresh token for the next pair: one read and one write. The
// access token is signed first, so that a session isn't moved on by a call that
// can't be answered. ErrReused if the token was used before, which ends its
// family; ErrNoSession; ErrDisabled.
func (a *Access) Refresh(ctx context.Context, token string) (Pair, error) {
	old, ok := auth.ParseRefresh(token)
	if !ok {
		return Pair{}, ErrNoSession
	}
	u, err := a.Users.ByID(ctx, old.User)
	switch {
	case errors.Is(err, ErrNoUser) || err == nil && u.Deleted:
		return Pair{}, ErrNoSession
	case err != nil:
		return Pair{}, err
	case u.Disabled:
		return Pair{}, ErrDisabled
	}
	now, next := a.Now(), auth.NewRefresh(old.User, old.Family)
	pair, err := a.pair(ctx, u, next)
	if err != nil {
		return Pair{}, err
	}
	s := Session{User: old.User, Family: old.Family, Hash: next.Hash(), Expires: now.Add(SessionFor)}
	epoch, err := a.Sessions.Rotate(ctx, s, old.Hash(), now)
	if err != nil {
		return Pair{}, err
	}
	if epoch != u.Epoch {
		return Pair{}, ErrNoSession
	}
	return pair, nil
}

// LogOut ends the session of a refresh token, used before or not. A token that
// names no session is no error; ErrNoSession for what is no token at all.
func (a *Access) LogOut(ctx context.Context, token string) error {
	r, ok := auth.ParseRefresh(token)
	if !ok {
		return ErrNoSession
	}
	return a.Sessions.End(ctx, r.User, r.Family)
}
