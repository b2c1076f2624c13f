//go:build service

package accountapi_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"parley/shared/auth"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
)

type key struct {
	ID        string    `json:"key_id"`
	Name      string    `json:"name"`
	Hint      string    `json:"hint"`
	Key       string    `json:"key"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// mint makes a key over HTTP.
func (w *world) mint(token, body string) key {
	w.t.Helper()
	a := w.want(201, "", "POST", "/v1/keys", token, body)
	var k key
	if err := json.Unmarshal([]byte(a.body), &k); err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) list(token string) []key {
	w.t.Helper()
	a := w.want(200, "", "GET", "/v1/keys", token, "")
	var l struct {
		Items []key `json:"items"`
	}
	if err := json.Unmarshal([]byte(a.body), &l); err != nil || l.Items == nil {
		w.t.Fatal(a.body, err)
	}
	return l.Items
}

// opens asks a relay that has heard of nothing yet whether it lets that key in.
func (w *world) opens(key string) (auth.Identity, bool) {
	w.t.Helper()
	who, err := auth.NewPATVerifier(w.accounts, w.now).Verify(w.t.Context(), key)
	if err != nil && !errors.Is(err, auth.ErrBadPAT) {
		w.t.Fatal(err)
	}
	return who, err == nil
}

func TestKeysAreShownOnceAndOpenTheRelayOnly(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	if have := w.list(ada.AccessToken); len(have) != 0 {
		t.Fatal(have)
	}
	k := w.mint(ada.AccessToken, `{"name":" my laptop "}`)
	if !id.Valid(k.ID) || k.Name != "my laptop" || len(k.Key) != 93 || k.Hint != "parley_…"+k.Key[89:] || !k.CreatedAt.Equal(w.at) {
		t.Errorf("%+v", k)
	}
	who, ok := w.opens(k.Key)
	if want := (auth.Identity{User: ada.User.ID, Plan: quota.Free, Limits: quota.Of(quota.Free, quota.Limits{})}); !ok || who != want {
		t.Errorf("%+v, %v", who, ok)
	}
	w.pass(time.Second)
	second := w.mint(ada.AccessToken, `{"name":"CI","expires_in_days":30}`)
	if want := w.at.AddDate(0, 0, 30); !second.ExpiresAt.Equal(want) {
		t.Errorf("expires at %s, want %s", second.ExpiresAt, want)
	}
	a := w.want(200, "", "GET", "/v1/keys", ada.AccessToken, "")
	if strings.Contains(a.body, k.Key[60:]) || strings.Contains(a.body, `"key"`) || strings.Contains(a.body, "hash") {
		t.Error(a.body)
	}
	k.Key, second.Key = "", ""
	if d := cmp.Diff([]key{k, second}, w.list(ada.AccessToken)); d != "" {
		t.Error(d)
	}
}

func TestKeysOpenNothingElse(t *testing.T) {
	w := newWorld(t)
	k := w.mint(w.ada().AccessToken, `{"name":"x"}`)
	w.want(401, "token_invalid", "GET", "/v1/me", k.Key, "")
	w.want(401, "token_invalid", "GET", "/v1/keys", k.Key, "")
	w.want(401, "token_invalid", "POST", "/v1/keys", k.Key, `{"name":"y"}`)
	w.want(401, "token_invalid", "DELETE", "/v1/keys/"+k.ID, k.Key, "")
}

func TestBadKeysAreNamed(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	for body, code := range map[string]string{
		`{}`:            "name_invalid",
		`{"name":"  "}`: "name_invalid",
		`{"name":"` + strings.Repeat("é", 101) + `"}`: "name_invalid",
		`{"name":"a\u202eb"}`:                         "name_invalid",
		`{"name":"x","expires_in_days":0}`:            "days_invalid",
		`{"name":"x","expires_in_days":3651}`:         "days_invalid",
		`{"name":"","expires_in_days":-1}`:            "invalid",
	} {
		w.want(422, code, "POST", "/v1/keys", ada.AccessToken, body)
	}
	w.want(400, "wrong_type", "POST", "/v1/keys", ada.AccessToken, `{"name":"x","expires_in_days":"1"}`)
	w.want(400, "unknown_field", "POST", "/v1/keys", ada.AccessToken, `{"name":"x","scopes":[]}`)
	w.want(401, "token_missing", "POST", "/v1/keys", "", `{"name":"x"}`)
	w.want(404, "not_found", "DELETE", "/v1/keys/x", ada.AccessToken, "")
	w.want(404, "not_found", "DELETE", "/v1/keys/"+id.New(w.at), ada.AccessToken, "")
	w.mint(ada.AccessToken, `{"name":"x","expires_in_days":null}`)
}

func TestADeletedKeyIsGone(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	eve := w.want(201, "", "POST", "/v1/signup", "", signUpBody("eve@example.com", "+12025550124"))
	k, other := w.mint(ada.AccessToken, `{"name":"x"}`), w.mint(ada.AccessToken, `{"name":"x"}`)
	w.want(404, "not_found", "DELETE", "/v1/keys/"+k.ID, eve.AccessToken, "")
	if _, ok := w.opens(k.Key); !ok {
		t.Fatal("a stranger deleted a key")
	}
	w.want(204, "", "DELETE", "/v1/keys/"+k.ID, ada.AccessToken, "")
	w.want(404, "not_found", "DELETE", "/v1/keys/"+k.ID, ada.AccessToken, "")
	if _, ok := w.opens(k.Key); ok {
		t.Error("a deleted key opens")
	}
	if _, ok := w.opens(other.Key); !ok {
		t.Error("the other key doesn't")
	}
}

func TestKeysExpire(t *testing.T) {
	w := newWorld(t)
	w.ada()
	login := func() string {
		return w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret)).AccessToken
	}
	k := w.mint(login(), `{"name":"x","expires_in_days":1}`)
	w.pass(24*time.Hour - time.Second)
	if _, ok := w.opens(k.Key); !ok || len(w.list(login())) != 1 {
		t.Error("a key ended before its time")
	}
	w.pass(time.Second)
	if _, ok := w.opens(k.Key); ok || len(w.list(login())) != 0 {
		t.Error("a key lasts longer than its time")
	}
}

func TestTwentyKeysAndNoMore(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	first := w.mint(ada.AccessToken, `{"name":"first"}`)
	var wg sync.WaitGroup
	answers := make(chan answer, 40)
	for i := range cap(answers) {
		wg.Go(func() {
			body := fmt.Sprintf(`{"name":"key %d"}`, i)
			a := w.call("POST", "/v1/keys", "", ada.AccessToken, body)
			for a.status == 503 {
				a = w.call("POST", "/v1/keys", "", ada.AccessToken, body)
			}
			answers <- a
		})
	}
	wg.Wait()
	close(answers)
	made := 0
	for a := range answers {
		if a.status == 201 {
			made++
		} else {
			w.check(a, 409, "key_limit")
		}
	}
	if have := w.list(ada.AccessToken); made != 19 || len(have) != 20 {
		t.Errorf("%d were made besides the first, and there are %d", made, len(have))
	}
	w.want(204, "", "DELETE", "/v1/keys/"+first.ID, ada.AccessToken, "")
	w.mint(ada.AccessToken, `{"name":"one more"}`)
	w.want(409, "key_limit", "POST", "/v1/keys", ada.AccessToken, `{"name":"too many"}`)
}

// TestAResetEndsKeys: who was in the account may have made keys, and may still
// hold an access token to make more.
func TestAResetEndsKeys(t *testing.T) {
	w := newWorld(t)
	thief := w.ada()
	k := w.mint(thief.AccessToken, `{"name":"x"}`)
	w.want(202, "", "POST", "/v1/reset-password", "", `{"email":"ada@example.com"}`)
	w.want(204, "", "POST", "/v1/reset-password", "", `{"token":"`+w.mailed("ada@example.com", "reset")+`","password":"another fine one"}`)
	if _, ok := w.opens(k.Key); ok {
		t.Error("a key outlives the reset of the password")
	}
	w.want(401, "token_invalid", "POST", "/v1/keys", thief.AccessToken, `{"name":"y"}`)
	w.want(401, "token_invalid", "GET", "/v1/keys", thief.AccessToken, "")
	owner := w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", "another fine one"))
	if have := w.list(owner.AccessToken); len(have) != 0 {
		t.Error(have)
	}
	if _, ok := w.opens(w.mint(owner.AccessToken, `{"name":"z"}`).Key); !ok {
		t.Error("the owner's new key doesn't open")
	}
}

func TestOperatorsAndDeletionEndKeys(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	login := func() string {
		return w.want(200, "", "POST", "/v1/login", "", loginBody("ada@example.com", secret)).AccessToken
	}
	act := func() store.Act {
		w.pass(time.Second)
		return store.Act{Who: "ops", At: w.at, ID: id.New(w.at)}
	}
	k := w.mint(ada.AccessToken, `{"name":"x"}`)
	if err := w.accounts.EndSessions(t.Context(), act(), ada.User.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.opens(k.Key); ok {
		t.Error("a key outlives the end of all sessions")
	}
	k = w.mint(login(), `{"name":"x"}`)
	if err := w.accounts.SetDisabled(t.Context(), act(), ada.User.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.opens(k.Key); ok {
		t.Error("a disabled user's key opens")
	}
	w.want(403, "account_disabled", "POST", "/v1/keys", ada.AccessToken, `{"name":"y"}`)
	if err := w.accounts.SetDisabled(t.Context(), act(), ada.User.ID, false); err != nil {
		t.Fatal(err)
	}
	token := login()
	k = w.mint(token, `{"name":"x"}`)
	w.want(202, "", "DELETE", "/v1/me", token, `{"password":"`+secret+`"}`)
	if _, ok := w.opens(k.Key); ok {
		t.Error("a key outlives its account")
	}
	w.want(401, "token_invalid", "POST", "/v1/keys", token, `{"name":"y"}`)
}

// TestAKeyFollowsThePlan: also to the end of a subscription.
func TestAKeyFollowsThePlan(t *testing.T) {
	w := newWorld(t)
	ada := w.ada()
	k := w.mint(ada.AccessToken, `{"name":"x"}`)
	act := store.Act{Who: "ops", At: w.at, ID: id.New(w.at)}
	if err := w.accounts.SetPlan(t.Context(), act, ada.User.ID, quota.Premium, w.at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if who, ok := w.opens(k.Key); !ok || who.Plan != quota.Premium || who.Limits.MessagesPerHour != 80 {
		t.Errorf("%+v, %v", who, ok)
	}
	w.pass(time.Hour)
	if who, ok := w.opens(k.Key); !ok || who.Plan != quota.Free {
		t.Errorf("%+v, %v", who, ok)
	}
}
