package account

import (
	"context"
	"time"

	"parley/shared/auth"
	"parley/shared/id"
)

// Signer signs access tokens.
type Signer interface {
	Sign(ctx context.Context, who auth.Identity) (string, error)
}

// Pair is what a client holds: an access token for requests, and the refresh
// token that gets it the next pair.
type Pair struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"` // seconds, of the access token
	RefreshToken string `json:"refresh_token"`
}

// Welcome answers a sign-up or a log-in.
type Welcome struct {
	User User `json:"user"`
	Pair
}

// Issuer makes pairs.
type Issuer struct {
	Signer Signer
	Now    func() time.Time
	IDs    id.Source
}

// begin makes the token of a new session of u, and its row.
func (i Issuer) begin(u User) (auth.Refresh, Session) {
	now := i.Now()
	r := auth.NewRefresh(u.ID, i.IDs(now))
	return r, Session{User: u.ID, Family: r.Family, Hash: r.Hash(), Epoch: u.Epoch, Expires: now.Add(SessionFor)}
}

// pair signs an access token for u to go with r.
func (i Issuer) pair(ctx context.Context, u User, r auth.Refresh) (Pair, error) {
	token, err := i.Signer.Sign(ctx, u.Identity(i.Now()))
	if err != nil {
		return Pair{}, err
	}
	return Pair{AccessToken: token, ExpiresIn: int(auth.AccessTTL / time.Second), RefreshToken: r.String()}, nil
}
