package account

import (
	"bytes"
	"context"
	"errors"
	"time"

	"parley/shared/auth"
	"parley/shared/problem"
)

// VerifyEmail marks the address verified to which the token was mailed.
// ErrBadLink.
func (k *Upkeep) VerifyEmail(ctx context.Context, token string) error {
	u, s, err := k.redeem(ctx, token, ToVerify)
	if err != nil {
		return err
	}
	return k.Secrets.Verify(ctx, u, s)
}

// redeem finds whose token it is and whether it still proves their address. The
// store checks the same again when it uses the secret up.
func (k *Upkeep) redeem(ctx context.Context, token string, p Purpose) (User, Secret, error) {
	m, ok := auth.ParseMailed(token)
	if !ok {
		return User{}, Secret{}, ErrBadLink
	}
	u, s, err := k.Secrets.Secret(ctx, m.User, p)
	if err != nil {
		return User{}, Secret{}, err
	}
	good := bytes.Equal(s.Hash, m.Hash()) && k.Now().Before(s.Expires)
	if !good || u.Deleted || u.Email == "" || u.Email != s.Email {
		return User{}, Secret{}, ErrBadLink
	}
	return u, s, nil
}

// ResendVerification mails another link to a user whose address isn't verified;
// the one before is void. ErrTooMany.
func (k *Upkeep) ResendVerification(ctx context.Context, user string) error {
	u, err := present(ctx, k.Users, user)
	if err != nil || u.EmailVerified || u.Email == "" {
		return err
	}
	if err := take(ctx, k.Throttle, k.Now(), Bucket{"verify|" + u.Email, k.Limits.MailPerAccount}); err != nil {
		return err
	}
	mailed := auth.NewMailed(u.ID)
	if err := k.Secrets.Keep(ctx, secretOf(u, ToVerify, mailed, k.Now().Add(VerifyFor))); err != nil {
		return err
	}
	return k.Mailer.Send(ctx, verifyLetter(u.Email, k.Origin, mailed.String()))
}

// RequestReset mails a link for a new password, if the address has an account. It
// answers the same in any case: it makes the same calls to the store, and at a
// multiple of Floor, so that the time of sending a mail doesn't show. More
// requests for one address than MailPerAccount allows are answered as ever and
// send nothing, so that nobody's mailbox is flooded and the last link stays good.
// ErrTooMany for too many from one network.
func (k *Upkeep) RequestReset(ctx context.Context, viewer, email string) error {
	began := time.Now() // real time also in tests with another clock: it is what the caller sees
	email, ok := NormalEmail(email)
	if !ok {
		var c problem.Check
		c.That(false, "email", "email_invalid", "Give a valid e-mail address.")
		return c.Err()
	}
	if err := take(ctx, k.Throttle, k.Now(), Bucket{"reset|" + place(viewer), k.Limits.ResetPerAddress}); err != nil {
		return err
	}
	if err := k.mailReset(ctx, email); err != nil {
		return err
	}
	return pad(ctx, began, k.Floor)
}

// mailReset fails only where the store does, and then for any address; a letter
// that can't be sent is for operators to see.
func (k *Upkeep) mailReset(ctx context.Context, email string) error {
	u, _, err := k.Users.ByEmail(ctx, email, "")
	unknown := errors.Is(err, ErrNoUser)
	if err != nil && !unknown {
		return err
	}
	err = take(ctx, k.Throttle, k.Now(), Bucket{"reset-mail|" + email, k.Limits.MailPerAccount})
	if errors.Is(err, ErrTooMany) {
		return nil
	}
	if err != nil {
		return err
	}
	mailed := auth.NewMailed(u.ID)
	// For an unknown address u names no real account, and the secret is of no use.
	if err := k.Secrets.Keep(ctx, secretOf(u, ToReset, mailed, k.Now().Add(ResetFor))); err != nil || unknown {
		return err
	}
	if err := k.Mailer.Send(ctx, resetLetter(u.Email, k.Origin, mailed.String())); err != nil {
		k.Log.ErrorContext(ctx, "mail not sent", "user", u.ID, "letter", ToReset, "error", err.Error())
	}
	return nil
}

// pad waits until a multiple of floor has passed since began.
func pad(ctx context.Context, began time.Time, floor time.Duration) error {
	if floor <= 0 {
		return nil
	}
	t := time.NewTimer(floor - time.Since(began)%floor)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ResetPassword sets a new password by a mailed token. Reading that mail proves
// the address, so it is verified from then on, every session ends, and the network
// that it comes from counts as the owner's. ErrBadLink.
func (k *Upkeep) ResetPassword(ctx context.Context, viewer, token, password string) error {
	var c problem.Check
	checkNewPassword(&c, password)
	if err := c.Err(); err != nil {
		return err
	}
	u, s, err := k.redeem(ctx, token, ToReset)
	if err != nil {
		return err
	}
	return k.Secrets.Reset(ctx, u, s, hashPassword(password), Visit{Place: place(viewer), At: k.Now()})
}
