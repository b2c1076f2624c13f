//go:build service

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"parley/shared/account"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// bench is a desk over tables of its own, with one user.
type bench struct {
	*desk
	user     account.User
	out, log bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, accounts, chats := storetest.Tables(t)
	history := store.NewChats(db, nil, chats, "")
	now := time.Now()
	b := &bench{user: account.User{ID: id.New(now), Name: "Ada", Email: "ada@example.com", Phone: "+14155550123", Country: "GB",
		Plan: quota.Free, CreatedAt: now, Password: "x"}}
	b.desk = &desk{out: &b.out, ask: io.Discard, in: strings.NewReader(""), log: slog.New(slog.NewJSONHandler(&b.log, nil)),
		accounts: store.NewAccounts(db, accounts), chats: history,
		who: func(context.Context) string { return "operator" }, now: ticking(now), newID: id.New}
	m := account.Member{User: b.user,
		Session: account.Session{User: b.user.ID, Family: id.New(now), Hash: []byte("h"), Expires: now.Add(time.Hour)},
		Visit:   account.Visit{Place: "192.0.2.1", At: now},
		Secret:  account.Secret{User: b.user.ID, Purpose: account.ToVerify, Hash: []byte("v"), Email: b.user.Email, Expires: now.Add(time.Hour)}}
	if err := b.accounts.Create(t.Context(), m, now.Add(-account.ClaimFor)); err != nil {
		t.Fatal(err)
	}
	return b
}

// do runs a command's function and returns what it printed.
func (b *bench) do(t *testing.T, fn func(context.Context, *desk, []string) error, args ...string) (string, error) {
	t.Helper()
	b.out.Reset()
	err := fn(t.Context(), b.desk, args)
	return b.out.String(), err
}

// ticking is a clock whose every reading is a later millisecond, so that what is
// done one after the other has ids in that order.
func ticking(from time.Time) func() time.Time {
	return func() time.Time {
		from = from.Add(time.Millisecond)
		return from
	}
}

func (b *bench) must(t *testing.T, fn func(context.Context, *desk, []string) error, args ...string) string {
	t.Helper()
	out, err := b.do(t, fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bench) shown(t *testing.T) (v userView) {
	t.Helper()
	b.json = true
	defer func() { b.json = false }()
	if err := json.Unmarshal([]byte(b.must(t, showUser, "Ada@Example.com")), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestUserCommands(t *testing.T) {
	b := newBench(t)
	b.till = "2099-12-31"
	b.must(t, setPlan, b.user.ID, "premium")
	if v := b.shown(t); v.Plan != quota.Premium || v.Limits.MessagesPerHour != 80 || v.SubscriptionTill.Year() != 2100 {
		t.Errorf("after set-plan: %+v", v)
	}
	b.messages, b.tokens, b.storage = 500, -1, -1
	b.must(t, setLimits, b.user.ID)
	b.messages, b.tokens = -1, 9000
	b.must(t, setLimits, b.user.ID)
	b.tokens, b.storage = -1, 7
	b.must(t, setLimits, b.user.ID)
	if v := b.shown(t); v.Limits != (quota.Limits{MessagesPerHour: 500, TokensPerMessage: 9000, StorageBytes: 7}) {
		t.Errorf("after set-limits: %+v", v.Limits)
	}
	if _, err := b.do(t, disable, b.user.ID); err != errNotConfirmed || b.shown(t).Disabled {
		t.Errorf("disable without consent: %v", err)
	}
	b.yes = true
	b.must(t, disable, b.user.ID)
	if !b.shown(t).Disabled || !b.blocked(t) {
		t.Error("disable leaves the user in")
	}
	b.must(t, enable, b.user.ID)
	if b.shown(t).Disabled || b.blocked(t) {
		t.Error("enable leaves the user out")
	}
	b.must(t, endSessions, b.user.ID)
	b.checkAudit(t, "plan premium", "limits 500", "limits 500 messages per hour, 9000", "limits 500 messages per hour, 9000 tokens per message, 7", "disabled", "enabled", "sessions ended")
}

// blocked reports whether a send would be refused now.
func (b *bench) blocked(t *testing.T) bool {
	t.Helper()
	now := time.Now()
	refusal, err := b.chats.Accept(t.Context(), chat.Sending{User: b.user.ID, Chat: id.New(now), NewChat: true, Title: "T", Limit: 40, At: now,
		Reply: id.New(now), Question: chat.Message{ID: id.New(now), Role: chat.User, CreatedAt: now, Hour: quota.Hour(now), Deadline: now.Add(time.Minute)}})
	if err != nil {
		t.Fatal(err)
	}
	return refusal.Blocked
}

func (b *bench) checkAudit(t *testing.T, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(b.must(t, audit, b.user.ID)), "\n")[1:]
	if len(lines) != len(want) {
		t.Fatalf("%d entries, want %d:\n%s", len(lines), len(want), &b.out)
	}
	for i, w := range want {
		if !strings.Contains(lines[i], "operator") || !strings.Contains(lines[i], w) {
			t.Errorf("entry %d is %q; want %q by operator", i, lines[i], w)
		}
	}
	if n := strings.Count(b.log.String(), `"who":"operator"`); n != len(want) {
		t.Errorf("%d lines in the log; want %d", n, len(want))
	}
}

func TestUnknownUserIsSaid(t *testing.T) {
	b := newBench(t)
	if _, err := b.do(t, showUser, "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "nobody@example.com") {
		t.Errorf("got %v", err)
	}
}

func TestStuckRepliesAreListed(t *testing.T) {
	b := newBench(t)
	if out := b.must(t, stuckReplies); out != "none\n" {
		t.Errorf("with nothing stuck: %q", out)
	}
	past := time.Now().Add(-time.Hour)
	question := chat.Message{ID: id.New(past), Chat: id.New(past), Role: chat.User, Status: chat.Done, Text: "Hi",
		CreatedAt: past, Deadline: past.Add(time.Minute), Hour: quota.Hour(past)}
	s := chat.Sending{User: b.user.ID, Chat: question.Chat, NewChat: true, Title: "T", Limit: 40, At: past, Reply: chat.ReplyOf(question.ID), Question: question}
	if refusal, err := b.chats.Accept(t.Context(), s); err != nil || refusal != (chat.Refusal{}) {
		t.Fatal(refusal, err)
	}
	if _, err := b.chats.Ask(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b.older = 5 * time.Minute
	for _, args := range [][]string{nil, {b.user.ID}, {b.user.Email}} {
		if out := b.must(t, stuckReplies, args...); !strings.Contains(out, s.Reply) {
			t.Errorf("stuck %v: %q", args, out)
		}
	}
}
