package auth

import (
	"parley/shared/problem"
	"parley/shared/quota"
)

// Identity is who calls, as the access token says. Plan and limits are those of
// the moment when the token was signed, at most 15 minutes ago.
type Identity struct {
	User   string // ULID
	Plan   quota.Plan
	Limits quota.Limits // resolved: the plan's, or the user's own
	Epoch  int          // of the user; what ends all sessions raises it
}

// Why a caller is not let in.
var (
	ErrNoToken  = problem.New(problem.Unauthenticated, "token_missing", "Log in first: the request carries no access token.")
	ErrBadToken = problem.New(problem.Unauthenticated, "token_invalid", "The access token is not valid.")
	ErrExpired  = problem.New(problem.Unauthenticated, "token_expired", "The access token has expired.")
)
