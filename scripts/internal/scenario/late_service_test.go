//go:build service

package scenario

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/chat"
)

// TestAChatThatIsDeletedBeforeItsAnswer asks a model whose engine is away and deletes
// the chat. When the engine comes nobody asks it, and nothing of the chat comes back.
func TestAChatThatIsDeletedBeforeItsAnswer(t *testing.T) {
	ada := newVisitor(t)
	ada.premium(t)
	m, _ := sighted(t)
	a, err := ada.Send(t.Context(), client.Question{Text: "Is anybody there?", Model: m.Name})
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.Delete(t.Context(), a.Chat); err != nil {
		t.Fatal(err)
	}
	user := ada.id(t)
	again(t, fmt.Sprintf(`{"v":1,"user":%q,"chat":%q}`, user, a.Chat)) // the job rests for a minute
	_, chats := histories(t)
	gone := func(message string) bool {
		_, err := chats.Message(t.Context(), chat.Ref{User: user, Chat: a.Chat, Message: message})
		if err != nil && !errors.Is(err, chat.ErrNoMessage) {
			t.Fatal(err)
		}
		return err != nil
	}
	waitUntil(t, time.Minute, "the question is gone", func() bool { return gone(a.Message) })
	eyes := startSeeing(t)
	waitUntil(t, time.Minute, "the prompt is met and forgotten", func() bool {
		return strings.Contains(metrics(t, eyes.worker), `parley_events_total{event="forgotten"} 1`)
	})
	waitUntil(t, time.Minute, "the reply is gone", func() bool { return gone(a.Reply) })
	if n := len(eyes.Requests()); n != 0 {
		t.Errorf("the engine was asked %d times", n)
	}
}

func metrics(t *testing.T, of string) string {
	t.Helper()
	res, err := http.Get(of + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestACompletionThatTheQueueDidNotGet completes at a relay from where SQS can't be
// reached. Nothing is left of it, and it isn't counted.
func TestACompletionThatTheQueueDidNotGet(t *testing.T) {
	ada := newVisitor(t)
	cut := startProgram(t, "relay", "/healthz", "AWS_ENDPOINT_URL_SQS=http://"+nobody(t))
	key := ada.key(t)
	for _, kept := range []bool{true, false} {
		if got := complete(t, cut, key, "smollm2-135m-instruct", "Is anybody there?", kept); got.status != http.StatusServiceUnavailable || got.code != "queue_unavailable" {
			t.Errorf("kept: %t: %+v", kept, got)
		}
	}
	me, err := ada.Me(t.Context())
	if err != nil || me.Used.Messages != 0 {
		t.Errorf("%d messages are counted, %v", me.Used.Messages, err)
	}
	if page, err := ada.Chats(t.Context(), 0, ""); err != nil || len(page.Items) != 0 {
		t.Errorf("%d chats are left, %v", len(page.Items), err)
	}
}
