//go:build service

package ledger_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"parley/scripts/internal/runtimeapi"
	"parley/shared/id"
	"parley/shared/quota"
)

// together sends all requests at once, through up to eight environments, and
// returns the answers in order.
func (d *desk) together(t *testing.T, requests []runtimeapi.Request) []runtimeapi.Response {
	t.Helper()
	spec, err := d.Spec(t.Context(), "send-message")
	if err != nil {
		t.Fatal(err)
	}
	f := runtimeapi.NewFunction(spec, 8)
	defer f.Close()
	answers := make([]runtimeapi.Response, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			var err error
			if answers[i], err = runtimeapi.Call(t.Context(), f, r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return answers
}

func statuses(answers []runtimeapi.Response) map[int]int {
	n := map[int]int{}
	for _, a := range answers {
		n[a.Status]++
	}
	return n
}

func expectStatuses(t *testing.T, answers []runtimeapi.Response, want map[int]int) {
	t.Helper()
	if got := statuses(answers); !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

// TestRaceForQuota sends 50 messages at once under a limit of 40.
func TestRaceForQuota(t *testing.T) {
	d := newDesk(t)
	user, token := d.user(t, quota.Free)
	requests := make([]runtimeapi.Request, 50)
	for i := range requests {
		requests[i] = ask(token, fmt.Sprint("key", i), object{"text": fmt.Sprint("Question ", i)})
	}
	answers := d.together(t, requests)
	expectStatuses(t, answers, map[int]int{202: 40, 429: 10})
	for _, a := range answers {
		if a.Header.Get("RateLimit") == "" || a.Status == 429 && a.Header.Get("Retry-After") == "" {
			t.Errorf("answer %d has headers %v", a.Status, a.Header)
		}
	}
	if got, want := d.tally(t, user), (tally{Chats: 40, Questions: 40, Used: 40}); got != want {
		t.Errorf("the user has %+v, want %+v", got, want)
	}
	if n := d.answer(t, d.drain(t)); n != 40 {
		t.Errorf("%d answers", n)
	}
}

// TestRaceForKey sends 20 times at once with one Idempotency-Key.
func TestRaceForKey(t *testing.T) {
	d := newDesk(t)
	user, token := d.user(t, quota.Free)
	requests := make([]runtimeapi.Request, 20)
	for i := range requests {
		requests[i] = ask(token, "one", object{"text": "Once only, please."})
	}
	answers := d.together(t, requests)
	expectStatuses(t, answers, map[int]int{202: 20})
	first := decodeReceipt(t, answers[0])
	for _, a := range answers {
		if r := decodeReceipt(t, a); r != first {
			t.Errorf("receipts %+v and %+v", r, first)
		}
	}
	if n := d.answer(t, d.drain(t)); n != 1 {
		t.Errorf("%d answers", n)
	}
	if got, want := d.tally(t, user), (tally{Chats: 1, Questions: 1, Replies: 1, Used: 1}); got != want {
		t.Errorf("the user has %+v, want %+v", got, want)
	}
}

// TestRaceForChat sends 12 messages into one chat at once.
func TestRaceForChat(t *testing.T) {
	d := newDesk(t)
	user, token := d.user(t, quota.Free)
	begun, _ := d.mustSend(t, ask(token, "", object{"text": "Hello?"}))
	if n := d.answer(t, d.drain(t)); n != 1 {
		t.Fatalf("%d answers", n)
	}
	requests := make([]runtimeapi.Request, 12)
	for i := range requests {
		requests[i] = ask(token, fmt.Sprint("key", i), object{"chat_id": begun.Chat, "text": fmt.Sprint("Question ", i)})
	}
	answers := d.together(t, requests)
	expectStatuses(t, answers, map[int]int{202: 1, 409: 11})
	if n := d.answer(t, d.drain(t)); n != 1 {
		t.Errorf("%d answers", n)
	}
	if got, want := d.tally(t, user), (tally{Chats: 1, Questions: 2, Replies: 2, Used: 2}); got != want {
		t.Errorf("the user has %+v, want %+v", got, want)
	}
}

// TestRaceForFile sends 20 messages at once that bring the same file into chats of
// their own, and each of them twice.
func TestRaceForFile(t *testing.T) {
	d := newDesk(t)
	user, token := d.user(t, quota.Free)
	name := d.file(t, user)
	requests := make([]runtimeapi.Request, 40)
	for i := range requests {
		requests[i] = ask(token, fmt.Sprint("key", i/2), object{"text": fmt.Sprint("Question ", i/2), "attachments": []string{name}})
	}
	expectStatuses(t, d.together(t, requests), map[int]int{202: 40})
	if n := d.answer(t, d.drain(t)); n != 20 {
		t.Errorf("%d answers", n)
	}
	want := tally{Chats: 20, Questions: 20, Replies: 20, Used: 20, Shown: 20, Attached: 20, Counted: 20, Bytes: 20 * fileSize}
	if got := d.tally(t, user); got != want {
		t.Errorf("the user has %+v, want %+v", got, want)
	}
}

// TestAnothersFile sends a file of somebody else's and one that never was: the
// answers are the same to the byte, their request's id apart.
func TestAnothersFile(t *testing.T) {
	d := newDesk(t)
	other, _ := d.user(t, quota.Free)
	user, token := d.user(t, quota.Free)
	var said []string
	for _, name := range []string{d.file(t, other), id.New(time.Now())} {
		e := d.start(t)
		res, err := runtimeapi.Call(t.Context(), e, ask(token, "key", object{"text": "What is in it?", "attachments": []string{name}}))
		if err != nil {
			t.Fatal(err)
		}
		var problem object
		if err := json.Unmarshal([]byte(res.Body), &problem); err != nil || res.Status != 422 || problem["code"] != "unknown_file" {
			t.Fatalf("%d %s, %v", res.Status, res.Body, err)
		}
		delete(problem, "request_id")
		body, _ := json.Marshal(problem) // it was decoded from JSON
		said = append(said, string(body))
	}
	if said[0] != said[1] {
		t.Errorf("another's file: %s\none that isn't: %s", said[0], said[1])
	}
	if got := d.tally(t, user); got != (tally{}) {
		t.Errorf("something was written: %+v", got)
	}
}
