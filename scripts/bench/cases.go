package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/crypto/argon2"

	"parley/scripts/internal/ledger/prose"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
)

// benchCase is one kind of event for one function.
type benchCase struct {
	function, what string
	env            []string
	times          int           // calls that count
	apart          time.Duration // what isn't counted as our own time: hashing a password
	event          func(context.Context) (event []byte, check func([]byte) error, err error)
}

func (c benchCase) name() string { return c.function + ", " + c.what }

const (
	many = 200
	few  = 30 // of what hashes passwords
)

const password = "correct horse battery"

// stage is what the cases need to be there: a user with no limit to speak of, who
// has 30 chats, the last of 20 turns.
type stage struct {
	r           *rig.Rig
	user, token string
	email       string
	refresh     string
	chat        string
	upload      string // a file that is on its way
}

// noLimits lifts the throttles that one address and one account would meet here.
var noLimits = []string{"SIGNUP_PER_ADDRESS=1000000", "LOGIN_PER_PAIR=1000000", "LOGIN_PER_ADDRESS=1000000", "LOGIN_PER_ACCOUNT=1000000"}

func (s *stage) cases() []benchCase {
	hashing := timeHashing()
	turn := prose.English(8<<10, 1)
	return []benchCase{
		{"signup", "sign up", noLimits, few, hashing, s.signUp},
		{"login", "log in", noLimits, few, hashing, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "POST", "/v1/login", map[string]string{"email": s.email, "password": password})
		}},
		{"login", "renew a token", noLimits, many, 0, s.renew},
		{"account", "me", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "GET", "/v1/me", nil)
		}},
		{"history", "a page of 30 of 8 KB", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "GET", "/v1/chats/"+s.chat+"/messages", nil)
		}},
		{"history", "a list of 30 chats", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "GET", "/v1/chats", nil)
		}},
		{"send-message", "8 KB into a new chat", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(202, "POST", "/v1/messages", map[string]string{"text": turn})
		}},
		{"upload", "what has arrived of a file", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "GET", "/v1/uploads/"+s.upload, nil)
		}},
		{"files", "a list of one file", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return s.call(200, "GET", "/v1/files", nil)
		}},
		{"process-upload", "bytes that are nobody's", nil, many, 0, s.stray},
		{"fail-reply", "one dead prompt", nil, many, 0, s.deadPrompt},
		{"purge", "a chat without messages", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return record(map[string]any{"v": 1, "user": s.user, "chat": id.New(time.Now())})
		}},
		{"rotate-keys", "nothing due", nil, many, 0, func(context.Context) ([]byte, func([]byte) error, error) {
			return []byte("{}"), nil, nil
		}},
	}
}

// timeHashing is the median time of one password hash, as package account makes it.
func timeHashing() time.Duration {
	var took []time.Duration
	for range 11 {
		began := time.Now()
		argon2.IDKey([]byte(password), []byte("0123456789abcdef"), 2, 19<<10, 1, 32)
		took = append(took, time.Since(began))
	}
	return percentile(took, 50)
}

// call is an event of the user's and a check of its answer's status.
func (s *stage) call(status int, method, path string, body any) ([]byte, func([]byte) error, error) {
	r := runtimeapi.Request{Method: method, Path: path, Header: map[string]string{"Authorization": "Bearer " + s.token}}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		r.Body = string(b)
	}
	if path == "/v1/messages" {
		r.Header["Idempotency-Key"] = id.New(time.Now())
	}
	event, err := r.Event()
	return event, func(payload []byte) error {
		_, err := answer(payload, status)
		return err
	}, err
}

// answer returns the body of an answer that has that status.
func answer(payload []byte, status int) (string, error) {
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &out); err != nil {
		return "", err
	}
	if out.StatusCode != status {
		return "", fmt.Errorf("answer %d %s", out.StatusCode, out.Body)
	}
	return out.Body, nil
}

func (s *stage) signUp(context.Context) ([]byte, func([]byte) error, error) {
	return s.call(201, "POST", "/v1/signup", map[string]string{"name": "Ada Lovelace", "email": id.New(time.Now()) + "@example.com",
		"password": password, "phone": fmt.Sprintf("+44%010d", 7400000000+rand.Int64N(99999999)), "country": "GB"})
}

// welcome is the body of a sign-up, a log-in or a renewal.
type welcome struct {
	User struct {
		ID string `json:"user_id"`
	} `json:"user"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (s *stage) renew(context.Context) ([]byte, func([]byte) error, error) {
	event, _, err := s.call(200, "POST", "/v1/token", map[string]string{"refresh_token": s.refresh})
	return event, func(payload []byte) error {
		var w welcome
		body, err := answer(payload, 200)
		if err == nil {
			err = json.Unmarshal([]byte(body), &w)
		}
		s.refresh = w.Refresh
		return err
	}, err
}

// record is an event with one SQS message.
func record(body any) ([]byte, func([]byte) error, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: id.New(time.Now()), Body: string(b), EventSource: "aws:sqs"}}})
	return event, func(payload []byte) error {
		var out events.SQSEventResponse
		if err := json.Unmarshal(payload, &out); err != nil {
			return err
		}
		if len(out.BatchItemFailures) > 0 {
			return fmt.Errorf("the message failed")
		}
		return nil
	}, err
}

// deadPrompt sends a question that nobody answers, and gives its prompt up.
func (s *stage) deadPrompt(ctx context.Context) ([]byte, func([]byte) error, error) {
	r, err := s.ask(ctx, "", "What happens to this?")
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	return record(chat.Prompt{Version: chat.PromptVersion, User: s.user, Chat: r.Chat, Question: r.Question, Reply: r.Reply,
		Plan: quota.Free, Hour: quota.Hour(now), Deadline: now})
}

// beginUpload notes a file of one part.
func (s *stage) beginUpload(ctx context.Context) error {
	now := time.Now()
	s.upload = id.New(now)
	return store.NewFiles(s.r.DB, s.r.FilesTable, s.r.ChatsTable).Create(ctx, file.File{
		ID: s.upload, User: s.user, Name: "fox.txt", Size: 8 << 20, ContentType: "text/plain", SHA256: strings.Repeat("0", 64),
		Status: file.Uploading, CreatedAt: now, ExpiresAt: now.Add(file.UploadLife)}, 1<<30)
}

// stray is the arrival of bytes whose file is gone.
func (s *stage) stray(context.Context) ([]byte, func([]byte) error, error) {
	type fields = map[string]any
	return record(fields{"Records": []fields{{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": time.Now().UTC(), "s3": fields{
		"bucket": fields{"name": s.r.Files},
		"object": fields{"key": "incoming/" + s.user + "/" + id.New(time.Now()), "size": 1, "versionId": "none"}}}}})
}

// discard is a queue that nobody reads.
type discard struct{}

func (discard) Send(context.Context, chat.Prompt) error { return nil }

func (s *stage) ask(ctx context.Context, chatID, text string) (chat.Receipt, error) {
	sender := &chat.Sender{Store: s.r.Chats, Queue: discard{}, Now: time.Now, NewID: id.New, Deadlines: map[quota.Plan]time.Duration{quota.Free: time.Minute}}
	return sender.Send(ctx, s.user, quota.Free, unlimited, chat.Question{Chat: chatID, Text: text})
}

var unlimited = quota.Limits{MessagesPerHour: 1_000_000, TokensPerMessage: 4096}

// build brings the stage to where the cases begin.
func build(ctx context.Context, r *rig.Rig) (*stage, error) {
	s := &stage{r: r}
	if err := r.RotateKeys(ctx); err != nil {
		return nil, err
	}
	if err := s.join(ctx); err != nil {
		return nil, err
	}
	if err := s.beginUpload(ctx); err != nil {
		return nil, err
	}
	for range 29 {
		if _, err := s.ask(ctx, "", "Hello?"); err != nil {
			return nil, err
		}
	}
	for n := range uint64(20) {
		if err := s.addTurn(ctx, n); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// join signs the user up, lifts the limits, and logs in under the new ones.
func (s *stage) join(ctx context.Context) error {
	s.email = id.New(time.Now()) + "@example.com"
	w, err := s.enter(ctx, "signup", 201, "/v1/signup", map[string]string{"name": "Ada", "email": s.email, "password": password, "phone": "+12025550199", "country": "US"})
	if err != nil {
		return err
	}
	s.user = w.User.ID
	if err := s.r.Accounts.SetLimits(ctx, store.Act{Who: "bench", At: time.Now(), ID: id.New(time.Now())}, s.user, unlimited); err != nil {
		return err
	}
	w, err = s.enter(ctx, "login", 200, "/v1/login", map[string]string{"email": s.email, "password": password})
	s.token, s.refresh = w.Access, w.Refresh
	return err
}

func (s *stage) enter(ctx context.Context, function string, status int, path string, body any) (w welcome, err error) {
	e, err := s.r.Start(ctx, function, noLimits...)
	if err != nil {
		return w, err
	}
	defer e.Close()
	event, _, err := s.call(status, "POST", path, body)
	if err != nil {
		return w, err
	}
	out, err := e.Invoke(ctx, event)
	if err != nil {
		return w, err
	}
	text, err := answer(out.Payload, status)
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal([]byte(text), &w)
}

func (s *stage) addTurn(ctx context.Context, n uint64) error {
	r, err := s.ask(ctx, s.chat, prose.English(8<<10, 2*n))
	if err != nil {
		return err
	}
	s.chat = r.Chat
	p := chat.Prompt{User: s.user, Chat: r.Chat, Question: r.Question, Reply: r.Reply, Plan: quota.Free, Hour: quota.Hour(time.Now())}
	m, err := s.r.Chats.Claim(ctx, p)
	if err != nil {
		return err
	}
	return s.r.Chats.Commit(ctx, p.Ref(), m.Attempt, chat.Result{Status: chat.Done, Text: prose.English(8<<10, 2*n+1), Finish: "stop"})
}
