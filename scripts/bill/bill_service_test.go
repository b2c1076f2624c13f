//go:build service

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/bill"
	"parley/shared/chat"
	"parley/shared/id"
)

// TestTheBillOfARunningParley asks a question and finds it on the bill that the
// embedded AWS's own REPORT lines and the records make: with the functions that took
// part, their cost centre, the answer, and its user by pseudonym.
func TestTheBillOfARunningParley(t *testing.T) {
	if os.Getenv("PARLEY_URL") == "" {
		t.Fatal("PARLEY_URL is not set: `make test` starts a Parley and sets it")
	}
	user := converse(t)
	out := t.TempDir()
	var b bill.Bill
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) { // a worker writes its records every few seconds
		b = makeBill(t, out)
		if named(t, out, user) || time.Now().After(end) {
			break
		}
	}
	if !named(t, out, user) || b.Answered.Done < 1 || b.Answered.GPU.Sign() <= 0 || b.Answered.Thousand.Sign() <= 0 || b.Sources[0].Read.Faults > 0 {
		t.Errorf("answers %+v, users %+v, sources %+v", b.Answered, b.Users, b.Sources)
	}
	for _, want := range []string{"SignUpFunction", "SendMessageFunction"} {
		found := false
		for _, f := range b.Functions {
			if strings.Contains(f.Function, want) {
				found = true
				if f.Centre != "parley" || f.Requests < 1 || f.GBSeconds.Sign() <= 0 || f.Gross.Sign() <= 0 {
					t.Errorf("%+v", f)
				}
			}
		}
		if !found {
			t.Errorf("%s is on no bill: %+v", want, b.Functions)
		}
	}
	for _, name := range []string{"bill.html", "functions.csv", "cost-centres.csv", "answers.csv", "users.csv"} {
		if info, err := os.Stat(filepath.Join(out, bill.BillsPrefix, b.Month, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// converse signs somebody up, has one question answered, and returns the user's id.
func converse(t *testing.T) string {
	t.Helper()
	c := client.New(os.Getenv("PARLEY_URL"), nil)
	err := c.SignUp(t.Context(), client.Person{Name: "Ada", Email: strings.ToLower(id.New(time.Now())) + "@example.com",
		Password: "quiet harbour at dawn", Phone: fmt.Sprintf("+1415%07d", rand.IntN(1e7)), Country: "GB"})
	if err != nil {
		t.Fatal(err)
	}
	me, err := c.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sent, err := c.Send(t.Context(), client.Question{Text: "Say hello."})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); ; {
		m, err := c.Wait(t.Context(), sent.Chat, sent.Reply, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if m.Status == chat.Done {
			return me.User.ID
		}
		if m.Status.Ended() || time.Now().After(end) {
			t.Fatalf("the reply is %s", m.Status)
		}
	}
}

func makeBill(t *testing.T, out string) (b bill.Bill) {
	t.Helper()
	if err := run(t.Context(), []string{"--out", out}, nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, bill.BillsPrefix, "*", "bill.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no bill", err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// named reports whether a user's pseudonym, as --who says it, is among users.csv, or
// there are so many that it needn't be.
func named(t *testing.T, out, user string) bool {
	t.Helper()
	var who bytes.Buffer
	if err := run(t.Context(), []string{"--out", out, "--who", user}, nil, &who, io.Discard); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, bill.BillsPrefix, "*", "users.csv"))
	if err != nil || len(files) == 0 {
		t.Fatal("no users", err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if pseudonym, _, _ := strings.Cut(who.String(), " "); row[0] == pseudonym {
			return true
		}
	}
	return len(rows) > 10 && rows[len(rows)-1][1] != "0"
}
