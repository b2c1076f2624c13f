//go:build service

package engine

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"parley/fleet/prompt"
)

// The real engine tells its slots, what runs in them, and what waits for one.
func TestLoadOfTheRealEngine(t *testing.T) {
	url := os.Getenv("ENGINE_URL")
	if url == "" {
		t.Fatal("ENGINE_URL is not set: `make test` starts what it names")
	}
	c := New(Settings{URL: url, FirstToken: time.Minute, Idle: time.Minute})
	before, err := c.Load(t.Context())
	if err != nil || before.Slots < 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var chats sync.WaitGroup
	for range before.Slots + 1 {
		chats.Go(func() {
			s, err := c.Chat(ctx, Request{Turns: []prompt.Turn{{Role: "user", Text: "Count from one to a thousand."}}, MaxTokens: 500})
			if err != nil {
				return // cancelled while it waited
			}
			defer s.Close()
			for err == nil {
				_, err = s.Next()
			}
		})
	}
	var full Load
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if full, err = c.Load(t.Context()); err == nil && full.Running == before.Slots && full.Waiting > 0 {
			break
		}
	}
	cancel()
	chats.Wait()
	if full.Running != before.Slots || full.Waiting < 1 || full.Slots != before.Slots {
		t.Errorf("with an answer more than it has slots: %+v, %v", full, err)
	}
}
