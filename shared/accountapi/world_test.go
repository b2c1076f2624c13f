//go:build service

package accountapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/account"
	"parley/shared/accountapi"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/auth/authtest"
	"parley/shared/id"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// world is the account functions behind one address, over real tables, with real
// tokens and a clock that tests move.
type world struct {
	t        *testing.T
	handler  http.Handler
	accounts *store.Accounts
	rotator  *auth.Rotator

	mu      sync.Mutex
	at      time.Time
	letters []account.Letter
	purged  []string
	ails    bool // mail and purge queue are away
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, accounts, chats := storetest.Tables(t)
	w := &world{t: t, at: time.Date(2026, 11, 3, 10, 30, 0, 0, time.UTC), accounts: store.NewAccounts(db, accounts)}
	quota := store.NewChats(db, nil, chats, "")
	log := slog.New(slog.DiscardHandler)
	w.rotator = &auth.Rotator{Keys: w.accounts, Maker: authtest.Vault{}, Now: w.now, Log: log,
		Schedule: auth.Schedule{Period: 30 * 24 * time.Hour, Lead: 24 * time.Hour}}
	w.rotate()
	ring := auth.NewKeyring(w.accounts, w.now)
	issuer := account.Issuer{Signer: auth.NewSigner(ring, authtest.Vault{}), Now: w.now, IDs: id.New}
	s := &api.Service{Verifier: auth.NewVerifier(ring), Edge: api.Edge{Secret: "edge"}, Log: log}
	routes := map[string]http.Handler{}
	maps.Copy(routes, accountapi.SignUp(s, &account.Registration{Issuer: issuer, Users: w.accounts, Throttle: w.accounts,
		Mailer: w, PerAddress: account.PerHour(40), Origin: "https://parley.example", Log: log}))
	maps.Copy(routes, accountapi.Login(s, &account.Access{Issuer: issuer, Users: w.accounts, Sessions: w.accounts, Throttle: w.accounts,
		Limits: account.LoginLimits{PerPair: account.PerHour(3), PerAddress: account.PerHour(20), PerAccount: account.PerHour(6)}}, ring))
	upkeep := &account.Upkeep{Users: w.accounts, Nearby: w.accounts, Secrets: w.accounts, Throttle: w.accounts, Mailer: w,
		Quota: quota, Storage: store.NewFiles(db, chats, ""), Purger: w, Floor: 0, Origin: "https://parley.example", Now: w.now, Log: log,
		Limits: account.UpkeepLimits{ResetPerAddress: account.PerHour(30), MailPerAccount: account.PerHour(2), DeletePerAccount: account.PerHour(3)}}
	maps.Copy(routes, accountapi.Upkeep(s, upkeep))
	maps.Copy(routes, accountapi.Keys(s, &account.Keyholder{Upkeep: upkeep, PATs: w.accounts, IDs: id.New}))
	w.handler = s.Mux(routes)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) rotate() {
	w.t.Helper()
	if err := w.rotator.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// Send keeps a letter instead of mailing it.
func (w *world) Send(_ context.Context, l account.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ails {
		return errors.New("SES is away")
	}
	w.letters = append(w.letters, l)
	return nil
}

// Purge notes whose data is to go.
func (w *world) Purge(_ context.Context, user, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ails {
		return errors.New("SQS is away")
	}
	w.purged = append(w.purged, user)
	return nil
}

// mailed returns the token in the last letter to that address.
func (w *world) mailed(to, kind string) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.letters) - 1; i >= 0; i-- {
		if _, rest, ok := strings.Cut(w.letters[i].Text, "https://parley.example/#"+kind+"="); ok && w.letters[i].To == to {
			token, _, _ := strings.Cut(rest, "\n")
			return token
		}
	}
	w.t.Fatalf("no %s letter to %s", kind, to)
	return ""
}

// answer is what came back.
type answer struct {
	account.Welcome
	Code   string `json:"code"`
	Errors []struct {
		Field string `json:"field"`
	} `json:"errors"`
	Limits map[string]int      `json:"limits"`
	Used   map[string]int      `json:"used"`
	Keys   []map[string]string `json:"keys"`
	status int
	header http.Header
	body   string
}

// call sends a request from a network with an access token; either may be empty.
func (w *world) call(method, path, from, token, body string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(api.EdgeSecretHeader, "edge")
	if from == "" {
		from = "192.0.2.1"
	}
	r.Header.Set(api.ViewerHeader, from+":1234")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	raw, _ := io.ReadAll(rec.Body)
	a := answer{status: rec.Code, header: rec.Header(), body: string(raw)}
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &a); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

// want calls and fails the test unless status and code are as expected.
func (w *world) want(status int, code, method, path, token, body string) answer {
	w.t.Helper()
	a := w.call(method, path, "", token, body)
	w.check(a, status, code)
	return a
}

func (w *world) check(a answer, status int, code string) {
	w.t.Helper()
	if a.status != status || a.Code != code {
		w.t.Fatalf("got %d %s, want %d %q", a.status, a.body, status, code)
	}
}

const secret = "correct horse battery"

func signUpBody(email, phone string) string {
	return `{"name":"Ada","email":"` + email + `","password":"` + secret + `","phone":"` + phone + `","country":"GB"}`
}

func loginBody(email, password string) string {
	return `{"email":"` + email + `","password":"` + password + `"}`
}

func refreshBody(token string) string { return `{"refresh_token":"` + token + `"}` }

// ada signs up.
func (w *world) ada() answer {
	w.t.Helper()
	return w.want(201, "", "POST", "/v1/signup", "", signUpBody("ada@example.com", "+12025550123"))
}
