//go:build service

package accountapi_test

import (
	"testing"
	"time"

	"parley/shared/account"
)

func tokenBody(token string) string { return `{"token":"` + token + `"}` }

func resetBody(token, password string) string {
	return `{"token":"` + token + `","password":"` + password + `"}`
}

func TestVerifyEmail(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	token := w.mailed("ada@example.com", "verify")
	w.want(204, "", "POST", "/v1/verify-email", "", tokenBody(token))
	if !w.want(200, "", "GET", "/v1/me", a.AccessToken, "").User.EmailVerified {
		t.Error("the address isn't verified")
	}
	w.want(422, "link_invalid", "POST", "/v1/verify-email", "", tokenBody(token))
	sent := len(w.letters)
	w.want(204, "", "POST", "/v1/verify-email/resend", a.AccessToken, "")
	if len(w.letters) != sent {
		t.Error("a letter went to an address that is verified")
	}
}

func TestVerificationExpiresAndIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.ada()
	old := w.mailed("ada@example.com", "verify")
	w.pass(account.VerifyFor)
	w.want(422, "link_invalid", "POST", "/v1/verify-email", "", tokenBody(old))
	a := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	for range 3 {
		w.want(204, "", "POST", "/v1/verify-email/resend", a.AccessToken, "")
	}
	w.want(429, "rate_limited", "POST", "/v1/verify-email/resend", a.AccessToken, "")
	w.want(422, "link_invalid", "POST", "/v1/verify-email", "", tokenBody(old))
	w.want(204, "", "POST", "/v1/verify-email", "", tokenBody(w.mailed("ada@example.com", "verify")))
}

func TestSignUpOutlivesTheMail(t *testing.T) {
	w := newWorld(t)
	w.ails = true
	a := w.ada()
	w.want(500, "internal", "POST", "/v1/verify-email/resend", a.AccessToken, "")
	w.ails = false
	w.want(204, "", "POST", "/v1/verify-email/resend", a.AccessToken, "")
	w.want(204, "", "POST", "/v1/verify-email", "", tokenBody(w.mailed("ada@example.com", "verify")))
}

func TestResetPasswordEndsEverySession(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"Ada@example.com"}`)
	token := w.mailed("ada@example.com", "reset")
	w.want(422, "link_invalid", "POST", "/v1/verify-email", "", tokenBody(token))
	w.want(204, "", "POST", "/v1/reset-password", "", resetBody(token, "another fine one"))
	w.want(422, "link_invalid", "POST", "/v1/reset-password", "", resetBody(token, "yet another fine one"))
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(a.RefreshToken))
	w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	b := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", "another fine one"))
	if !b.User.EmailVerified {
		t.Error("who reads the mail owns the address, but it isn't verified")
	}
	w.want(200, "", "POST", "/v1/token", "", refreshBody(b.RefreshToken))
}

func TestResetExpires(t *testing.T) {
	w := newWorld(t)
	w.ada()
	w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"ada@example.com"}`)
	w.pass(account.ResetFor)
	w.want(422, "link_invalid", "POST", "/v1/reset-password", "", resetBody(w.mailed("ada@example.com", "reset"), "another fine one"))
}

func TestResetAnswersTheSameForAnyAddress(t *testing.T) {
	w := newWorld(t)
	w.ada()
	sent := len(w.letters)
	for range 6 {
		known := w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"ada@example.com"}`)
		unknown := w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"eve@example.com"}`)
		if known.body != unknown.body {
			t.Errorf("%q, %q", known.body, unknown.body)
		}
	}
	if n := len(w.letters) - sent; n != 3 {
		t.Errorf("%d letters for six requests, want the limit and one", n)
	}
	w.ails = true
	w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"ada@example.com"}`)
}

// Somebody signed up with an address that isn't theirs. Its owner gets in by a
// reset, and the stranger is out.
func TestOwnerTakesTheAddressBackByReset(t *testing.T) {
	w := newWorld(t)
	squatter := w.ada()
	w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"ada@example.com"}`)
	w.want(204, "", "POST", "/v1/reset-password", "", resetBody(w.mailed("ada@example.com", "reset"), "the owner's own one"))
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(squatter.RefreshToken))
	w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", "the owner's own one"))
}

// The same, but the owner signs up; that works once the claim has run out.
func TestOwnerTakesTheAddressBackBySignUp(t *testing.T) {
	w := newWorld(t)
	w.ada()
	w.want(409, "email_taken", "POST", "/v1/signup", "", signUpBody("ada@example.com", "+12025550124"))
	w.pass(account.ClaimFor + time.Second)
	owner := w.want(201, "", "POST", "/v1/signup", "", signUpBody("ada@example.com", "+12025550124"))
	w.want(204, "", "POST", "/v1/verify-email", "", tokenBody(w.mailed("ada@example.com", "verify")))
	a := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	if a.User.ID != owner.User.ID {
		t.Error("the address finds the squatter")
	}
}

func TestDeleteMe(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	w.want(202, "", "DELETE", "/v1/me", a.AccessToken, `{"password":"`+secret+`"}`)
	if len(w.purged) != 1 || w.purged[0] != a.User.ID {
		t.Errorf("purged %v", w.purged)
	}
	w.want(401, "token_invalid", "GET", "/v1/me", a.AccessToken, "")
	w.want(401, "token_invalid", "DELETE", "/v1/me", a.AccessToken, `{"password":"`+secret+`"}`)
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(a.RefreshToken))
	w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	w.ada()
}

func TestDeleteMeIsFinishedByARetry(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	w.ails = true
	w.want(500, "internal", "DELETE", "/v1/me", a.AccessToken, `{"password":"`+secret+`"}`)
	w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	w.ails = false
	w.want(403, "wrong_password", "DELETE", "/v1/me", a.AccessToken, `{"password":"not the password"}`)
	w.want(202, "", "DELETE", "/v1/me", a.AccessToken, `{"password":"`+secret+`"}`)
	if len(w.purged) != 1 {
		t.Errorf("purged %v", w.purged)
	}
}

func TestDeleteMeCantBeGuessed(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	for range 4 {
		w.want(403, "wrong_password", "DELETE", "/v1/me", a.AccessToken, `{"password":"not the password"}`)
	}
	w.want(429, "rate_limited", "DELETE", "/v1/me", a.AccessToken, `{"password":"`+secret+`"}`)
}
