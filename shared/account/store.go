package account

import (
	"context"
	"time"

	"parley/shared/problem"
)

// How long things last.
const (
	SessionFor = 60 * 24 * time.Hour  // without a refresh
	PlaceFor   = 180 * 24 * time.Hour // a network is remembered after a log-in
	VerifyFor  = 24 * time.Hour
	ResetFor   = time.Hour
	ClaimFor   = 24 * time.Hour // an account holds an unverified address
)

// What a store tells its caller apart.
var (
	ErrEmailTaken = problem.New(problem.Conflict, "email_taken", "There is an account with this e-mail address already.")
	ErrPhoneTaken = problem.New(problem.Conflict, "phone_taken", "There is an account with this phone number already.")
	ErrNoUser     = problem.New(problem.NotFound, "not_found", "There is no such user.")
	ErrNoSession  = problem.New(problem.Unauthenticated, "token_invalid", "The refresh token is not valid; please log in.")
	ErrReused     = problem.New(problem.Unauthenticated, "token_reused", "The refresh token was used before, so its session has been ended; please log in.")
	ErrBadLink    = &problem.Error{Kind: problem.Invalid, Code: "link_invalid", Message: "This link has expired or was used before.",
		Fields: []problem.Field{{Field: "token", Code: "link_invalid", Detail: "This link has expired or was used before."}}}
)

// Session is a family of refresh tokens.
type Session struct {
	User    string
	Family  string // ULID
	Hash    []byte // of the current token's secret
	Epoch   int    // of the user when the session began
	Expires time.Time
}

// Purpose is what a mailed secret is good for.
type Purpose string

// The purposes.
const (
	ToVerify Purpose = "verify"
	ToReset  Purpose = "reset"
)

// Secret is what is stored of a mailed token; a user has one for each purpose.
type Secret struct {
	User    string
	Purpose Purpose
	Hash    []byte
	Email   string // the address that it proves
	Expires time.Time
}

// Visit is the owner of an account coming from some network; it is remembered for
// PlaceFor.
type Visit struct {
	Place string
	At    time.Time
}

// Member is a new account with all that is written beside it.
type Member struct {
	User    User
	Session Session
	Visit   Visit  // the first one
	Secret  Secret // to verify the address
}

// Users keeps accounts and their guards.
type Users interface {
	// Create writes a new account in one transaction. What others hold unverified
	// since before staleBefore is taken over. ErrEmailTaken, ErrPhoneTaken.
	Create(ctx context.Context, m Member, staleBefore time.Time) error
	// ByEmail finds an account, and whether it has been logged into from place. It
	// makes the same calls for an address that has none, and returns ErrNoUser with
	// an id that names nobody.
	ByEmail(ctx context.Context, email, place string) (u User, known bool, err error)
	// ByID reads an account or its tombstone. ErrNoUser.
	ByID(ctx context.Context, user string) (User, error)
	// Remove frees address and phone number and leaves a tombstone, in one
	// transaction; then it deletes everything else of the user's.
	Remove(ctx context.Context, u User, at time.Time) error
	// Bury takes the last thing from a tombstone, its password.
	Bury(ctx context.Context, user string) error
}

// Sessions keeps refresh-token families.
type Sessions interface {
	// Start writes a session and remembers the visit.
	Start(ctx context.Context, s Session, v Visit) error
	// Rotate gives the family a new secret if old is its current one, and returns
	// the epoch in which the session began. ErrReused ends the family; ErrNoSession.
	Rotate(ctx context.Context, s Session, old []byte, now time.Time) (epoch int, err error)
	// End deletes a session; it is no error if there is none.
	End(ctx context.Context, user, family string) error
}

// Secrets keeps mailed tokens.
type Secrets interface {
	// Keep replaces the user's secret of that purpose.
	Keep(ctx context.Context, s Secret) error
	// Secret reads a user and a secret. ErrBadLink if either is missing.
	Secret(ctx context.Context, user string, p Purpose) (User, Secret, error)
	// Verify uses the secret up and marks the address verified, in one
	// transaction. ErrBadLink if the secret or the address is no longer theirs.
	Verify(ctx context.Context, u User, s Secret) error
	// Reset does the same, sets the password hash, ends every session and
	// remembers the visit.
	Reset(ctx context.Context, u User, s Secret, password string, v Visit) error
}
