package queue

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

func prompt() chat.Prompt {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := id.New(at)
	return chat.Prompt{Version: 1, User: id.New(at), Chat: id.New(at), Question: q, Reply: id.Next(q), Plan: quota.Free, Hour: quota.Hour(at), Deadline: at}
}

func encode(t testing.TB, p chat.Prompt) string {
	t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPromptsSurviveTheQueue(t *testing.T) {
	want := prompt()
	got, err := Decode(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoPromptIsRefused(t *testing.T) {
	change := func(f func(*chat.Prompt)) string {
		p := prompt()
		f(&p)
		return encode(t, p)
	}
	for name, body := range map[string]string{
		"empty":         "",
		"no object":     "[]",
		"not ours":      `{"hello":"world"}`,
		"later version": change(func(p *chat.Prompt) { p.Version = 2 }),
		"no version":    change(func(p *chat.Prompt) { p.Version = 0 }),
		"bad user":      change(func(p *chat.Prompt) { p.User = "../other" }),
		"no reply":      change(func(p *chat.Prompt) { p.Reply = "" }),
		"unknown plan":  change(func(p *chat.Prompt) { p.Plan = "gold" }),
		"no deadline":   change(func(p *chat.Prompt) { p.Deadline = time.Time{} }),
	} {
		if _, err := Decode(body); problem.From(err) == nil || problem.From(err).Code != "bad_prompt" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConsumersReportWhatMayBeTriedAgain(t *testing.T) {
	consume := Consume(slog.New(slog.NewTextHandler(io.Discard, nil)), func(body string) (string, error) {
		if body == "unreadable" {
			return "", errors.New("unreadable")
		}
		return body, nil
	}, func(_ context.Context, job string) error {
		switch job {
		case "busy":
			return problem.New(problem.Unavailable, "unavailable", "…")
		case "gone":
			return problem.New(problem.NotFound, "not_found", "…")
		}
		return nil
	})
	var ev events.SQSEvent
	for _, body := range []string{"fine", "busy", "gone", "unreadable"} {
		ev.Records = append(ev.Records, events.SQSMessage{MessageId: body, Body: body})
	}
	out, err := consume(t.Context(), ev)
	if err != nil {
		t.Fatal(err)
	}
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "busy"}, {ItemIdentifier: "unreadable"}}
	if diff := cmp.Diff(want, out.BatchItemFailures); diff != "" {
		t.Error(diff)
	}
	if none, err := consume(t.Context(), events.SQSEvent{}); err != nil || none.BatchItemFailures == nil {
		t.Errorf("no failures must be an empty list: %+v, %v", none, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, prompt()))
	f.Add(`{"v":1,"user":"x"}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := Decode(body)
		if err == nil && (!id.Valid(p.User) || !id.Valid(p.Reply) || strings.Contains(p.Chat, "#")) {
			t.Errorf("%+v", p)
		}
	})
}

func FuzzDecodePurge(f *testing.F) {
	f.Add(`{"v":1,"user":"01ARZ3NDEKTSV4RRFFQ69G5FAV","chat":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`)
	f.Add(`{"v":1}`)
	f.Add(`{"v":2,"user":"01ARZ3NDEKTSV4RRFFQ69G5FAV","file":"01ARZ3NDEKTSV4RRFFQ69G5FAV","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`)
	f.Add(`{"v":1,"user":"01ARZ3NDEKTSV4RRFFQ69G5FAV","file":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`)
	f.Fuzz(func(t *testing.T, body string) {
		j, err := DecodePurge(body)
		if err == nil && (!id.Valid(j.User) || (j.Version == 2) != (j.File != "") || j.File != "" && (j.Chat != "" || j.SHA256 == "")) {
			t.Errorf("%+v", j)
		}
	})
}
