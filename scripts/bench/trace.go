package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// request is a line of a Mooncake trace.
type request struct {
	At     int64 `json:"timestamp"`     // ms since the trace's beginning
	Input  int   `json:"input_length"`  // tokens
	Output int   `json:"output_length"` // tokens
	Blocks []int `json:"hash_ids"`      // one for each 512 tokens of the prompt; equal ids are equal prefixes
}

const blockTokens = 512

// conversation is the second block: the first is the same in all prompts.
func (r request) conversation() int { return r.Blocks[min(1, len(r.Blocks)-1)] }

// readTrace reads a trace, or its beginning.
func readTrace(path string, most int) ([]request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []request
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && len(all) < most {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(all)+1, err)
		}
		if len(r.Blocks) == 0 || r.Input <= 0 {
			return nil, fmt.Errorf("%s, line %d is no request of a Mooncake trace", path, len(all)+1)
		}
		all = append(all, r)
	}
	return all, lines.Err()
}

// ceiling is the share of all prompt tokens that an unlimited cache knows; salted,
// if nothing is shared between two conversations.
func ceiling(trace []request, salted bool) float64 {
	type key struct{ conversation, block int }
	seen := map[key]bool{}
	hit, all := 0, 0
	for _, r := range trace {
		salt := 0
		if salted {
			salt = r.conversation()
		}
		n := 0
		for n < len(r.Blocks) && seen[key{salt, r.Blocks[n]}] {
			n++
		}
		for _, b := range r.Blocks {
			seen[key{salt, b}] = true
		}
		hit, all = hit+min(n*blockTokens, r.Input-1), all+r.Input
	}
	return float64(hit) / float64(all)
}

// A word of a replayed prompt stands for wordTokens of the trace.
const (
	wordTokens = 128
	blockWords = blockTokens / wordTokens
)

// text is a prompt whose words are alike where the trace's blocks are.
func (r request) text() string {
	w := &strings.Builder{}
	for n := range max(r.Input/wordTokens, 1) {
		fmt.Fprintf(w, "%d.%d ", r.Blocks[min(n/blockWords, len(r.Blocks)-1)], n%blockWords)
	}
	return w.String()
}

// script is what a worker needs of the storage, played from a trace: each request
// is a question in a new message of its conversation's chat, and each conversation
// another user's.
type script struct {
	trace []request

	mu    sync.Mutex
	chats map[int]chat.Ref         // by conversation
	asked map[chat.Ref]int         // by reply: its request
	ended map[chat.Ref]chat.Result // by reply
}

func newScript(trace []request) *script {
	return &script{trace: trace, chats: map[int]chat.Ref{}, asked: map[chat.Ref]int{}, ended: map[chat.Ref]chat.Result{}}
}

// prompt names request n.
func (s *script) prompt(n int) chat.Prompt {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, ok := s.chats[s.trace[n].conversation()]
	if !ok {
		ref = chat.Ref{User: id.New(now), Chat: id.New(now)}
		s.chats[s.trace[n].conversation()] = ref
	}
	question := id.New(now)
	p := chat.Prompt{Version: chat.PromptVersion, User: ref.User, Chat: ref.Chat, Question: question, Reply: chat.ReplyOf(question),
		Plan: quota.Free, Hour: quota.Hour(now), Deadline: now.Add(time.Hour)}
	s.asked[p.Ref()] = n
	return p
}

// left is how many replies haven't ended.
func (s *script) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.trace) - len(s.ended)
}

// failed is an error if a reply ended otherwise than done.
func (s *script) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, r := range s.ended {
		if r.Status != chat.Done {
			return fmt.Errorf("reply %s ended as %s: %v", ref.Message, r.Status, r.Failure)
		}
	}
	return nil
}

// Claim begins a reply.
func (s *script) Claim(_ context.Context, p chat.Prompt) (chat.Message, error) {
	return chat.Message{ID: p.Reply, Chat: p.Chat, Parent: p.Question, Role: chat.Assistant, Status: chat.Running, Attempt: 1, Deadline: p.Deadline}, nil
}

// Commit ends one.
func (s *script) Commit(_ context.Context, ref chat.Ref, _ int, r chat.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[ref] = r
	return nil
}

// Recent returns the question alone: it is the whole prompt.
func (s *script) Recent(_ context.Context, question chat.Ref, _ int) ([]chat.Message, error) {
	reply := question
	reply.Message = chat.ReplyOf(question.Message)
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.asked[reply]
	if !ok {
		return nil, chat.ErrNoMessage
	}
	return []chat.Message{{ID: question.Message, Chat: question.Chat, Role: chat.User, Status: chat.Done, Text: s.trace[n].text()}}, nil
}

// Before finds nothing older.
func (s *script) Before(context.Context, chat.Ref, int) ([]chat.Message, bool, error) {
	return nil, false, nil
}

// HandBack, Drop, Ended and Report have nothing to do: nobody dies, and nothing is
// foretold.
func (s *script) HandBack(context.Context, chat.Ref, int) error { return nil }

// Drop does nothing.
func (s *script) Drop(context.Context, chat.Ref) error { return nil }

// Ended knows of none.
func (s *script) Ended(context.Context, chat.Ref) (chat.Message, error) {
	return chat.Message{}, chat.ErrNoMessage
}

// Report does nothing.
func (s *script) Report(context.Context, quota.Plan, string, chat.Pace, time.Time) error { return nil }
