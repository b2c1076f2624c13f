//go:build service

package scenario

import (
	cryptorand "crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/fleet/enginetest"
	"parley/scripts/internal/client"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
)

// TestTextsThatNoRowTakes is what a premium user does with a text as long as the plan
// allows, whose answer is longer still: both lie in S3, and are read from there
// wherever they are needed, until the account is closed.
func TestTextsThatNoRowTakes(t *testing.T) {
	ada := newVisitor(t)
	ada.premium(t)
	answer := noise("Here it comes:", 720_000, "That was a pangolin.") // so long that it has the history indexed for sure
	eyes := startSeeing(t, func(e *enginetest.Engine) { e.Say, e.Context = answer, 1<<20 })
	question := noise("What is this?", 523_000, "It ends with a narwhal.")

	asked, got := ask(t, ada.Client, client.Question{Text: question, Model: eyes.model})
	same(t, "the answer as it is streamed", got, answer)
	same(t, "what the engine was asked", eyes.last(), question)
	reply, err := ada.Wait(t.Context(), asked.Chat, asked.Reply, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the answer that was waited for", reply.Text, answer)
	again := ada.asksAgain(t, eyes, asked, question)

	page, err := ada.Messages(t.Context(), asked.Chat, 0, "")
	if err != nil || len(page.Items) < 2 {
		t.Fatalf("%d messages, %v", len(page.Items), err)
	}
	same(t, "the question in the history", page.Items[0].Text, question)
	same(t, "the answer in the history", page.Items[1].Text, answer)
	ada.finds(t, "before it is indexed", asked)
	ada.completes(t, eyes, question)
	ada.indexed(t, again.Reply)
	ada.finds(t, "after it is indexed", asked)
	ada.forgets(t)
	ada.leavesNoBody(t)
}

// asksAgain has a question answered once more, in its place.
func (v *visitor) asksAgain(t *testing.T, eyes seeing, asked client.Accepted, question string) client.Accepted {
	t.Helper()
	before := len(eyes.Requests())
	again, err := v.Regenerate(t.Context(), asked.Chat, asked.Message)
	if err == nil {
		err = v.done(t, again)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := len(eyes.Requests()); n != before+1 {
		t.Errorf("the engine was asked %d times", n-before)
	}
	same(t, "what the engine was asked again", eyes.last(), question)
	return again
}

// completes asks by OpenAI's protocol, kept and not kept. A relay without Valkey has an
// answer from where it is stored.
func (v *visitor) completes(t *testing.T, eyes seeing, question string) {
	t.Helper()
	key, relay := v.key(t), need(t, "PARLEY_URL")
	alone := startProgram(t, "relay", "/healthz", "VALKEY_ADDR="+nobody(t))
	for _, c := range []struct {
		at   string
		kept bool
	}{{relay, true}, {relay, false}, {alone, false}} {
		got := complete(t, c.at, key, eyes.model, question, c.kept)
		if got.status != http.StatusOK {
			t.Fatalf("kept: %t: %+v", c.kept, got)
		}
		same(t, "a completion's answer", got.text, eyes.Say)
		same(t, "a completion's question", eyes.last(), question)
	}
}

// finds expects the ends of a long question and of its answers.
func (v *visitor) finds(t *testing.T, when string, asked client.Accepted) {
	t.Helper()
	for word, hits := range map[string]int{"narwhal": 1, "pangolin": 2} {
		got := v.find(t, word, in(asked.Chat))
		if len(got.Hits) != hits || got.Partial {
			t.Errorf("%s, %s: %d hits, partial: %t", when, word, len(got.Hits), got.Partial)
			continue
		}
		for _, h := range got.Hits {
			if !strings.Contains(h.Snippet, word) {
				t.Errorf("%s: %+v", when, h)
			}
		}
	}
}

// forgets deletes all chats. The next job of the user's history, which a worker may have
// asked for before, leaves nothing that says what of it is indexed.
func (v *visitor) forgets(t *testing.T) {
	t.Helper()
	page, err := v.Chats(t.Context(), 0, "")
	if err != nil || len(page.Items) != 2 { // what was asked, and what was kept
		t.Fatalf("%d chats, %v", len(page.Items), err)
	}
	for _, c := range page.Items {
		if err := v.Delete(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
	}
	jobs, chats := histories(t)
	user := v.id(t)
	if err := jobs.Index(t.Context(), queue.IndexJob{User: user}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, time.Minute, "the index is forgotten", func() bool {
		body, _, err := chats.Indexed(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		return body == nil
	})
}

// key makes an API key.
func (v *visitor) key(t *testing.T) string {
	t.Helper()
	status, made := v.raw(t, "POST", "/v1/keys", map[string]string{"name": "test"})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, made)
	}
	return made["key"].(string)
}

// completion is what comes of one.
type completion struct {
	status     int
	text, code string
}

// complete asks by OpenAI's protocol, at that relay.
func complete(t *testing.T, at, key, model, question string, kept bool) completion {
	t.Helper()
	res := requestAt(t, at, "POST", "/v1/chat/completions", key, map[string]any{
		"model": model, "store": kept, "messages": []map[string]string{{"role": "user", "content": question}}})
	var out struct {
		Choices []struct {
			Message struct{ Content string }
		}
		Error struct{ Code string }
	}
	decode(t, res, &out)
	got := completion{status: res.StatusCode, code: out.Error.Code}
	if len(out.Choices) > 0 {
		got.text = out.Choices[0].Message.Content
	}
	return got
}

// leavesNoBody closes the account and waits until nothing of it is in the bucket of
// large texts. The job to remove it rests for as long as access tokens work, so it is
// given once more.
func (v *visitor) leavesNoBody(t *testing.T) {
	t.Helper()
	user := v.id(t)
	for folder, least := range map[string]int{"bodies/": 5, "passing/": 4} { // two questions and three answers; twice a request and its answer
		if n := bodies(t, folder+user+"/"); n < least {
			t.Errorf("%d objects in %s", n, folder)
		}
	}
	if status, answer := v.raw(t, "DELETE", "/v1/me", map[string]string{"password": v.who.Password}); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, answer)
	}
	again(t, purge(t, user))
	waitUntil(t, 2*time.Minute, "nothing is left of long texts", func() bool {
		return bodies(t, "bodies/"+user+"/")+bodies(t, "passing/"+user+"/") == 0
	})
}

// bodies counts the large texts in a folder of their bucket.
func bodies(t *testing.T, folder string) int {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := s3.NewFromConfig(cfg).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(need(t, "BODIES_BUCKET")), Prefix: &folder})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Contents)
}

// premium gives the user that plan.
func (v *visitor) premium(t *testing.T) {
	t.Helper()
	v.changed(t, func(accounts *store.Accounts, act store.Act, user string) error {
		return accounts.SetPlan(t.Context(), act, user, quota.Premium, time.Time{})
	})
}

// noise is a text of that many bytes, with a known beginning and end, that packing
// makes a quarter smaller and no more. A word of it has 199 of them.
func noise(begin string, size int, end string) string {
	random := make([]byte, size)
	_, _ = cryptorand.Read(random)
	letters := base64.RawStdEncoding.EncodeToString(random)
	var b strings.Builder
	for b.WriteString(begin); b.Len() < size-len(end)-200; letters = letters[199:] {
		b.WriteString(" " + letters[:199])
	}
	b.WriteString(" " + end)
	return b.String()
}

// same compares texts that are too long to be shown.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%s has %d bytes, not %d, and differs from %d on", what, len(got), len(want), at)
	}
}
