//go:build service

package accountapi_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/auth"
	"parley/shared/id"
	"parley/shared/store"
)

func TestSignUpLogsIn(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	if !id.Valid(a.User.ID) || a.ExpiresIn != 900 || a.AccessToken == "" || len(a.RefreshToken) != 86 {
		t.Errorf("%+v", a.Welcome)
	}
	if strings.Contains(a.body, "argon2id") || strings.Contains(a.body, "subscription_till") {
		t.Error(a.body)
	}
	me := w.want(200, "", "GET", "/v1/me", a.AccessToken, "")
	if d := cmp.Diff(a.User, me.User); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"messages_per_hour": 40, "tokens_per_message": 4096, "storage_bytes": 5 << 30}, me.Limits); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"messages_this_hour": 0, "resets_in_seconds": 1800, "storage_bytes": 0}, me.Used); d != "" {
		t.Error(d)
	}
	w.want(200, "", "POST", "/v1/login", "", loginBody(" ADA@Example.com", secret))
	w.want(409, "email_taken", "POST", "/v1/signup", "", signUpBody("Ada@example.com", "+12025550124"))
	w.want(409, "phone_taken", "POST", "/v1/signup", "", signUpBody("eve@example.com", "+1 202 555-0123"))
}

func TestParallelSignUps(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	answers := make(chan answer, 8)
	for i := range cap(answers) {
		wg.Go(func() {
			answers <- w.call("POST", "/v1/signup", "", "", signUpBody("ada@example.com", fmt.Sprintf("+120255501%02d", i)))
		})
	}
	wg.Wait()
	close(answers)
	won := 0
	for a := range answers {
		if a.status == 201 {
			won++
		} else {
			w.check(a, 409, "email_taken")
		}
	}
	if won != 1 {
		t.Errorf("%d of parallel sign-ups won", won)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	w := newWorld(t)
	a := w.want(422, "invalid", "POST", "/v1/signup", "", `{"name":"","email":"x","password":"x","phone":"x","country":"x"}`)
	if len(a.Errors) != 5 {
		t.Error(a.body)
	}
	ada := w.ada()
	for _, tc := range []struct {
		status                          int
		code, method, path, token, body string
	}{
		{400, "malformed_json", "POST", "/v1/signup", "", `{`},
		{400, "unknown_field", "POST", "/v1/signup", "", `{"plan":"premium"}`},
		{400, "wrong_type", "POST", "/v1/login", "", `{"email":1}`},
		{400, "malformed_json", "POST", "/v1/login", "", "{\"email\":\"\\ud800\"}"},
		{400, "bad_character", "POST", "/v1/login", "", `{"email":"\u0000"}`},
		{413, "body_too_large", "POST", "/v1/login", "", `{"email":"` + strings.Repeat("x", 1<<21) + `"}`},
		{405, "method_not_allowed", "GET", "/v1/login", "", ""},
		{401, "token_missing", "GET", "/v1/me", "", ""},
		{401, "token_invalid", "GET", "/v1/me", "x.y.z", ""},
		{401, "token_invalid", "POST", "/v1/token", "", `{"refresh_token":"x"}`},
		{401, "token_invalid", "POST", "/v1/token", "", refreshBody(auth.NewRefresh(id.New(w.at), id.New(w.at)).String())},
		{401, "token_invalid", "POST", "/v1/logout", "", `{}`},
		{422, "link_invalid", "POST", "/v1/verify-email", "", `{"token":"x"}`},
		{422, "link_invalid", "POST", "/v1/verify-email", "", `{"token":"` + auth.NewMailed(ada.User.ID).String() + `"}`},
		{422, "link_invalid", "POST", "/v1/verify-email", "", `{"token":"` + auth.NewMailed(id.New(w.at)).String() + `"}`},
		{422, "reset_shape", "POST", "/v1/reset-password", "", `{}`},
		{422, "reset_shape", "POST", "/v1/reset-password", "", `{"email":"a@b.co","token":"x"}`},
		{422, "reset_shape", "POST", "/v1/reset-password", "", `{"token":"x"}`},
		{422, "reset_shape", "POST", "/v1/reset-password", "", `{"email":null}`},
		{422, "email_invalid", "POST", "/v1/reset-password", "", `{"email":"x"}`},
		{422, "password_well_known", "POST", "/v1/reset-password", "", `{"token":"x","password":"password12"}`},
		{422, "link_invalid", "POST", "/v1/reset-password", "", `{"token":"x","password":"another fine one"}`},
		{403, "wrong_password", "DELETE", "/v1/me", ada.AccessToken, `{"password":"x"}`},
	} {
		t.Run(tc.path+" "+tc.code, func(t *testing.T) {
			w.t = t
			w.want(tc.status, tc.code, tc.method, tc.path, tc.token, tc.body)
		})
	}
}

func TestRefreshRotatesAndReuseEndsTheFamily(t *testing.T) {
	w := newWorld(t)
	first := w.ada()
	other := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	w.pass(20 * time.Minute)
	w.want(401, "token_expired", "GET", "/v1/me", first.AccessToken, "")
	second := w.want(200, "", "POST", "/v1/token", "", refreshBody(first.RefreshToken))
	w.want(200, "", "GET", "/v1/me", second.AccessToken, "")
	third := w.want(200, "", "POST", "/v1/token", "", refreshBody(second.RefreshToken))
	w.want(401, "token_reused", "POST", "/v1/token", "", refreshBody(first.RefreshToken))
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(third.RefreshToken))
	w.want(200, "", "POST", "/v1/token", "", refreshBody(other.RefreshToken))
}

func TestParallelRefreshes(t *testing.T) {
	w := newWorld(t)
	token := w.ada().RefreshToken
	var wg sync.WaitGroup
	answers := make(chan answer, 8)
	for range cap(answers) {
		wg.Go(func() { answers <- w.call("POST", "/v1/token", "", "", refreshBody(token)) })
	}
	wg.Wait()
	close(answers)
	won := 0
	for a := range answers {
		if a.status == 200 {
			won++
		} else if a.status != 401 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if won != 1 {
		t.Errorf("%d refreshes with one token won", won)
	}
}

func TestLogOutEndsOneSession(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	other := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	for range 2 {
		w.want(204, "", "POST", "/v1/logout", "", refreshBody(a.RefreshToken))
	}
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(a.RefreshToken))
	w.want(200, "", "POST", "/v1/token", "", refreshBody(other.RefreshToken))
}

func TestSessionsEndAfterSixtyDays(t *testing.T) {
	w := newWorld(t)
	token := w.ada().RefreshToken
	for range 3 { // each refresh begins the sixty days anew
		w.pass(59 * 24 * time.Hour)
		w.rotate()
		w.pass(24*time.Hour - time.Second)
		token = w.want(200, "", "POST", "/v1/token", "", refreshBody(token)).RefreshToken
	}
	w.pass(60 * 24 * time.Hour)
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(token))
}

func TestRotationOverHTTP(t *testing.T) {
	w := newWorld(t)
	token := w.ada().RefreshToken
	kids := map[string]bool{}
	for hour := range 24 * 35 {
		w.pass(time.Hour - 10*time.Minute)
		w.rotate()
		next := w.want(200, "", "POST", "/v1/token", "", refreshBody(token))
		token = next.RefreshToken
		w.pass(10 * time.Minute)
		w.want(200, "", "GET", "/v1/me", next.AccessToken, "")
		if hour%24 == 0 {
			for _, k := range w.want(200, "", "GET", "/.well-known/jwks.json", "", "").Keys {
				kids[k["kid"]] = true
			}
		}
	}
	if len(kids) < 2 {
		t.Errorf("%d keys were published in 35 days", len(kids))
	}
}

func TestJWKSMayBeCached(t *testing.T) {
	w := newWorld(t)
	a := w.want(200, "", "GET", "/.well-known/jwks.json", "", "")
	if len(a.Keys) != 1 || a.Keys[0]["alg"] != "ES256" || a.header.Get("Cache-Control") != "public, max-age=300" {
		t.Error(a.header, a.body)
	}
}

func TestWrongPasswordAndUnknownAddressAreAlike(t *testing.T) {
	w := newWorld(t)
	w.ada()
	wrong := w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("ada@example.com", "not the password"))
	unknown := w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("eve@example.com", "not the password"))
	strip := func(a answer) string { return a.body[:strings.Index(a.body, "request_id")] }
	if strip(wrong) != strip(unknown) || len(wrong.body) != len(unknown.body) {
		t.Errorf("%s\n%s", wrong.body, unknown.body)
	}
}

func TestGuessingSlowsDown(t *testing.T) {
	w := newWorld(t)
	w.ada()
	guess := func(from, email string) answer {
		return w.call("POST", "/v1/login", from, "", loginBody(email, "not the password"))
	}
	for range 4 {
		w.check(guess("198.51.100.7", "ada@example.com"), 401, "bad_credentials")
	}
	before := 0
	for range 4 {
		a := guess("198.51.100.7", "ada@example.com")
		w.check(a, 429, "rate_limited")
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil || wait <= before {
			t.Errorf("Retry-After %q after %d", a.header.Get("Retry-After"), before)
		}
		before = wait
		w.pass(time.Duration(wait) * time.Second)
		w.check(guess("198.51.100.7", "ada@example.com"), 401, "bad_credentials")
	}
	// The same for an address without account: nothing tells them apart.
	for range 4 {
		w.check(guess("198.51.100.8", "eve@example.com"), 401, "bad_credentials")
	}
	w.check(guess("198.51.100.8", "eve@example.com"), 429, "rate_limited")
}

func TestStrangersDontLockTheOwnerOut(t *testing.T) {
	w := newWorld(t)
	w.ada() // from 192.0.2.1
	refused := 0
	for i := range 40 {
		a := w.call("POST", "/v1/login", fmt.Sprintf("198.51.100.%d", i), "", loginBody("ada@example.com", "not the password"))
		if a.status == 429 {
			refused++
		}
	}
	if refused < 30 {
		t.Errorf("of 40 guesses from as many networks %d were refused", refused)
	}
	w.check(w.call("POST", "/v1/login", "203.0.113.1", "", loginBody("ada@example.com", secret)), 429, "rate_limited")
	for range 10 {
		w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	}
}

func TestOneNetworkCantTryManyAccounts(t *testing.T) {
	w := newWorld(t)
	last := answer{}
	for i := range 22 { // one /64, in which every address is the attacker's
		last = w.call("POST", "/v1/login", fmt.Sprintf("[2001:db8::%x]", i+1), "", loginBody(fmt.Sprintf("u%d@example.com", i), "not the password"))
	}
	w.check(last, 429, "rate_limited")
	w.check(w.call("POST", "/v1/login", "[2001:db8:0:1::1]", "", loginBody("u99@example.com", "not the password")), 401, "bad_credentials")
}

func TestSignUpsFromOneNetworkSlowDown(t *testing.T) {
	w := newWorld(t)
	last := answer{}
	for i := range 42 {
		last = w.call("POST", "/v1/signup", "", "", signUpBody("ada@example.com", fmt.Sprintf("+120255501%02d", i)))
	}
	w.check(last, 429, "rate_limited")
}

func TestDisabledUserIsShutOut(t *testing.T) {
	w := newWorld(t)
	a := w.ada()
	act := store.Act{Who: "ops", At: w.at, ID: id.New(w.at)}
	if err := w.accounts.SetDisabled(t.Context(), act, a.User.ID, true); err != nil {
		t.Fatal(err)
	}
	w.want(403, "account_disabled", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
	w.want(401, "bad_credentials", "POST", "/v1/login", "", loginBody("ada@example.com", "not the password"))
	w.want(403, "account_disabled", "POST", "/v1/token", "", refreshBody(a.RefreshToken))
	w.want(403, "account_disabled", "GET", "/v1/me", a.AccessToken, "")
	act.ID = id.New(w.at.Add(time.Second))
	if err := w.accounts.SetDisabled(t.Context(), act, a.User.ID, false); err != nil {
		t.Fatal(err)
	}
	w.want(401, "token_invalid", "POST", "/v1/token", "", refreshBody(a.RefreshToken))
	w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret))
}
