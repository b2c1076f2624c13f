package gameday

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// cloud says what it was asked, and in which region's name.
func cloud(t *testing.T, name string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		signed := ""
		if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
			signed = m[1]
		}
		_, _ = io.WriteString(w, name+" "+signed+" "+string(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCallsGoWhereTheyAreSignedFor(t *testing.T) {
	n := &Network{}
	gates := map[string]string{}
	for _, name := range []string{"us-east-1", "eu-west-2"} {
		if err := n.Join(name, cloud(t, name)); err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(n.From(name))
		t.Cleanup(s.Close)
		gates[name] = s.URL
	}
	call := func(from, to, service, body string) string {
		req, err := (AWS{URL: gates[from], Region: to}).request(t.Context(), http.MethodPost, service, "/", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "refused"
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return "broken off"
		}
		return string(text)
	}
	is := func(got, want, when string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	is(call("us-east-1", "us-east-1", "dynamodb", "x"), "us-east-1 us-east-1 x", "at home")
	is(call("us-east-1", "eu-west-2", "dynamodb", "x"), "eu-west-2 eu-west-2 x", "abroad")
	is(call("us-east-1", "sa-east-1", "dynamodb", "x"), "refused", "where there is nothing")
	is(call("us-east-1", "us-east-1", "kms", `{"KeyId":"first"}`), `us-east-1 us-east-1 {"KeyId":"first"}`, "the key, where it is")
	is(call("eu-west-2", "eu-west-2", "kms", `{"KeyId":"second"}`), `us-east-1 us-east-1 {"KeyId":"first"}`, "the same key elsewhere")
	n.Cut("us-east-1")
	is(call("us-east-1", "us-east-1", "dynamodb", "x"), "refused", "in a region that is cut off")
	is(call("us-east-1", "eu-west-2", "dynamodb", "x"), "refused", "out of it")
	is(call("eu-west-2", "us-east-1", "dynamodb", "x"), "refused", "into it")
	is(call("eu-west-2", "eu-west-2", "dynamodb", "x"), "eu-west-2 eu-west-2 x", "beside it")
	is(call("eu-west-2", "eu-west-2", "kms", `{"KeyId":"second"}`), `us-east-1 us-east-1 {"KeyId":"first"}`, "the key, which is in each region")
	n.Heal("us-east-1")
	is(call("eu-west-2", "us-east-1", "dynamodb", "x"), "us-east-1 us-east-1 x", "once it is back")
}

// A call that is under way when its region is cut off ends.
func TestACutEndsWhatIsUnderWay(t *testing.T) {
	n, begun := &Network{}, make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the caller is gone
		close(begun)
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	if err := n.Join("us-east-1", hangs.URL); err != nil {
		t.Fatal(err)
	}
	gate := httptest.NewServer(n.From("us-east-1"))
	t.Cleanup(gate.Close)
	go func() { <-begun; n.Cut("us-east-1") }()
	err := AWS{URL: gate.URL, Region: "us-east-1"}.SQS(context.WithoutCancel(t.Context()), "ReceiveMessage", map[string]int{"WaitTimeSeconds": 20}, nil)
	if err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("a long poll ended with %v", err)
	}
}
