//go:build service

package gameday

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/shared/id"
)

// user is somebody who has an account and a session.
type user struct {
	id, access, refresh string
}

// answer is what the API said.
type answer struct {
	Status     int    `json:"-"`
	RetryAfter string `json:"-"`
	Code       string `json:"code"`

	User struct {
		ID string `json:"user_id"`
	} `json:"user"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`

	Chat  string `json:"chat_id"`
	Reply string `json:"reply_id"`
	State state  `json:"status"`
	Text  string `json:"text"`
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
	Items []struct {
		ID   string `json:"message_id"`
		Text string `json:"text"`
	} `json:"items"`
}

// state is a message's; a problem's status is a number, and none.
type state string

// UnmarshalJSON implements json.Unmarshaler.
func (s *state) UnmarshalJSON(text []byte) error {
	*s = state(strings.Trim(string(text), `"0123456789`))
	return nil
}

func call(t *testing.T, p *place, method, path, token, key string, body any) answer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + token, "Idempotency-Key": key, "Content-Type": "application/json"} {
		if value != "" && value != "Bearer " {
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, RetryAfter: res.Header.Get("Retry-After")}
	if len(said) > 0 {
		if err := json.Unmarshal(said, &a); err != nil {
			t.Fatalf("%s %s: %v: %.300s", method, path, err, said)
		}
	}
	return a
}

// signUp makes an account by way of that region.
func signUp(t *testing.T, p *place) *user {
	t.Helper()
	a := call(t, p, "POST", "/v1/signup", "", "", map[string]string{"name": "Ada", "email": strings.ToLower(id.New(time.Now())) + "@example.com",
		"password": "quiet harbour at dawn", "phone": fmt.Sprintf("+1415%07d", rand.IntN(1e7)), "country": "GB"})
	if a.Status != http.StatusCreated {
		t.Fatalf("sign-up in %s: %+v", p.name, a)
	}
	return &user{a.User.ID, a.Access, a.Refresh}
}

// renew trades the refresh token in.
func (u *user) renew(t *testing.T, p *place) answer {
	t.Helper()
	a := call(t, p, "POST", "/v1/token", "", "", map[string]string{"refresh_token": u.refresh})
	if a.Status == http.StatusOK {
		u.access, u.refresh = a.Access, a.Refresh
	}
	return a
}

// question is something asked; it can be asked again with its key.
type question struct {
	user             *user
	text, key        string
	chat, reply, was string // was: the chat that it was asked in, empty for a new one
}

func (q *question) send(t *testing.T, p *place) answer {
	t.Helper()
	body := map[string]string{"text": q.text}
	if q.was != "" {
		body["chat_id"] = q.was
	}
	a := call(t, p, "POST", "/v1/messages", q.user.access, q.key, body)
	if a.Status == http.StatusAccepted {
		if q.reply != "" && (q.reply != a.Reply || q.chat != a.Chat) {
			t.Fatalf("the key of %q stood for %s and now for %s", q.text, q.reply, a.Reply)
		}
		q.chat, q.reply = a.Chat, a.Reply
	}
	return a
}

// ask sends a question for the first time.
func (u *user) ask(t *testing.T, p *place, chat, text string) *question {
	t.Helper()
	q := &question{user: u, text: text, key: id.New(time.Now()), was: chat}
	if a := q.send(t, p); a.Status != http.StatusAccepted {
		t.Fatalf("%q in %s: %+v", text, p.name, a)
	}
	return q
}

// stands returns the reply as that region shows it.
func (q *question) stands(t *testing.T, p *place) answer {
	t.Helper()
	return call(t, p, "GET", "/v1/chats/"+q.chat+"/messages/"+q.reply, q.user.access, "", nil)
}

// await waits until the reply stands so there.
func (q *question) await(t *testing.T, p *place, want state, limit time.Duration) answer {
	t.Helper()
	var a answer
	await(t, limit, fmt.Sprintf("%q is %s in %s", q.text, want, p.name), func() bool {
		a = q.stands(t, p)
		return a.State == want
	}, func() any { return a })
	return a
}

// await polls until what holds.
func await(t *testing.T, limit time.Duration, what string, holds func() bool, last func() any) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(150 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s; last: %+v", limit, what, last())
		}
	}
}
