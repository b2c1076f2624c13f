//go:build service

// Package sdk proves that clients of OpenAI talk to Parley unchanged: OpenAI's own
// libraries for Python, Node and Go run against a deployed Parley with nothing set
// but base URL and key, the way their users set them.
package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
)

// model is the one that a stack for tests has.
const model = "smollm2-135m-instruct"

// person is a user of a running Parley, with an API key.
type person struct {
	t                    *testing.T
	http                 http.Client
	base, id, token, key string
}

// enter signs somebody up, with so many messages an hour, who makes a key.
func enter(t *testing.T, messages int) *person {
	t.Helper()
	p := &person{t: t, base: need(t, "PARLEY_URL")}
	// Sign-ups are throttled by address; all of 127/8 is this machine.
	from := &net.TCPAddr{IP: net.IPv4(127, byte(rand.N(255)), byte(rand.N(255)), byte(1+rand.N(250)))}
	p.http = http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: from}).DialContext}, Timeout: time.Minute}
	n := rand.Uint64N(1e9)
	welcome := p.call("POST", "/v1/signup", fmt.Sprintf(
		`{"name":"Ada","email":"sdk%d@example.com","password":"libraries of %d words","phone":"+1202%07d","country":"GB"}`, n, n, n%1e7))
	p.token = welcome["access_token"].(string)
	p.id = welcome["user"].(map[string]any)["user_id"].(string)
	p.change(func(a *store.Accounts, act store.Act) error {
		return a.SetLimits(t.Context(), act, p.id, quota.Limits{MessagesPerHour: messages})
	})
	p.key = p.call("POST", "/v1/keys", `{"name":"SDK","expires_in_days":1}`)["key"].(string)
	return p
}

func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: `make test` starts a Parley and sets it", name)
	}
	return value
}

// change does with the account what only operators can.
func (p *person) change(what func(a *store.Accounts, act store.Act) error) {
	p.t.Helper()
	cfg, err := store.AWS(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	accounts := store.NewAccounts(store.DynamoDB(cfg), need(p.t, "ACCOUNTS_TABLE"))
	if err := what(accounts, store.Act{Who: "test", At: time.Now(), ID: id.New(time.Now())}); err != nil {
		p.t.Fatal(err)
	}
}

// call makes a request of Parley's own API that must succeed.
func (p *person) call(method, path, body string) map[string]any {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s, %v: %.300s", method, path, res.Status, err, text)
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		p.t.Fatalf("%s %s: %v: %.300s", method, path, err, text)
	}
	return out
}

// stopped waits until the reply of the user's newest chat has ended, which must be
// by a stop after some of its tokens.
func (p *person) stopped() {
	p.t.Helper()
	chats := p.call("GET", "/v1/chats?limit=1", "")["items"].([]any)
	if len(chats) == 0 {
		p.t.Fatal("store: true left no chat")
	}
	path := "/v1/chats/" + chats[0].(map[string]any)["chat_id"].(string) + "/messages"
	var reply map[string]any
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		items := p.call("GET", path, "")["items"].([]any)
		reply = items[len(items)-1].(map[string]any)
		if reply["status"] != "running" {
			break
		}
	}
	used, _ := reply["usage"].(map[string]any)
	if tokens, _ := used["completion_tokens"].(float64); reply["status"] != "cancelled" || tokens < 1 || tokens > 400 {
		p.t.Errorf("what nobody reads any more is %v", reply)
	}
}

// run starts a program with what OpenAI's libraries read from the environment.
func (p *person) run(others []string, program string, args ...string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "OPENAI_BASE_URL="+p.base+"/v1", "OPENAI_API_KEY="+p.key, "MODEL="+model)
	cmd.Env = append(cmd.Env, others...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		p.t.Errorf("%s: %v\n%s", program, err, &out)
	}
}

func TestPython(t *testing.T) {
	p, poor := enter(t, 1000), enter(t, 1)
	python, err := filepath.Abs("../../.tools/openai/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	p.run([]string{"USED_UP_KEY=" + poor.key}, python, "sdk_test.py")
	p.stopped()
}

func TestNode(t *testing.T) {
	p, poor := enter(t, 1000), enter(t, 1)
	p.run([]string{"USED_UP_KEY=" + poor.key}, "node", "--test", "sdk.test.mjs")
	p.stopped()
}
