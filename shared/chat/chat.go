// Package chat is the heart of Parley: chats, messages, and what may be done
// with them. It knows nothing of tables, queues or HTTP.
//
// # The path of a turn
//
// A user's question and the reply that it asks for have neighbouring ids: the
// reply's is the question's plus one. So one row, the question's, also stands
// for the reply while that is queued; the reply gets a row of its own when a
// worker claims it. From then on that row is the truth about the reply, and a
// chat's "running" is no more than a hint that is checked against it.
//
// Messages form a tree. A reply names its question. A question names its parent
// only if that isn't the message directly before it in id order, which it is
// unless the user edits or goes back; Link fills the others in.
package chat

import (
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Role is who speaks.
type Role string

// The roles, as the OpenAI protocol names them.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Status is where a reply stands. A question is always Done.
type Status string

// The states of a reply: queued → running → done, failed or cancelled.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Done      Status = "done"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether nothing more will happen to a reply of that status.
func (s Status) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Ref names one message of one user.
type Ref struct {
	User    string // owner's ULID
	Chat    string // ULID
	Message string // ULID
}

// Chat is a conversation as lists show it.
type Chat struct {
	ID        string    `json:"chat_id"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"` // when its last question was asked
	Pinned    bool      `json:"pinned"`
	Archived  bool      `json:"archived"`
	Running   string    `json:"running_reply_id,omitempty"` // hint: the reply that may still run

	Last    string `json:"-"` // id of its last reply: sorts chats by activity
	Renamed string `json:"-"` // id of the time when it was, empty if never
}

// Message is a question or a reply.
type Message struct {
	ID          string            `json:"message_id"`
	Chat        string            `json:"chat_id"`
	Parent      string            `json:"parent_id,omitempty"`
	Role        Role              `json:"role"`
	Status      Status            `json:"status"`
	Text        string            `json:"text"`
	Calls       []Call            `json:"tool_calls,omitempty"`  // of a reply to a completion with tools
	Attachments []file.Attachment `json:"attachments,omitempty"` // of a question
	Model       string            `json:"model,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	Finish      string            `json:"finish_reason,omitempty"` // stop, length, cancelled
	Usage       *Usage            `json:"usage,omitempty"`
	Failure     *Failure          `json:"error,omitempty"`
	Feedback    *Feedback         `json:"feedback,omitempty"`

	Attempt int `json:"-"` // how often a worker has claimed the reply
	// HandedBack is how many of these claims were given up without any fault of the
	// prompt: its worker ended, or the engine stayed away.
	HandedBack int `json:"-"`

	// Sent are the ids of the files that were sent in a reply's thread, oldest first, so
	// that whoever reads a chat's end only knows of those at its beginning.
	Sent []string `json:"-"`

	Completion *Completion `json:"-"` // of a question in the form of the OpenAI protocol; only Recent reads it

	Deadline time.Time `json:"-"` // a reply not started by then fails
	Hour     string    `json:"-"` // quota window that paid for it
	Lapsed   bool      `json:"-"` // AsOf found it failed; nobody has written that down
	Region   string    `json:"-"` // whose worker has claimed the reply; empty where there is one
}

// Usage counts tokens, as they arrived at the worker.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"` // of the prompt's, those that the engine had kept
}

// Failure says why a reply failed, in words that are safe for users.
type Failure struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Feedback is what the user thinks of a reply.
type Feedback struct {
	Rating  string `json:"rating"` // up or down
	Comment string `json:"comment,omitempty"`
}

// Prompt is what the queue carries: which reply to write, not its text.
type Prompt struct {
	Version  int        `json:"v"` // 1
	User     string     `json:"user"`
	Chat     string     `json:"chat"`
	Question string     `json:"question"`
	Reply    string     `json:"reply"`
	Plan     quota.Plan `json:"plan"`
	Model    string     `json:"model,omitempty"` // empty: the fleet's own choice
	Hour     string     `json:"hour"`            // quota window that paid for it
	Deadline time.Time  `json:"deadline"`
}

// Ref names the reply that the prompt asks for.
func (p Prompt) Ref() Ref { return Ref{User: p.User, Chat: p.Chat, Message: p.Reply} }

// Outlook is how a prompt stands in its queue when it is accepted.
type Outlook struct {
	Ahead int     `json:"ahead"`       // prompts that wait before it, about
	ETA   float64 `json:"eta_seconds"` // until it starts, from the fleet's measured rate
}

// MaxReply bounds a reply's text (bytes): a million tokens of English. What an
// engine writes beyond it is cut off.
const MaxReply = 4 << 20

// PromptVersion is the form of Prompt that this release writes.
const PromptVersion = 1

// Result is how a worker ends a reply.
type Result struct {
	Status  Status // Done, Failed or Cancelled
	Text    string // what was streamed
	Calls   []Call // the same, of functions
	Finish  string
	Usage   Usage
	Failure *Failure // of a Failed one
	Hour    string   // quota window that a failed reply is given back to
	Sent    []string // see Message
}

// Failures that end a reply for good.
var (
	DeadlineExceeded = Failure{"deadline_exceeded", "The reply could not start in time. Nothing was counted; please try again."}
	EngineFailed     = Failure{"engine_failed", "The model could not answer. Nothing was counted; please try again."}
	Undeliverable    = Failure{"undeliverable", "The reply failed too often and was given up. Nothing was counted."}
)

// Errors of this package's use cases.
var (
	ErrNoChat    = problem.New(problem.NotFound, "not_found", "There is no such chat.")
	ErrNoMessage = problem.New(problem.NotFound, "not_found", "There is no such message.")
	ErrBusy      = problem.New(problem.Conflict, "reply_in_progress", "The last reply of this chat is still being written.")
	// ErrStale tells a worker that its attempt is no longer the reply's, or that
	// the reply has ended: it must stop and write nothing more.
	ErrStale = problem.New(problem.Conflict, "stale_attempt", "Another attempt has taken over this reply.")
)

// Failures returns how many attempts at a reply have failed or were cut off, the
// one that runs included.
func (m Message) Failures() int { return m.Attempt - m.HandedBack }

// ReplyOf returns the id of the reply that a question asks for.
func ReplyOf(question string) string { return id.Next(question) }

// QuestionOf returns the id of the question whose first reply has that id.
func QuestionOf(reply string) string { return id.Prev(reply) }

// Pending returns the reply that question stands for as long as the reply has
// no row of its own. Readers see it AsOf now.
func Pending(question Message) Message {
	return Message{
		ID: ReplyOf(question.ID), Chat: question.Chat, Parent: question.ID, Role: Assistant,
		Status: Queued, Model: question.Model, CreatedAt: question.CreatedAt,
		Deadline: question.Deadline, Hour: question.Hour,
	}
}

// AsOf returns m as a reader has to see it at that time: what is still queued
// after its deadline has failed, also if nobody wrote that down.
func (m Message) AsOf(now time.Time) Message {
	if m.Status == Queued && now.After(m.Deadline) {
		f := DeadlineExceeded
		m.Status, m.Failure, m.Lapsed = Failed, &f, true
	}
	return m
}
