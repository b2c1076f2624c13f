//go:build service

package frame_test

import (
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/valkey"
	"parley/shared/chat"
	"parley/shared/id"
)

func fresh() chat.Ref {
	now := time.Now()
	return chat.Ref{User: id.New(now), Chat: id.New(now), Message: id.New(now)}
}

// A reader that comes late, reads slowly and misses far more announcements than
// it can hold gets every frame once and in order.
func TestReaderMissesNothing(t *testing.T) {
	client := valkey.Open(valkey.Settings{Addr: fleettest.Env(t, "VALKEY_ADDR")})
	defer client.Close()
	log, ref := frame.NewLog(client), fresh()
	const frames = 1300
	write := func(from, to int) {
		for i := from; i <= to; i++ {
			if err := log.Append(t.Context(), ref, frame.Frame{Attempt: 1, Seq: int64(i), Text: strconv.Itoa(i)}); err != nil {
				t.Error(err)
				return
			}
		}
	}
	write(1, 600)
	reader := frame.Follow(valkey.NewHub(t.Context(), client, slog.New(slog.DiscardHandler)), log, ref)
	defer reader.Close()
	go write(601, frames)
	for next := int64(1); next <= frames; {
		got, err := reader.Next(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got {
			if f.Seq != next {
				t.Fatalf("got frame %d, want %d", f.Seq, next)
			}
			next++
		}
		if next < 700 {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// From the moment when an attempt begins, what an earlier one still writes is
// refused.
func TestEarlierAttemptIsShutOut(t *testing.T) {
	client := valkey.Open(valkey.Settings{Addr: fleettest.Env(t, "VALKEY_ADDR")})
	defer client.Close()
	log, ref := frame.NewLog(client), fresh()
	if _, err := log.Begin(t.Context(), ref, 1); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), ref, frame.Frame{Attempt: 1, Seq: 2, Text: "ab", Tokens: 1}); err != nil {
		t.Fatal(err)
	}
	text, err := log.Begin(t.Context(), ref, 2)
	if err != nil || text.String() != "ab" || text.Tokens != 1 {
		t.Fatalf("begun with %q, %v", text.String(), err)
	}
	if err := log.Append(t.Context(), ref, frame.Frame{Attempt: 1, Seq: 3, Start: 2, Text: "cd"}); !errors.Is(err, chat.ErrStale) {
		t.Errorf("the first attempt wrote on: %v", err)
	}
	if _, err := log.Begin(t.Context(), ref, 1); !errors.Is(err, chat.ErrStale) {
		t.Errorf("the first attempt began again: %v", err)
	}
	if text, err := log.Text(t.Context(), ref); err != nil || text.String() != "ab" {
		t.Errorf("left with %q, %v", text.String(), err)
	}
}
