//go:build service

package docs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"parley/docs"
)

// talk calls a running Parley and checks every answer against the document, and
// every request too that is meant to be a good one.
type talk struct {
	t     *testing.T
	v     validator.Validator
	http  http.Client
	base  string
	token string
}

// call is one request. A bad one is meant to break the contract.
type call struct {
	method, path string
	body         string
	header       map[string]string
	open, bad    bool
}

func newTalk(t *testing.T) *talk {
	base := os.Getenv("PARLEY_URL")
	if base == "" {
		t.Fatal("PARLEY_URL is not set: `make test` starts a Parley and sets it")
	}
	// Sign-ups are throttled by address; all of 127/8 is this machine.
	from := &net.TCPAddr{IP: net.IPv4(127, byte(rand.N(255)), byte(rand.N(255)), byte(1+rand.N(250)))}
	dial := &net.Dialer{LocalAddr: from, Timeout: 5 * time.Second}
	return &talk{t: t, v: contract(t), base: base,
		http: http.Client{Transport: &http.Transport{DialContext: dial.DialContext}, Timeout: time.Minute}}
}

// do sends a call, checks its answer's status and form, and decodes the body.
func (k *talk) do(c call, status int) map[string]any {
	k.t.Helper()
	res := k.send(c)
	defer res.Body.Close()
	if ok, errs := k.v.ValidateHttpResponse(res.Request, res); !ok {
		for _, e := range errs {
			k.t.Errorf("%s %s: answer: %s: %s", c.method, c.path, e.Message, e.Reason)
		}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	if res.StatusCode != status {
		k.t.Fatalf("%s %s: %s, want %d: %.500s", c.method, c.path, res.Status, status, body)
	}
	out := map[string]any{"header": res.Header}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &out); err != nil {
			k.t.Fatalf("%s %s: %v: %.500s", c.method, c.path, err, body)
		}
	}
	return out
}

// refused is do for a call that must end in a problem of that code.
func (k *talk) refused(c call, status int, code string) {
	k.t.Helper()
	if got := k.do(c, status)["code"]; got != code {
		k.t.Errorf("%s %s: code %v, want %s", c.method, c.path, got, code)
	}
}

func (k *talk) send(c call) *http.Response {
	k.t.Helper()
	req, err := http.NewRequestWithContext(k.t.Context(), c.method, k.base+c.path, strings.NewReader(c.body))
	if err != nil {
		k.t.Fatal(err)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if !c.open {
		req.Header.Set("Authorization", "Bearer "+k.token)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if ok, errs := k.v.ValidateHttpRequestSync(req); !ok && !c.bad {
		for _, e := range errs {
			k.t.Errorf("%s %s: request: %s: %s", c.method, c.path, e.Message, e.Reason)
		}
	}
	res, err := k.http.Do(req)
	if err != nil {
		k.t.Fatal(err)
	}
	return res
}

// enter signs somebody up and returns the answer and the body that did it.
func (k *talk) enter() (welcome map[string]any, application string) {
	k.t.Helper()
	n := rand.Uint64N(1e9)
	application = fmt.Sprintf(`{"name":"Ada","email":"ada%d@example.com","password":"a contract of %d words","phone":"+1202%07d","country":"GB"}`, n, n, n%1e7)
	welcome = k.do(call{method: "POST", path: "/v1/signup", body: application, open: true}, 201)
	k.token = text(welcome, "access_token")
	return welcome, application
}

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func TestAccountAnswers(t *testing.T) {
	k := newTalk(t)
	k.do(call{method: "GET", path: "/.well-known/jwks.json", open: true}, 200)
	welcome, application := k.enter()
	var who struct{ Email, Password string }
	if err := json.Unmarshal([]byte(application), &who); err != nil {
		t.Fatal(err)
	}
	post := func(path, body string) call { return call{method: "POST", path: path, body: body, open: true} }
	bad := func(c call) call { c.bad = true; return c }
	k.refused(post("/v1/signup", application), 409, "email_taken")
	k.refused(post("/v1/signup", strings.Replace(application, "ada", "eve", 1)), 409, "phone_taken")
	k.refused(bad(post("/v1/signup", `{"name":"","email":"x","password":"short","phone":"1","country":"XX"}`)), 422, "invalid")
	k.refused(bad(post("/v1/signup", `{"name"`)), 400, "malformed_json")
	k.refused(bad(post("/v1/signup", `{"nome":"Ada"}`)), 400, "unknown_field")
	k.refused(bad(post("/v1/signup", `{"name":1}`)), 400, "wrong_type")
	k.refused(bad(post("/v1/signup", `{"name":"`+strings.Repeat("a", 70<<10)+`"}`)), 413, "body_too_large")
	k.refused(bad(call{method: "POST", path: "/v1/login", body: "{}", open: true, header: map[string]string{"Content-Type": "text/plain"}}), 415, "unsupported_media_type")
	k.refused(post("/v1/login", `{"email":"nobody@example.com","password":"whatever it is"}`), 401, "bad_credentials")
	k.do(post("/v1/login", fmt.Sprintf(`{"email":%q,"password":%q}`, who.Email, who.Password)), 200)

	k.do(call{method: "GET", path: "/v1/me"}, 200)
	k.refused(bad(call{method: "GET", path: "/v1/me", open: true}), 401, "token_missing")
	k.refused(call{method: "GET", path: "/v1/me", open: true, header: map[string]string{"Authorization": "Bearer e30.e30.e30"}}, 401, "token_invalid")
	k.keys()
	k.do(call{method: "POST", path: "/v1/verify-email/resend"}, 204)
	k.refused(post("/v1/verify-email", `{"token":"nothing"}`), 422, "link_invalid")
	k.do(post("/v1/reset-password", `{"email":"nobody@example.com"}`), 202)
	k.refused(post("/v1/reset-password", `{"token":"nothing","password":"a long enough one"}`), 422, "link_invalid")
	k.refused(bad(post("/v1/reset-password", `{}`)), 422, "reset_shape")

	refresh := fmt.Sprintf(`{"refresh_token":%q}`, text(welcome, "refresh_token"))
	k.do(post("/v1/token", refresh), 200)
	k.refused(post("/v1/token", refresh), 401, "token_reused")
	k.refused(post("/v1/token", `{"refresh_token":"nothing"}`), 401, "token_invalid")
	k.do(post("/v1/logout", refresh), 204)
	k.refused(call{method: "DELETE", path: "/v1/me", body: `{"password":"not this one"}`}, 403, "wrong_password")
	k.do(call{method: "DELETE", path: "/v1/me", body: fmt.Sprintf(`{"password":%q}`, who.Password)}, 202)
}

// keys makes API keys, and every mistake with them that has a code of its own.
func (k *talk) keys() {
	k.t.Helper()
	bad := func(method, path, body string) call { return call{method: method, path: path, body: body, bad: true} }
	made := k.do(call{method: "POST", path: "/v1/keys", body: `{"name":"a program","expires_in_days":1}`}, 201)
	k.refused(bad("POST", "/v1/keys", `{"name":""}`), 422, "name_invalid")
	k.refused(bad("POST", "/v1/keys", `{"name":"x","expires_in_days":0}`), 422, "days_invalid")
	k.refused(bad("POST", "/v1/keys", `{"days":1}`), 400, "unknown_field")
	if items := k.do(call{method: "GET", path: "/v1/keys"}, 200)["items"].([]any); len(items) != 1 {
		k.t.Errorf("keys: %v", items)
	}
	key := map[string]string{"Authorization": "Bearer " + text(made, "key")}
	k.refused(call{method: "GET", path: "/v1/me", open: true, header: key}, 401, "token_invalid")
	k.do(call{method: "DELETE", path: "/v1/keys/" + text(made, "key_id")}, 204)
	k.refused(call{method: "DELETE", path: "/v1/keys/" + text(made, "key_id")}, 404, "not_found")
	for range 20 {
		k.do(call{method: "POST", path: "/v1/keys", body: `{"name":"one of many"}`}, 201)
	}
	k.refused(call{method: "POST", path: "/v1/keys", body: `{"name":"one too many"}`}, 409, "key_limit")
}

func TestChatAnswers(t *testing.T) {
	k := newTalk(t)
	k.enter()
	key := map[string]string{"Idempotency-Key": fmt.Sprint("contract-", rand.Uint64())}
	ask := call{method: "POST", path: "/v1/messages", body: `{"text":"Say yes."}`, header: key}
	first := k.do(ask, 202)
	if again := k.do(ask, 202); text(again, "reply_id") != text(first, "reply_id") || again["header"].(http.Header).Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same key gave %v, first %v", again, first)
	}
	k.refused(call{method: "POST", path: "/v1/messages", body: `{"text":"Say no."}`, header: key}, 422, "idempotency_key_reused")
	chat := "/v1/chats/" + text(first, "chat_id")
	question, reply := chat+"/messages/"+text(first, "message_id"), chat+"/messages/"+text(first, "reply_id")
	k.stream(reply + "/stream")
	if m := k.do(call{method: "GET", path: reply + "/wait?seconds=25"}, 200); m["status"] != "done" {
		t.Errorf("the reply is %v", m)
	}
	for _, path := range []string{question, reply, chat, chat + "/messages", chat + "/messages?limit=1", "/v1/chats", "/v1/chats?limit=1"} {
		k.do(call{method: "GET", path: path}, 200)
	}
	k.do(call{method: "PATCH", path: chat, body: `{"title":"A chat","pinned":true}`}, 200)
	k.do(call{method: "PUT", path: reply + "/feedback", body: `{"rating":"up","comment":"so it is"}`}, 200)
	k.do(call{method: "GET", path: reply}, 200)
	k.do(call{method: "POST", path: reply + "/cancel"}, 200)
	other := k.do(call{method: "POST", path: question + "/regenerate"}, 202)
	k.do(call{method: "POST", path: chat + "/messages/" + text(other, "reply_id") + "/cancel"}, 200)
	k.badChats(chat, reply)
	k.search(text(first, "chat_id"))
	k.do(call{method: "DELETE", path: chat}, 204)
	k.refused(call{method: "GET", path: chat}, 404, "not_found")
}

// badChats makes every mistake with a chat that has a code of its own.
func (k *talk) badChats(chat, reply string) {
	k.t.Helper()
	bad := func(method, path, body string) call { return call{method: method, path: path, body: body, bad: true} }
	k.refused(bad("POST", "/v1/messages", `{"text":" "}`), 422, "text_empty")
	k.refused(bad("POST", "/v1/messages", `{"text":"`+strings.Repeat("abcd", 5000)+`"}`), 422, "text_too_long")
	k.refused(bad("POST", "/v1/messages", `{"text":"x","chat_id":"y"}`), 422, "bad_id")
	k.refused(bad("POST", "/v1/messages", `{"text":"x","attachments":["y"]}`), 422, "unknown_file")
	k.refused(bad("POST", "/v1/messages", `{"text":"x","model":"gpt-9"}`), 422, "unknown_model")
	k.refused(bad("POST", "/v1/messages", `{"text":"x\u0000"}`), 400, "bad_character")
	k.refused(bad("POST", "/v1/messages", `{"text":"x","chat_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`), 404, "not_found")
	k.refused(bad("GET", "/v1/chats?limit=0", ""), 422, "bad_limit")
	k.refused(bad("GET", chat+"/messages?cursor=x", ""), 422, "bad_cursor")
	k.refused(bad("GET", "/v1/chats/x", ""), 404, "not_found")
	k.refused(bad("PATCH", chat, `{}`), 422, "nothing_to_change")
	k.refused(bad("PATCH", chat, `{"title":""}`), 422, "bad_title")
	k.refused(bad("PUT", reply+"/feedback", `{"rating":"so-so"}`), 422, "bad_rating")
	k.refused(bad("GET", reply+"/wait?seconds=60", ""), 422, "bad_seconds")
	k.refused(bad("GET", reply+"/stream?after=x", ""), 400, "bad_event_id")
}

// search looks for what was asked in a chat, page by page, and makes every mistake
// with a search that has a code of its own.
func (k *talk) search(chat string) {
	k.t.Helper()
	get := func(query string) call { return call{method: "GET", path: "/v1/search?" + query} }
	first := k.do(get("q=say+yes+chat&limit=1"), 200)
	if hits, _ := first["hits"].([]any); len(hits) != 1 || text(first, "next_cursor") == "" {
		k.t.Fatalf("one hit of two, a question and its chat's title: %v", first)
	}
	next := "&cursor=" + text(first, "next_cursor")
	k.do(get("q=say+yes+chat&limit=50"+next), 200)
	day := time.Now().UTC().Format(time.DateOnly)
	k.do(get("q=%22say+yes%22&role=user&has=&from=2026-01-01&to="+day+"T23:59:59.5Z&chat_id="+chat), 200)
	if none := k.do(get("q=yes&has=file"), 200); len(none["hits"].([]any)) != 0 || none["total"] != 0.0 {
		k.t.Errorf("without files: %v", none)
	}
	bad := func(query string) call { c := get(query); c.bad = true; return c }
	for query, code := range map[string]string{
		"q=%3F%21": "no_words", "q=-yes": "only_without", "q=" + strings.Repeat("word+", 33): "query_too_complex", "q=say+yes+now" + next: "bad_cursor",
	} {
		k.refused(get(query), 422, code)
	}
	for query, code := range map[string]string{
		"": "no_words", "q=" + strings.Repeat("y", 1001): "query_too_long", "q=yes&chat_id=x": "bad_chat", "q=yes&role=system": "bad_role",
		"q=yes&from=yesterday": "bad_time", "q=yes&has=legs": "bad_has", "q=yes&limit=51": "bad_limit", "q=yes&cursor=x": "bad_cursor", "has=legs": "invalid",
	} {
		k.refused(bad(query), 422, code)
	}
	k.refused(get("q=yes&from="+day+"&to=2026-01-01"), 422, "bad_range")
}

// stream reads a reply's events to the end, checks each against its schema, and
// resumes after the last, which must bring 204.
func (k *talk) stream(path string) {
	k.t.Helper()
	res := k.send(call{method: "GET", path: path})
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		k.t.Fatalf("stream: %s, %s", res.Status, got)
	}
	schemaOf := eventSchemas(k.t)
	var id, name string
	seen := map[string]int{}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			seen[name]++
			schemaOf(name, value)
		}
	}
	if seen["status"] == 0 || seen["delta"] == 0 || seen["done"] != 1 {
		k.t.Errorf("events: %v", seen)
	}
	k.do(call{method: "GET", path: path, header: map[string]string{"Last-Event-ID": id}}, 204)
}

// eventSchemas returns what checks the data of an event.
func eventSchemas(t *testing.T) func(event, data string) {
	doc, err := libopenapi.NewDocument(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"status": "StatusEvent", "delta": "DeltaEvent", "done": "DoneEvent", "error": "Failure"}
	check := schema_validation.NewSchemaValidator()
	return func(event, data string) {
		proxy, ok := model.Model.Components.Schemas.Get(names[event])
		if !ok {
			t.Fatalf("event %q is not documented", event)
		}
		if ok, errs := check.ValidateSchemaString(proxy.Schema(), data); !ok {
			t.Errorf("event %s %s: %v", event, data, errs)
		}
	}
}
