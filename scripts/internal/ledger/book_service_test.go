//go:build service

package ledger_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/fleet/enginetest"
	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/prose"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// A turn is a question and an answer of 2,048 tokens, 8 KB of English each, in a
// chat that has had 20 of them; the model's context holds all.
const (
	turnBytes    = 8 << 10
	historyTurns = 20
	context128k  = "131072"
	answerSeed   = 999
)

// callDelay is what each recorded call takes longer, so that calls made side by
// side overlap also where the services answer at once.
const callDelay = 15 * time.Millisecond

// book is a Parley whose every call is counted.
type book struct {
	*rig.Rig
	t             *testing.T
	engine        *enginetest.Engine
	worker, relay *rig.Member
	functions     map[string]*runtimeapi.Environment
	token         string
	user          string
}

func openBook(t *testing.T) *book {
	t.Helper()
	services, err := rig.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if services.Valkey == "" {
		t.Fatal("VALKEY_ADDR is not set: `make test` starts one and sets it")
	}
	o := rig.Options{Delay: callDelay}
	if testing.Verbose() {
		o.Log = os.Stderr
	}
	r, err := rig.New(t.Context(), services, o)
	if err != nil {
		t.Fatal(err)
	}
	b := &book{Rig: r, t: t, engine: enginetest.New(t), functions: map[string]*runtimeapi.Environment{}}
	t.Cleanup(b.close)
	b.engine.Change(func(e *enginetest.Engine) { e.Say, e.Pace = prose.English(turnBytes, answerSeed), time.Millisecond })
	if err := r.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.worker, err = r.Worker(t.Context(), b.engine.URL, "ENGINE_MODEL=test", "ENGINE_SLOTS=4", "ENGINE_CONTEXT="+context128k); err != nil {
		t.Fatal(err)
	}
	if b.relay, err = r.Relay(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *book) close() {
	for _, e := range b.functions {
		e.Close()
	}
	if err := b.Close(); err != nil {
		b.t.Error(err)
	}
}

// environment returns the one environment of a function.
func (b *book) environment(function string) *runtimeapi.Environment {
	b.t.Helper()
	e := b.functions[function]
	if e == nil {
		var err error
		if e, err = b.Start(b.t.Context(), function); err != nil {
			b.t.Fatal(err)
		}
		b.functions[function] = e
	}
	return e
}

// call sends a request to the one environment of a function and expects that status.
func (b *book) call(function, method, path, body string, status int) runtimeapi.Response {
	b.t.Helper()
	e := b.environment(function)
	r := runtimeapi.Request{Method: method, Path: path, Body: body, Header: map[string]string{"Authorization": "Bearer " + b.token}}
	if strings.HasSuffix(path, "/messages") || strings.HasSuffix(path, "/regenerate") {
		r.Header["Idempotency-Key"] = id.New(time.Now())
	}
	res, err := runtimeapi.Call(b.t.Context(), e, r)
	if err != nil {
		b.t.Fatal(err)
	}
	if res.Status != status {
		b.t.Fatalf("%s %s: %d %s", method, path, res.Status, res.Body)
	}
	return res
}

// count does something and returns what the functions called over it.
func (b *book) count(do func()) []ledger.Call {
	b.t.Helper()
	b.Recorder.Reset(nil)
	do()
	calls, err := b.Recorder.Calls()
	if err != nil {
		b.t.Fatal(err)
	}
	return calls
}

// signUp makes somebody of that number and returns the answer's fields.
func (b *book) signUp(n int) (user, access, refresh string) {
	b.t.Helper()
	res := b.call("signup", "POST", "/v1/signup", fmt.Sprintf(
		`{"name":"Ada Lovelace","email":"ada%d@example.com","password":"correct horse battery","phone":"+1202555%04d","country":"GB"}`, n, n), 201)
	return welcome(b.t, res)
}

func welcome(t *testing.T, res runtimeapi.Response) (user, access, refresh string) {
	t.Helper()
	var w struct {
		User struct {
			ID string `json:"user_id"`
		} `json:"user"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(res.Body), &w); err != nil {
		t.Fatal(err)
	}
	return w.User.ID, w.Access, w.Refresh
}

// send asks a question of a turn's size, with these files.
func (b *book) send(chatID string, seed uint64, files ...string) receipt {
	b.t.Helper()
	fields := object{"text": prose.English(turnBytes, seed)}
	if len(files) > 0 {
		fields["attachments"] = files
	}
	if chatID != "" {
		fields["chat_id"] = chatID
	}
	body, _ := json.Marshal(fields) // strings and lists of them can be encoded
	return decodeReceipt(b.t, b.call("send-message", "POST", "/v1/messages", string(body), 202))
}

// discard is a queue for history that nobody is to answer.
type discard struct{}

func (discard) Send(context.Context, chat.Prompt) error { return nil }

// grow gives the user a chat of that many turns.
func (b *book) grow(turns int) (chatID string) {
	b.t.Helper()
	s := &chat.Sender{Store: b.Chats, Queue: discard{}, Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: time.Minute}}
	for n := range turns {
		r, err := s.Send(b.t.Context(), b.user, quota.Free, quota.Limits{MessagesPerHour: 1000, TokensPerMessage: 4096},
			chat.Question{Chat: chatID, Text: prose.English(turnBytes, uint64(2*n))})
		if err != nil {
			b.t.Fatal(err)
		}
		chatID = r.Chat
		p := chat.Prompt{User: b.user, Chat: r.Chat, Question: r.Question, Reply: r.Reply, Plan: quota.Free, Hour: quota.Hour(time.Now())}
		m, err := b.Chats.Claim(b.t.Context(), p)
		if err != nil {
			b.t.Fatal(err)
		}
		err = b.Chats.Commit(b.t.Context(), p.Ref(), m.Attempt, chat.Result{Status: chat.Done, Text: prose.English(turnBytes, uint64(2*n+1)),
			Finish: "stop", Usage: chat.Usage{PromptTokens: 80000, CompletionTokens: 2048, CachedTokens: 70000}})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return chatID
}

// watched is what a client has seen of a stream.
type watched struct {
	open, first, end time.Time // of the status, the first text, the last event
	text             string
	bytes, deltas    int
}

// watch reads a reply's stream to its end; opened is closed after its first event.
func (b *book) watch(r receipt, opened chan<- struct{}) (w watched) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.relay.URL+"/v1/chats/"+r.Chat+"/messages/"+r.Reply+"/stream", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		b.t.Fatalf("stream: status %d", res.StatusCode)
	}
	name := ""
	lines := bufio.NewReader(res.Body)
	for {
		l, err := lines.ReadString('\n')
		w.bytes += len(l)
		if err == io.EOF {
			return w
		}
		if err != nil {
			b.t.Fatal(err)
		}
		l = strings.TrimSpace(l)
		if value, ok := strings.CutPrefix(l, "event: "); ok {
			name = value
		}
		if data, ok := strings.CutPrefix(l, "data: "); ok {
			w.event(b.t, name, data, opened)
		}
	}
}

func (w *watched) event(t *testing.T, name, data string, opened chan<- struct{}) {
	t.Helper()
	w.end = time.Now()
	if w.open.IsZero() {
		w.open = w.end
		close(opened)
	}
	if name != "delta" {
		return
	}
	if w.first.IsZero() {
		w.first = w.end
	}
	var d struct{ Text string }
	if err := json.Unmarshal([]byte(data), &d); err != nil {
		t.Fatal(err)
	}
	w.text += d.Text
	w.deltas++
}

func chatRef(user string, r receipt) chat.Ref {
	return chat.Ref{User: user, Chat: r.Chat, Message: r.Reply}
}

// post sends an empty request to the relay and returns the status of its answer.
func (b *book) post(url string) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// stored returns the bytes that a turn's two rows take, as DynamoDB bills storage:
// names, values and 100 bytes for each row.
func (b *book) stored(r receipt) int {
	b.t.Helper()
	total := 0
	for _, id := range []string{r.Message, r.Reply} {
		out, err := b.DB.GetItem(b.t.Context(), &dynamodb.GetItemInput{TableName: &b.ChatsTable, Key: item{
			"PK": &types.AttributeValueMemberS{Value: "U#" + b.user},
			"SK": &types.AttributeValueMemberS{Value: "M#" + r.Chat + "#" + id}}})
		if err != nil || out.Item == nil {
			b.t.Fatalf("row of %s: %v", id, err)
		}
		total += rowSize(out.Item) + 100
	}
	return total
}

func rowSize(it item) (n int) {
	for name, value := range it {
		n += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 2
		default:
			n++
		}
	}
	return n
}
