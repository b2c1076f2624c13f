//go:build service

package scenario

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"
)

// TestMailedLinks confirms an address and sets a forgotten password by what is mailed.
func TestMailedLinks(t *testing.T) {
	v := newVisitor(t)
	post := func(path string, body map[string]string, want int) {
		t.Helper()
		res := request(t, "POST", path, "", body)
		defer res.Body.Close()
		if res.StatusCode != want {
			t.Fatalf("%s: %s, want %d", path, res.Status, want)
		}
	}
	post("/v1/verify-email", map[string]string{"token": v.mailed(t, "verify")}, http.StatusNoContent)
	if me, err := v.Me(t.Context()); err != nil || !me.User.Verified {
		t.Errorf("the address isn't confirmed: %+v, %v", me.User, err)
	}
	post("/v1/reset-password", map[string]string{"email": v.who.Email}, http.StatusAccepted)
	forgotten := v.who.Password
	v.who.Password = "a wholly new one 9"
	token := v.mailed(t, "reset")
	post("/v1/reset-password", map[string]string{"token": token, "password": v.who.Password}, http.StatusNoContent)
	post("/v1/login", map[string]string{"email": v.who.Email, "password": forgotten}, http.StatusUnauthorized)
	post("/v1/login", map[string]string{"email": v.who.Email, "password": v.who.Password}, http.StatusOK)
	again := request(t, "POST", "/v1/reset-password", "", map[string]string{"token": token, "password": forgotten})
	again.Body.Close()
	if again.StatusCode < 400 {
		t.Errorf("a link works twice: %s", again.Status)
	}
}

// mailed is the secret in the link of that kind that was mailed to the visitor.
func (v *visitor) mailed(t *testing.T, kind string) (secret string) {
	t.Helper()
	link := regexp.MustCompile(`#` + kind + `=(\S+)`)
	waitUntil(t, time.Minute, "a link to "+kind+" was mailed", func() bool {
		res, err := http.Get(need(t, "AWS_ENDPOINT_URL") + "/_ministack/ses/messages")
		if err != nil {
			t.Fatal(err)
		}
		var all struct {
			Messages map[string][]struct {
				To       []string
				BodyText string
			}
		}
		decode(t, res, &all)
		for _, letters := range all.Messages {
			for _, letter := range letters {
				if found := link.FindStringSubmatch(letter.BodyText); found != nil && slices.Contains(letter.To, v.who.Email) {
					secret = found[1]
				}
			}
		}
		return secret != ""
	})
	return secret
}
