package account

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"parley/shared/auth"
	"parley/shared/problem"
	"parley/shared/quota"
)

// ErrWrongPassword answers a user who is logged in and doesn't prove it again.
var ErrWrongPassword = problem.New(problem.Forbidden, "wrong_password", "The password is wrong.")

// Quota tells what a user has used.
type Quota interface {
	// Used returns the messages of that window, as quota.Hour names it.
	Used(ctx context.Context, user, hour string) (int, error)
}

// Storage tells how many bytes a user's files take.
type Storage interface {
	Used(ctx context.Context, user string) (int64, error)
}

// Purger has everything that a user wrote removed some time later; an empty chat
// means all of them.
type Purger interface {
	Purge(ctx context.Context, user, chat string) error
}

// Reader reads accounts as Users does, from a copy that may be a moment behind.
type Reader interface {
	ByID(ctx context.Context, user string) (User, error)
}

// Upkeep is what users do with their account once they have one.
type Upkeep struct {
	Users    Users
	Nearby   Reader // for showing an account, also while Users is away
	Secrets  Secrets
	Throttle Throttle
	Mailer   Mailer
	Quota    Quota
	Storage  Storage
	Purger   Purger
	Limits   UpkeepLimits
	Floor    time.Duration // a request for a reset is answered after a multiple of it
	Origin   string        // of the page, for links in mails
	Now      func() time.Time
	Log      *slog.Logger
}

// UpkeepLimits bound what sends mail or checks a password.
type UpkeepLimits struct {
	ResetPerAddress  Limit // requests for a reset from one network
	MailPerAccount   Limit // letters to one address, of each kind
	DeletePerAccount Limit // wrong passwords on deleting an account
}

// Overview is what a user sees of the account.
type Overview struct {
	User   User         `json:"user"`
	Limits quota.Limits `json:"limits"`
	Used   Used         `json:"used"`
}

// Used is how much of the limits is gone.
type Used struct {
	MessagesThisHour int `json:"messages_this_hour"`
	ResetsInSeconds  int `json:"resets_in_seconds"`

	StorageBytes int64 `json:"storage_bytes"` // of files, with those under way
}

// Me shows a user the account: three reads.
func (k *Upkeep) Me(ctx context.Context, user string) (Overview, error) {
	u, err := present(ctx, k.Nearby, user)
	if err != nil {
		return Overview{}, err
	}
	now := k.Now()
	used, err := k.Quota.Used(ctx, user, quota.Hour(now))
	if err != nil {
		return Overview{}, err
	}
	stored, err := k.Storage.Used(ctx, user)
	if err != nil {
		return Overview{}, err
	}
	u = u.At(now)
	reset := int((quota.Reset(now) + time.Second - 1) / time.Second)
	return Overview{User: u, Limits: u.Limits(), Used: Used{MessagesThisHour: used, ResetsInSeconds: reset, StorageBytes: stored}}, nil
}

// present reads who calls. Whose account is gone holds a token that is no longer
// worth anything.
func present(ctx context.Context, users Reader, user string) (User, error) {
	u, err := users.ByID(ctx, user)
	if errors.Is(err, ErrNoUser) || err == nil && u.Deleted {
		return User{}, auth.ErrBadToken
	}
	if err == nil && u.Disabled {
		return User{}, ErrDisabled
	}
	return u, err
}

// Delete removes the account for good, given its password. First the address and
// the phone number become free and only a tombstone is left; then the purge of
// what the user wrote is handed over. If that fails the same call, made again,
// hands it over: the tombstone keeps the password until then.
func (k *Upkeep) Delete(ctx context.Context, user, password string) error {
	u, err := k.Users.ByID(ctx, user)
	if errors.Is(err, ErrNoUser) || err == nil && u.Password == "" {
		return auth.ErrBadToken
	}
	if err != nil {
		return err
	}
	if u.Disabled {
		return ErrDisabled
	}
	now, bucket := k.Now(), Bucket{"delete|" + user, k.Limits.DeletePerAccount}
	if err := take(ctx, k.Throttle, now, bucket); err != nil {
		return err
	}
	if !matches(u.Password, password) {
		return ErrWrongPassword
	}
	if err := k.Throttle.GiveBack(ctx, now, bucket); err != nil {
		return err
	}
	if err := k.Users.Remove(ctx, u, now); err != nil {
		return err
	}
	if err := k.Purger.Purge(ctx, user, ""); err != nil {
		return err
	}
	return k.Users.Bury(ctx, user)
}
