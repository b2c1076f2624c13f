package usage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/usage"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func prompt(asked time.Time) chat.Prompt {
	question := id.New(asked)
	return chat.Prompt{Version: 1, User: id.New(noon), Chat: id.New(noon), Question: question, Reply: id.Next(question), Plan: quota.Premium, Model: "small"}
}

func TestARecordSaysWhatWasUsedAndNotByWhom(t *testing.T) {
	p := prompt(noon)
	r := usage.Of(p, 2, chat.Result{Status: chat.Failed, Text: "a secret", Failure: &chat.EngineFailed,
		Usage: chat.Usage{PromptTokens: 30, CompletionTokens: 20, CachedTokens: 10}}, noon.Add(time.Minute))
	want := usage.Record{Version: 1, Reply: p.Reply, User: usage.Pseudonym(p.User), Plan: quota.Premium, Model: "small", Status: chat.Failed,
		Failure: "engine_failed", PromptTokens: 30, CompletionTokens: 20, CachedTokens: 10, Attempts: 2, EndedAt: noon.Add(time.Minute)}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	file, err := usage.Encode([]usage.Record{r, usage.Find(p, chat.Message{Status: chat.Cancelled}, noon)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := usage.Decode(file)
	if err != nil || len(got) != 2 || got[0] != r || !got[1].Found || got[1].CompletionTokens != 0 {
		t.Errorf("read back %+v, %v", got, err)
	}
	if r.User == p.User || usage.Pseudonym(p.User) == usage.Pseudonym(p.Chat) || !r.AskedAt().Equal(noon) {
		t.Errorf("pseudonym %s, asked at %v", r.User, r.AskedAt())
	}
}

// files is a bucket in memory.
type files map[string][]byte

func (f files) List(_ context.Context, prefix string) (names []string, _ error) {
	for name := range f {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (f files) Get(_ context.Context, name string) ([]byte, error) { return f[name], nil }

func (f files) write(t *testing.T, at time.Time, writer string, records ...usage.Record) {
	t.Helper()
	file, err := usage.Encode(records)
	if err != nil {
		t.Fatal(err)
	}
	f[usage.Key(at, writer, len(f))] = file
}

// A reply counts once, in the period in which it was asked for: also if its record
// was written twice, a day later, or by somebody who only found it ended.
func TestEachReplyIsReadOnce(t *testing.T) {
	midnight := noon.Truncate(24 * time.Hour).Add(24 * time.Hour)
	late, early, next := prompt(midnight.Add(-time.Second)), prompt(noon), prompt(midnight)
	done := chat.Message{Status: chat.Done, Attempt: 1, Usage: &chat.Usage{CompletionTokens: 5}}
	ended := usage.Of(late, 1, chat.Result{Status: chat.Done, Usage: chat.Usage{CompletionTokens: 5}}, midnight.Add(time.Minute))
	ended.EngineMS = 900
	f := files{}
	f.write(t, midnight.Add(2*time.Minute), "w2", usage.Find(late, done, midnight.Add(2*time.Minute)))
	f.write(t, midnight.Add(time.Minute), "w1", ended)
	f.write(t, midnight.Add(30*time.Hour), "w3", usage.Find(late, done, midnight.Add(30*time.Hour)), usage.Find(next, done, midnight.Add(30*time.Hour)))
	f.write(t, noon, "w1", usage.Find(early, chat.Message{Status: chat.Cancelled}, noon))
	f.write(t, noon.Add(time.Minute), "w2", usage.Find(early, chat.Message{Status: chat.Cancelled}, noon.Add(time.Minute)))

	got, err := usage.Read(t.Context(), f, midnight.Add(-24*time.Hour), midnight)
	if err != nil {
		t.Fatal(err)
	}
	want := []usage.Record{usage.Find(early, chat.Message{Status: chat.Cancelled}, noon), ended}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = usage.Read(t.Context(), f, midnight, midnight.Add(24*time.Hour)); err != nil || len(got) != 1 || got[0].Reply != next.Reply {
		t.Errorf("the day after: %+v, %v", got, err)
	}
}

func TestKey(t *testing.T) {
	east := time.Date(2026, 11, 23, 1, 30, 0, 0, time.FixedZone("east", 2*3600))
	if got := usage.Key(east, "w", 7); got != "usage/dt=2026-11-22/hh=23/w-7.ndjson.gz" {
		t.Error(got)
	}
}

// No bytes make a reader fall over, and what it reads it can write.
func FuzzDecode(f *testing.F) {
	file, err := usage.Encode([]usage.Record{usage.Of(prompt(noon), 1, chat.Result{Status: chat.Done}, noon)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := usage.Decode(b)
		if err != nil {
			return
		}
		again, err := usage.Encode(records)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := usage.Decode(again); err != nil || !cmp.Equal(records, back) {
			t.Errorf("%+v became %+v, %v", records, back, err)
		}
	})
}
