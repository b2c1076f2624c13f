package account

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"parley/shared/auth"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Limits of what a user may be.
const (
	MaxName     = 100 // characters
	MinPassword = 10  // characters
	MaxPassword = 256 // characters
)

// User is an account.
type User struct {
	ID               string     `json:"user_id"`
	Name             string     `json:"name"`
	Email            string     `json:"email"` // normalised; empty if it was taken over
	EmailVerified    bool       `json:"email_verified"`
	Phone            string     `json:"phone"`   // E.164; empty if it was taken over
	Country          string     `json:"country"` // ISO 3166-1 alpha-2
	Plan             quota.Plan `json:"plan"`
	CreatedAt        time.Time  `json:"created_at"`
	SubscriptionTill time.Time  `json:"subscription_till,omitzero"` // premium ends then; zero: it doesn't

	Own      quota.Limits `json:"-"` // limits of this user's own
	Password string       `json:"-"` // PHC string of the hash
	Epoch    int          `json:"-"` // sessions and PATs of another epoch are void
	PATsMade int          `json:"-"` // ever
	Disabled bool         `json:"-"`
	Deleted  bool         `json:"-"` // a tombstone
}

// At returns u as it stands at that time: a subscription that has ended is free.
func (u User) At(now time.Time) User {
	if !u.SubscriptionTill.IsZero() && !now.Before(u.SubscriptionTill) {
		u.Plan = quota.Free
	}
	return u
}

// Limits returns what the user may use under the plan that u names.
func (u User) Limits() quota.Limits { return quota.Of(u.Plan, u.Own) }

// Identity is what an access token says of the user at that time.
func (u User) Identity(now time.Time) auth.Identity {
	u = u.At(now)
	return auth.Identity{User: u.ID, Plan: u.Plan, Limits: u.Limits(), Epoch: u.Epoch}
}

// Application is what somebody signs up with.
type Application struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Phone    string `json:"phone"`
	Country  string `json:"country"`
}

// Validate returns the application in its normal form, or one error naming every
// bad field.
func (a Application) Validate() (Application, error) {
	var c problem.Check
	var ok bool
	a.Name = norm.NFC.String(strings.TrimSpace(a.Name))
	length := utf8.RuneCountInString(a.Name)
	c.That(length > 0 && length <= MaxName && printable(a.Name), "name", "name_invalid", "Give a name of 1 to 100 characters.")
	a.Email, ok = NormalEmail(a.Email)
	c.That(ok, "email", "email_invalid", "Give a valid e-mail address.")
	a.Phone, ok = normalPhone(a.Phone)
	c.That(ok, "phone", "phone_invalid", "Give a phone number with its country code, such as +12025550123.")
	a.Country, ok = normalCountry(a.Country)
	c.That(ok, "country", "country_invalid", "Give a country by its two letters, such as US.")
	checkNewPassword(&c, a.Password)
	return a, c.Err()
}

func checkNewPassword(c *problem.Check, password string) {
	length := utf8.RuneCountInString(password)
	c.That(length >= MinPassword, "password", "password_too_short", "A password needs 10 characters or more.")
	c.That(length <= MaxPassword, "password", "password_too_long", "A password has 256 characters at most.")
	c.That(length < MinPassword || !wellKnown(password), "password", "password_well_known", "This password is one that many people use; choose another.")
}

// printable refuses control characters, line breaks of any script, and the
// invisible ones that make a text read as another.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Co) ||
			unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\ufeff'
	})
}
