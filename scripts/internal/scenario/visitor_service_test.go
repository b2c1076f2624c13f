//go:build service

package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/id"
)

func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: `make test` starts a Parley and sets it", name)
	}
	return value
}

// visitor is a new user of the Parley that the test was started beside.
type visitor struct {
	*client.Client
	wire  *wire
	vault *pocket
	who   client.Person
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	v := &visitor{vault: &pocket{}, who: client.Person{Name: "Ada", Email: strings.ToLower(id.New(time.Now())) + "@example.com",
		Password: "quiet harbour at dawn", Phone: fmt.Sprintf("+1415%07d", rand.IntN(1e7)), Country: "GB"}}
	v.open(t)
	if err := v.SignUp(t.Context(), v.who); err != nil {
		t.Fatal(err)
	}
	return v
}

// open begins anew with the same session, as a program that was started again.
func (v *visitor) open(t *testing.T) {
	t.Helper()
	v.Client, v.wire = client.New(need(t, "PARLEY_URL"), v.vault), &wire{}
	v.Carry(v.wire)
}

// send uploads data, for a chat if one is named, and expects it to become ready.
func (v *visitor) send(t *testing.T, name, chatID string, data []byte) client.Uploaded {
	t.Helper()
	got, err := v.Upload(t.Context(), client.Upload{Name: name, Size: int64(len(data)), Content: bytes.NewReader(data), Chat: chatID})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

// raw makes a call of the API that the client wouldn't.
func (v *visitor) raw(t *testing.T, method, path string, body any) (status int, answer map[string]any) {
	t.Helper()
	res := request(t, method, path, v.access(t), body)
	decode(t, res, &answer)
	return res.StatusCode, answer
}

// access is a token of a log-in of its own.
func (v *visitor) access(t *testing.T) string {
	t.Helper()
	var login struct {
		Access string `json:"access_token"`
	}
	decode(t, request(t, "POST", "/v1/login", "", map[string]string{"email": v.who.Email, "password": v.who.Password}), &login)
	return login.Access
}

func request(t *testing.T, method, path, token string, body any) *http.Response {
	t.Helper()
	return requestAt(t, need(t, "PARLEY_URL"), method, path, token, body)
}

func requestAt(t *testing.T, base, method, path, token string, body any) *http.Response {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func decode(t *testing.T, res *http.Response, out any) {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		t.Fatalf("%s: %v: %.300s", res.Status, err, text)
	}
}

// wire carries the bytes of files. Once so many PUTs have got through it cuts the
// connection of every other in the middle, and tells so.
type wire struct {
	most int                         // 0: any number
	cut  func(puts int, bytes int64) // what had got through when it first cut

	mu    sync.Mutex
	begun int
	puts  int   // that got through
	bytes int64 // of their bodies
	cuts  int
}

var errCut = errors.New("the connection is cut")

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPut {
		return http.DefaultTransport.RoundTrip(req)
	}
	w.mu.Lock()
	w.begun++
	late := w.most > 0 && w.begun > w.most
	w.mu.Unlock()
	if late {
		req.Body = &torn{ReadCloser: req.Body, left: req.ContentLength / 2}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && res.StatusCode == http.StatusOK {
		w.puts++
		w.bytes += req.ContentLength
	}
	if late {
		w.cuts++
	}
	if w.cut != nil && w.cuts > 0 && w.puts == w.most {
		w.cut(w.puts, w.bytes)
	}
	return res, err
}

// torn is a body that ends in the middle, and with it the connection.
type torn struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *torn) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errCut
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
