package account

import (
	"context"
	"log/slog"
	"time"

	"parley/shared/auth"
	"parley/shared/quota"
)

// Registration lets people sign up.
type Registration struct {
	Issuer
	Users      Users
	Throttle   Throttle
	Mailer     Mailer
	PerAddress Limit  // sign-ups from one network
	Origin     string // of the page, for links in mails
	Log        *slog.Logger
}

// SignUp opens an account on the free plan, logged in, and mails a link that
// verifies its address. The account stands also if no mail can be sent; the user
// can ask for another. ErrEmailTaken, ErrPhoneTaken, ErrTooMany.
func (g *Registration) SignUp(ctx context.Context, viewer string, a Application) (Welcome, error) {
	a, err := a.Validate()
	if err != nil {
		return Welcome{}, err
	}
	now, from := g.Now(), place(viewer)
	if err := take(ctx, g.Throttle, now, Bucket{"signup|" + from, g.PerAddress}); err != nil {
		return Welcome{}, err
	}
	u := User{
		ID: g.IDs(now), Name: a.Name, Email: a.Email, Phone: a.Phone, Country: a.Country,
		Plan: quota.Free, CreatedAt: now.UTC().Truncate(time.Millisecond), Password: hashPassword(a.Password),
	}
	refresh, session := g.begin(u)
	mailed := auth.NewMailed(u.ID)
	// Signed before the account is written: a sign-up that can't be answered leaves nothing behind.
	pair, err := g.pair(ctx, u, refresh)
	if err != nil {
		return Welcome{}, err
	}
	m := Member{User: u, Session: session, Visit: Visit{from, now}, Secret: secretOf(u, ToVerify, mailed, now.Add(VerifyFor))}
	if err := g.Users.Create(ctx, m, now.Add(-ClaimFor)); err != nil {
		return Welcome{}, err
	}
	if err := g.Mailer.Send(ctx, verifyLetter(u.Email, g.Origin, mailed.String())); err != nil {
		g.Log.WarnContext(ctx, "mail not sent", "user", u.ID, "letter", ToVerify, "error", err.Error())
	}
	return Welcome{User: u, Pair: pair}, nil
}

func secretOf(u User, p Purpose, m auth.Mailed, expires time.Time) Secret {
	return Secret{User: u.ID, Purpose: p, Hash: m.Hash(), Email: u.Email, Expires: expires}
}
