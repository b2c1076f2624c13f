package ledger

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// post sends a call as an AWS client of the JSON protocol does.
func post(t *testing.T, url, target, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return string(answer), err
}

// service answers every call with the same body and keeps what it was asked.
func service(t *testing.T, answer string) (url string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, string(body))
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestRecorderCounts(t *testing.T) {
	db, asked := service(t, `{"ConsumedCapacity":[{"CapacityUnits":6.0},{"CapacityUnits":0.5}]}`)
	other, _ := service(t, `{"Messages":[{},{}]}`)
	r := NewRecorder(db, other, 0)
	defer r.Close()
	for _, c := range [][2]string{{"DynamoDB_20120810.TransactWriteItems", `{"a":1}`}, {"DynamoDB_20120810.GetItem", `{}`}, {"AmazonSQS.ReceiveMessage", "{}"}} {
		if _, err := post(t, r.URL(), c[0], c[1]); err != nil {
			t.Fatal(err)
		}
	}
	calls, err := r.Calls()
	if err != nil {
		t.Fatal(err)
	}
	if calls[0].Writes.String() != "6.5" || calls[0].Reads != 0 || calls[0].Sent != 7 || calls[0].Name() != "dynamodb TransactWriteItems 1" {
		t.Errorf("first call %+v", calls[0])
	}
	if calls[1].Reads.String() != "6.5" || calls[2].Messages != 2 || calls[2].Service != SQS {
		t.Errorf("later calls %+v", calls[1:])
	}
	if (*asked)[0] != `{"ReturnConsumedCapacity":"TOTAL","a":1}` || (*asked)[1] != `{"ReturnConsumedCapacity":"TOTAL"}` {
		t.Errorf("asked %q", *asked)
	}
}

func TestRecorderHook(t *testing.T) {
	db, asked := service(t, `{"ConsumedCapacity":{"CapacityUnits":1}}`)
	r := NewRecorder(db, db, 0)
	defer r.Close()
	for _, stage := range []Stage{Before, After} {
		r.Reset(func(s Stage, c Call) bool { return s != stage || c.Nth != 2 })
		for n := range 3 {
			answer, err := post(t, r.URL(), "DynamoDB_20120810.PutItem", "{}")
			if dropped := err != nil; dropped != (n == 1) {
				t.Errorf("stage %d, call %d: %q, %v", stage, n+1, answer, err)
			}
		}
	}
	if len(*asked) != 2+3 { // the call dropped before it was forwarded was not asked
		t.Errorf("the service was asked %d times", len(*asked))
	}
}

func TestRounds(t *testing.T) {
	at := func(from, to int) Call {
		epoch := time.Unix(0, 0)
		return Call{Began: epoch.Add(time.Duration(from) * time.Second), Ended: epoch.Add(time.Duration(to) * time.Second)}
	}
	for _, c := range []struct {
		name   string
		calls  []Call
		rounds int
		waited time.Duration
	}{
		{"none", nil, 0, 0},
		{"in sequence", []Call{at(0, 2), at(2, 3), at(5, 6)}, 3, 4 * time.Second},
		{"side by side", []Call{at(0, 3), at(1, 2), at(2, 4)}, 2, 4 * time.Second},
		{"one long, two short beside it", []Call{at(0, 9), at(1, 2), at(3, 4)}, 2, 9 * time.Second},
		{"unanswered", []Call{{Began: time.Unix(1, 0)}, at(2, 3)}, 1, time.Second},
	} {
		if got := Rounds(c.calls); got != c.rounds {
			t.Errorf("%s: %d rounds, want %d", c.name, got, c.rounds)
		}
		if got := Waited(c.calls); got != c.waited {
			t.Errorf("%s: waited %v, want %v", c.name, got, c.waited)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, s := range []string{"0", "0.5", "16", "17.5"} {
		u, err := ParseUnits(s)
		if err != nil || u.String() != s {
			t.Errorf("%s became %v, %v", s, u, err)
		}
	}
	for _, s := range []string{"", "x", "0.3"} {
		if u, err := ParseUnits(s); err == nil {
			t.Errorf("%q became %v", s, u)
		}
	}
}
