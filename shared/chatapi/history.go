package chatapi

import (
	"context"
	"net/http"

	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/id"
)

// Editor is the storage behind what a user changes in the history.
type Editor interface {
	Change(ctx context.Context, user, chatID string, c chat.Changes) (chat.Chat, error)
	DeleteChat(ctx context.Context, user, chatID string) error
	SetFeedback(ctx context.Context, ref chat.Ref, f chat.Feedback) error
}

// Purger queues the removal of what a deleted chat leaves behind.
type Purger interface {
	Purge(ctx context.Context, user, chatID string) error
}

// History returns the endpoints that read and tidy chats.
func History(s *api.Service, h *chat.History, edit Editor, purge Purger) map[string]http.Handler {
	ok := api.Route{Status: http.StatusOK}
	return map[string]http.Handler{
		"GET /v1/chats": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (api.Page[chat.Chat], error) {
			items, next, err := h.Chats(ctx, r.User.User, r.Limit(chat.DefaultPage), r.Cursor())
			return api.Page[chat.Chat]{Items: items, Next: next}, err
		}),
		"GET /v1/chats/{chat_id}": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (chat.Chat, error) {
			chatID, err := chatOf(r)
			if err != nil {
				return chat.Chat{}, err
			}
			return h.Store.Chat(ctx, r.User.User, chatID)
		}),
		"PATCH /v1/chats/{chat_id}": api.Handle(s, ok, func(ctx context.Context, r *api.Request, in chat.Changes) (chat.Chat, error) {
			chatID, err := chatOf(r)
			if err == nil {
				err = in.Validate()
			}
			if err != nil {
				return chat.Chat{}, err
			}
			return edit.Change(ctx, r.User.User, chatID, in)
		}),
		"DELETE /v1/chats/{chat_id}": api.Handle(s, api.Route{Status: http.StatusNoContent}, func(ctx context.Context, r *api.Request, _ api.None) (api.None, error) {
			return api.None{}, remove(ctx, r, h, edit, purge)
		}),
		"GET /v1/chats/{chat_id}/messages": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (api.Page[chat.Message], error) {
			chatID, err := chatOf(r)
			if err != nil {
				return api.Page[chat.Message]{}, err
			}
			items, next, err := h.Messages(ctx, r.User.User, chatID, r.Limit(chat.DefaultPage), r.Cursor())
			return api.Page[chat.Message]{Items: items, Next: next}, err
		}),
		"GET /v1/chats/{chat_id}/messages/{id}": api.Handle(s, ok, func(ctx context.Context, r *api.Request, _ api.None) (chat.Message, error) {
			ref, err := messageRef(r, "id")
			if err != nil {
				return chat.Message{}, err
			}
			return h.Message(ctx, ref)
		}),
		"PUT /v1/chats/{chat_id}/messages/{reply_id}/feedback": api.Handle(s, ok, func(ctx context.Context, r *api.Request, in chat.Feedback) (chat.Feedback, error) {
			ref, err := messageRef(r, "reply_id")
			if err == nil {
				err = in.Validate()
			}
			if err != nil {
				return in, err
			}
			return in, edit.SetFeedback(ctx, ref, in)
		}),
	}
}

// remove deletes a chat. The purge of its messages is queued first, so that none
// stays behind; that job does nothing as long as the chat is still there.
func remove(ctx context.Context, r *api.Request, h *chat.History, edit Editor, purge Purger) error {
	chatID, err := chatOf(r)
	if err != nil {
		return err
	}
	if _, err := h.Store.Chat(ctx, r.User.User, chatID); err != nil {
		return err
	}
	if err := purge.Purge(ctx, r.User.User, chatID); err != nil {
		return err
	}
	return edit.DeleteChat(ctx, r.User.User, chatID)
}

func chatOf(r *api.Request) (string, error) {
	chatID := r.PathValue("chat_id")
	if !id.Valid(chatID) {
		return "", chat.ErrNoChat
	}
	return chatID, nil
}

func messageRef(r *api.Request, name string) (chat.Ref, error) {
	ref := chat.Ref{User: r.User.User, Chat: r.PathValue("chat_id"), Message: r.PathValue(name)}
	if !id.Valid(ref.Chat) || !id.Valid(ref.Message) || ref.Passing() {
		return ref, chat.ErrNoMessage
	}
	return ref, nil
}
