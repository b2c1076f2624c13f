//go:build service

package fleettest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/fleet/engine"
	"parley/fleet/frame"
	"parley/fleet/serve"
	"parley/fleet/valkey"
	"parley/fleet/work"
	"parley/shared/api"
	"parley/shared/auth/authtest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// Stack is a table, a Valkey, a queue and a relay, with workers as the test wants
// them, all real but the queue.
type Stack struct {
	T          testing.TB
	Table      string // the chats'
	FilesTable string
	Chats      *store.Chats
	Files      *store.Files
	Shelf      *Shelf // what is in them
	Accounts   *store.Accounts
	accounts   string // their table
	relay      string // the program, once it is built
	Sender     *chat.Sender
	Queues     map[quota.Plan]*Queue
	Valkey     *redis.Client
	Realm      *authtest.Realm
	Relay      *serve.Relay
	URL        string // the relay's
	User       string
	Token      string
	Log        *slog.Logger
}

// plans sends every prompt to its plan's queue.
type plans map[quota.Plan]*Queue

func (p plans) Send(ctx context.Context, prompt chat.Prompt) error {
	return p[prompt.Plan].Send(ctx, prompt)
}

// New starts a stack at DYNAMODB_URL and VALKEY_ADDR.
func New(t testing.TB) *Stack {
	t.Helper()
	db, accounts, table := storetest.Tables(t)
	files := storetest.Table(t, db, "files")
	chats := store.NewChats(db, nil, table, "").WithFiles(files)
	s := &Stack{T: t, Table: table, FilesTable: files, Files: store.NewFiles(db, files, table), Shelf: &Shelf{bodies: map[string][]byte{}},
		Accounts: store.NewAccounts(db, accounts), accounts: accounts, Chats: chats, Log: logger(t), User: id.New(time.Now()), Valkey: valkey.Open(valkey.Settings{Addr: Env(t, "VALKEY_ADDR")}),
		Queues: map[quota.Plan]*Queue{quota.Free: {}, quota.Premium: {}}, Realm: authtest.New(t, time.Now)}
	s.Token = s.Realm.Token(t, s.User, quota.Free)
	s.Sender = &chat.Sender{Store: chats, Files: chats, Queue: plans(s.Queues), Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: 2 * time.Minute, quota.Premium: time.Minute}}
	s.serve()
	return s
}

func (s *Stack) serve() {
	ending, end := context.WithCancel(context.Background())
	hub := valkey.NewHub(s.T.Context(), s.Valkey, s.Log)
	s.Relay = &serve.Relay{Pace: serve.DefaultPace(), Limits: serve.DefaultLimits(), Replies: s.Chats, Log: s.Log, Now: time.Now,
		Service: &api.Service{Verifier: s.Realm, Log: s.Log}, Frames: frame.NewLog(s.Valkey), Hub: hub,
		Stops: valkey.NewStops(s.Valkey, hub), Ending: ending}
	server := httptest.NewServer(s.Relay.Service.Mux(s.Relay.Routes()))
	s.URL = server.URL
	s.T.Cleanup(func() {
		end()
		server.Close()
		s.Relay.Drain(5 * time.Second)
		_ = s.Valkey.Close()
	})
}

// Parts are those of a worker of the engine at url.
func (s *Stack) Parts(url string) work.Parts {
	zero := 0.0
	p := work.Parts{Settings: work.Defaults(), Replies: s.Chats, History: s.Chats, Rates: s.Chats, Name: "test", Now: time.Now, Log: s.Log,
		Engine: engine.New(engine.Settings{URL: url, Model: "small", Temperature: &zero, FirstToken: 30 * time.Second, Idle: 10 * time.Second}),
		Queues: map[quota.Plan][]work.Queue{}, Frames: frame.NewLog(s.Valkey),
		Leases: valkey.NewLeases(s.Valkey, id.New(time.Now()), work.Defaults().Lease),
		Stops:  valkey.NewStops(s.Valkey, valkey.NewHub(s.T.Context(), s.Valkey, s.Log)),
		Files:  s.Files, Contents: s.Shelf,
	}
	for plan, q := range s.Queues {
		p.Queues[plan] = []work.Queue{q}
	}
	p.Slots, p.Context, p.MaxTokens = 4, 4096, 256
	p.Gather = 100 * time.Millisecond // prompts of ended replies go soon
	return p
}

// Work runs a worker; stop ends it and waits for that. The test's end does, too.
func (s *Stack) Work(p work.Parts) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := work.New(p).Run(ctx); err != nil {
			s.T.Errorf("worker: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	s.T.Cleanup(stop)
	return stop
}

// Ask sends a question as the stack's user, into a new chat if chatID is empty.
func (s *Stack) Ask(chatID, text string) chat.Ref {
	s.T.Helper()
	return s.Send(chat.Question{Chat: chatID, Text: text})
}

// Send sends a question as the stack's user.
func (s *Stack) Send(q chat.Question) chat.Ref {
	s.T.Helper()
	r, err := s.Sender.Send(s.T.Context(), s.User, quota.Free, quota.Of(quota.Free, quota.Limits{MessagesPerHour: 1000}), q)
	if err != nil {
		s.T.Fatal(err)
	}
	return chat.Ref{User: s.User, Chat: r.Chat, Message: r.Reply}
}

// Get sends a request to the relay, as the stack's user unless token is another's.
func (s *Stack) Get(ctx context.Context, method, path, token string, header ...string) *http.Response {
	s.T.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp
}

// Path is a reply's address.
func Path(ref chat.Ref, what string) string {
	return "/v1/chats/" + ref.Chat + "/messages/" + ref.Message + "/" + what
}

// Env returns a variable that the test can't do without.
func Env(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: `make test` starts what it names", name)
	}
	return v
}

func logger(t testing.TB) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(&toTest{t: t}, nil))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

// toTest writes log lines to the test until that is over.
type toTest struct{ t testing.TB }

func (w *toTest) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
