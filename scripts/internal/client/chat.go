package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
)

// Question is what is sent. Without a Chat it begins one; a Parent puts it
// beside the other questions that follow that message.
type Question struct {
	Chat   string `json:"chat_id,omitempty"`
	Parent string `json:"parent_id,omitempty"`
	Text   string `json:"text"`
	Model  string `json:"model,omitempty"`

	Attachments []string `json:"attachments,omitempty"` // ids of the user's files that are ready
}

// Queue says how long a reply will have to wait.
type Queue struct {
	Ahead int     `json:"ahead"`       // prompts before it
	ETA   float64 `json:"eta_seconds"` // until it begins
}

// Accepted names what a send has made.
type Accepted struct {
	Chat    string      `json:"chat_id"`
	Message string      `json:"message_id"`
	Reply   string      `json:"reply_id"`
	Status  chat.Status `json:"status"`
	Queue   Queue       `json:"queue"`
}

// Send asks a question. It is accepted once, however often it has to be sent.
func (c *Client) Send(ctx context.Context, q Question) (Accepted, error) {
	var a Accepted
	err := c.call(ctx, request{
		method: http.MethodPost, path: "/v1/messages", body: q, again: true, key: id.New(time.Now()),
	}, &a)
	return a, err
}

// Regenerate asks for another reply to the question that message belongs to.
func (c *Client) Regenerate(ctx context.Context, chatID, message string) (Accepted, error) {
	var a Accepted
	err := c.call(ctx, request{
		method: http.MethodPost, path: messagePath(chatID, message) + "/regenerate", again: true, key: id.New(time.Now()),
	}, &a)
	return a, err
}

// Page is a part of a list; an empty Next means that it is the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor"`
}

// Chats returns a page of the user's chats, newest activity first. A limit of
// zero leaves it to the server.
func (c *Client) Chats(ctx context.Context, limit int, cursor string) (Page[chat.Chat], error) {
	var p Page[chat.Chat]
	err := c.call(ctx, request{method: http.MethodGet, path: "/v1/chats" + page(limit, cursor), again: true}, &p)
	return p, err
}

// Messages returns a page of a chat, the newest first, in order within it.
func (c *Client) Messages(ctx context.Context, chatID string, limit int, cursor string) (Page[chat.Message], error) {
	var p Page[chat.Message]
	path := chatPath(chatID) + "/messages" + page(limit, cursor)
	err := c.call(ctx, request{method: http.MethodGet, path: path, again: true}, &p)
	return p, err
}

// Chat returns one chat.
func (c *Client) Chat(ctx context.Context, chatID string) (chat.Chat, error) {
	var out chat.Chat
	err := c.call(ctx, request{method: http.MethodGet, path: chatPath(chatID), again: true}, &out)
	return out, err
}

// Message returns one message.
func (c *Client) Message(ctx context.Context, chatID, message string) (chat.Message, error) {
	return c.message(ctx, http.MethodGet, messagePath(chatID, message))
}

// Wait returns a reply when it has ended, or as it is after limit (25 s at most).
func (c *Client) Wait(ctx context.Context, chatID, reply string, limit time.Duration) (chat.Message, error) {
	seconds := strconv.Itoa(int(limit / time.Second))
	return c.message(ctx, http.MethodGet, messagePath(chatID, reply)+"/wait?seconds="+seconds)
}

// Cancel stops a reply and returns it with the text so far. A second cancel
// changes nothing, so it may be repeated.
func (c *Client) Cancel(ctx context.Context, chatID, reply string) (chat.Message, error) {
	return c.message(ctx, http.MethodPost, messagePath(chatID, reply)+"/cancel")
}

func (c *Client) message(ctx context.Context, method, path string) (chat.Message, error) {
	var m chat.Message
	err := c.call(ctx, request{method: method, path: path, again: true}, &m)
	return m, err
}

// Delete removes a chat with everything in it.
func (c *Client) Delete(ctx context.Context, chatID string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: chatPath(chatID), again: true}, nil)
}

func chatPath(chatID string) string { return "/v1/chats/" + url.PathEscape(chatID) }

func messagePath(chatID, message string) string {
	return chatPath(chatID) + "/messages/" + url.PathEscape(message)
}

func page(limit int, cursor string) string {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
