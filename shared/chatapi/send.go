// Package chatapi is the HTTP side of chats: what the functions send-message and
// history serve. Paths and shapes are those of docs/openapi.yaml.
package chatapi

import (
	"context"
	"net/http"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/quota"
)

// maxMessage is the size of the largest message in bytes: 128 k tokens of four
// characters, each escaped in six bytes, and the fields around it.
const maxMessage = 6*4*128<<10 + 4<<10

type sendBody struct {
	Chat        string   `json:"chat_id"`
	Parent      string   `json:"parent_id"`
	Text        string   `json:"text"`
	Attachments []string `json:"attachments"`
	Model       string   `json:"model"`
}

type sent struct {
	Chat      string       `json:"chat_id"`
	Message   string       `json:"message_id"`
	Reply     string       `json:"reply_id"`
	Status    chat.Status  `json:"status"`
	StreamURL string       `json:"stream_url"`
	Queue     chat.Outlook `json:"queue"`
}

// Send returns the endpoints that accept prompts.
func Send(s *api.Service, sender *chat.Sender) map[string]http.Handler {
	answer := func(r *api.Request, receipt chat.Receipt, err error) (sent, error) {
		if err != nil {
			return sent{}, err
		}
		if receipt.Replayed {
			r.SetHeader("Idempotent-Replayed", "true")
		} else if receipt.Used >= 0 {
			limits(r, r.User, receipt.Used, sender.Now)
		}
		return sent{
			Chat: receipt.Chat, Message: receipt.Question, Reply: receipt.Reply, Status: chat.Queued,
			StreamURL: "/v1/chats/" + receipt.Chat + "/messages/" + receipt.Reply + "/stream",
			Queue:     receipt.Queue,
		}, nil
	}
	return map[string]http.Handler{
		"POST /v1/messages": api.Handle(s, api.Route{Status: http.StatusAccepted, MaxBody: maxMessage},
			func(ctx context.Context, r *api.Request, in sendBody) (sent, error) {
				receipt, err := sender.Send(ctx, r.User.User, r.User.Plan, r.User.Limits, chat.Question{
					Chat: in.Chat, Parent: in.Parent, Text: in.Text, Model: in.Model, Attachments: in.Attachments, Key: r.Header.Get("Idempotency-Key")})
				full(r, err, sender.Now)
				return answer(r, receipt, err)
			}),
		"POST /v1/chats/{chat_id}/messages/{id}/regenerate": api.Handle(s, api.Route{Status: http.StatusAccepted},
			func(ctx context.Context, r *api.Request, _ api.None) (sent, error) {
				ref, err := messageRef(r, "id")
				if err != nil {
					return sent{}, err
				}
				receipt, err := sender.Regenerate(ctx, r.User.User, r.User.Plan, r.User.Limits, ref.Chat, ref.Message, r.Header.Get("Idempotency-Key"))
				full(r, err, sender.Now)
				return answer(r, receipt, err)
			}),
	}
}

// full reports a used-up limit in the RateLimit fields of its refusal.
func full(r *api.Request, err error, now api.Clock) {
	if chat.IsLimit(err) {
		limits(r, r.User, r.User.Limits.MessagesPerHour, now)
	}
}

func limits(r *api.Request, u auth.Identity, used int, now api.Clock) {
	limit, policy := quota.Headers(u.Limits.MessagesPerHour, used, now())
	r.SetHeader("RateLimit", limit)
	r.SetHeader("RateLimit-Policy", policy)
}
