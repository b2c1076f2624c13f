//go:build service

package ledger_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/prose"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// TestLedger drives each operation once and holds it to docs/ledger.json.
func TestLedger(t *testing.T) {
	root, err := runtimeapi.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "docs", "ledger.json")
	b := openBook(t)
	b.addUp(time.Now().Add(time.Hour))
	measured := ledger.Ledger{About: about, Operations: map[string]ledger.Figures{}}
	b.accountOperations(measured.Operations)
	turn, last := b.measureTurn()
	measured.Turn = turn
	measured.Files = b.fileRows()
	measured.Search = b.searchRows()
	b.chatOperations(measured.Operations, last)
	b.turnWithoutTotal()
	if *update {
		if err := measured.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := ledger.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ledger.Compare(kept, measured) {
		if d.Worse() {
			t.Errorf("%v: if that is meant, run the test with -update", d)
		} else {
			t.Logf("%v: lower now; run the test with -update to keep it so", d)
		}
	}
}

const about = "What each operation costs, counted by `go test -tags service ./scripts/internal/ledger -run TestLedger -update`. The figures are ceilings. " +
	"A turn is a question and an answer of 8 KB each in a chat that has had 20 such turns. Processes are warm: what a cold one reads first stands in rows of its own."

// accountOperations counts what accounts do, each in an environment that has
// served before.
func (b *book) accountOperations(ops map[string]ledger.Figures) {
	note := func(name string, do func()) { ops[name] = ledger.Sum(b.count(do)) }
	note("sign up, first of a process", func() { b.signUp(1) })
	note("sign up", func() { b.user, b.token, _ = b.signUp(2) })
	const login = `{"email":"ada2@example.com","password":"correct horse battery"}`
	var refresh string
	note("log in, first of a process", func() { b.call("login", "POST", "/v1/login", login, 200) })
	note("log in", func() { _, b.token, refresh = welcome(b.t, b.call("login", "POST", "/v1/login", login, 200)) })
	note("token", func() {
		_, b.token, refresh = welcome(b.t, b.call("login", "POST", "/v1/token", fmt.Sprintf(`{"refresh_token":%q}`, refresh), 200))
	})
	note("log out", func() { b.call("login", "POST", "/v1/logout", fmt.Sprintf(`{"refresh_token":%q}`, refresh), 204) })
	note("me, first of a process", func() { b.call("account", "GET", "/v1/me", "", 200) })
	note("me", func() { b.call("account", "GET", "/v1/me", "", 200) })
	note("send, first of a process", func() { b.send("", 1) })
	note("send", func() { b.send("", 2) })
}

// measureTurn counts a turn in a chat that has had 20, and names its messages.
func (b *book) measureTurn() (ledger.Turn, receipt) {
	b.t.Helper()
	b.turn("", 3) // the worker and the relay have served before
	chatID := b.grow(historyTurns)
	b.lookAtQueue()
	c := b.turn(chatID, 77)
	c.log(b.t)
	b.checkTurn(c)
	all := slices.Concat(c.send, c.worker, c.relay)
	for _, k := range all {
		if k.Service != ledger.Valkey && k.Status != 200 {
			b.t.Errorf("%s: status %d", k.Name(), k.Status)
		}
	}
	turn := ledger.Turn{
		Figures:            ledger.Sum(all),
		RoundsToAccepted:   ledger.Rounds(c.send),
		RoundsToFirstToken: ledger.Rounds(c.toFirstToken()),
		StoredBytes:        b.stored(c.ids),
		EventBytes:         (c.seen.bytes - len(c.seen.text) + c.seen.deltas - 1) / c.seen.deltas / 10 * 10,
		FrameCommands:      c.frameCommands(),
	}
	turn.Rounds, turn.ValkeyTrips = turn.RoundsToAccepted+turn.RoundsToFirstToken, 0 // the rest grows with the answer
	for part, calls := range map[string][]ledger.Call{"send": c.send, "worker": c.worker, "relay": c.relay} {
		for _, s := range ledger.Steps(calls, func(k ledger.Call) string { return stepName(part, k) }) {
			if !strings.HasSuffix(s.Name, "valkey") {
				turn.Steps = append(turn.Steps, s)
			}
		}
	}
	slices.SortFunc(turn.Steps, func(a, b ledger.Step) int { return strings.Compare(a.Name, b.Name) })
	return turn, c.ids
}

// checkTurn makes sure that what was counted is the turn that was meant.
func (b *book) checkTurn(c turnCalls) {
	b.t.Helper()
	if c.seen.text != prose.English(turnBytes, answerSeed) {
		b.t.Errorf("%d bytes were streamed, and not the answer", len(c.seen.text))
	}
	requests := b.engine.Requests()
	if n := len(requests[len(requests)-1].Messages); n != 2*historyTurns+2 {
		b.t.Errorf("the engine was asked with %d messages, want the system's, %d of history and the question", n, 2*historyTurns)
	}
}

// stepName says in words what a call of a turn is for.
func stepName(part string, c ledger.Call) string {
	if c.Service == ledger.Valkey {
		return part + ": valkey"
	}
	names := map[string]string{
		"send dynamodb TransactWriteItems 1": "send: guard, quota and chat in one transaction",
		"send dynamodb GetItem 1":            "send: read the quota's count",
		"send dynamodb PutItem 1":            "send: write the question",
		"send sqs SendMessage 1":             "send: queue the prompt",
		"worker dynamodb UpdateItem 1":       "worker: claim the reply",
		"worker dynamodb UpdateItem 2":       "worker: store the answer",
		"worker dynamodb UpdateItem 3":       "worker: free the chat",
		"worker dynamodb Query 1":            "worker: read the question and what is before it",
		"worker dynamodb Query 2":            "worker: read the history",
		"worker sqs DeleteMessageBatch 1":    "worker: delete the prompt",
		"worker s3 PUT 1":                    "worker: write down the usage",
	}
	if name := names[part+" "+c.Name()]; name != "" {
		return name
	}
	if c.Operation == "ReceiveMessage" {
		return "worker: receive the prompt"
	}
	return part + ": open the stream"
}

// chatOperations counts what is done with chats. last is the newest turn
// of one that has 21.
func (b *book) chatOperations(ops map[string]ledger.Figures, last receipt) {
	chatID, replyID := last.Chat, last.Reply
	get := func(path string) func() {
		return func() { b.call("history", "GET", path, "", 200) }
	}
	note := func(name string, do func()) { ops[name] = ledger.Sum(b.count(do)) }
	note("list chats, first of a process", get("/v1/chats"))
	note("list chats", get("/v1/chats"))
	note("history page of 30", get("/v1/chats/"+chatID+"/messages"))
	note("one chat", get("/v1/chats/"+chatID))
	note("one message", get("/v1/chats/"+chatID+"/messages/"+replyID))
	note("rename", func() { b.call("history", "PATCH", "/v1/chats/"+chatID, `{"title":"On mountains"}`, 200) })
	note("feedback", func() {
		b.call("history", "PUT", "/v1/chats/"+chatID+"/messages/"+replyID+"/feedback", `{"rating":"up"}`, 200)
	})
	b.lookAtQueue()
	note("send, later message", func() { last = b.send(chatID, 6) })
	b.engine.Change(func(e *enginetest.Engine) { e.Pace = 20 * time.Millisecond })
	ops["cancel"] = ledger.Sum(b.cancel(last))
	b.engine.Change(func(e *enginetest.Engine) { e.Pace = time.Millisecond })
	note("regenerate", func() {
		b.call("send-message", "POST", "/v1/chats/"+chatID+"/messages/"+replyID+"/regenerate", "", 202)
	})
	note("delete", func() { b.call("history", "DELETE", "/v1/chats/"+chatID, "", 204) })
}

// addUp says what all workers do together, as report-backlog does each minute: nothing,
// which refuses no message.
func (b *book) addUp(at time.Time) {
	b.t.Helper()
	if err := b.Chats.SetTotal(b.t.Context(), quota.Free, chat.Pace{}, at); err != nil {
		b.t.Fatal(err)
	}
}

// turnWithoutTotal has a turn whose send and relay find nothing that was added up
// lately, and have to do that themselves, as their roles allow.
func (b *book) turnWithoutTotal() {
	b.t.Helper()
	b.addUp(time.Now().Add(-time.Hour))
	b.environment("send-message").Close()
	delete(b.functions, "send-message") // it looks no more often than every ten seconds
	var err error
	if b.relay, err = b.Relay(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	c := b.turn("", 301)
	lists := slices.DeleteFunc(slices.Clone(c.send), func(k ledger.Call) bool { return k.Operation != "Query" })
	if len(lists) != 2 {
		b.t.Errorf("a first send asks for %d lists; want those of keys and of workers", len(lists))
	}
}

// lookAtQueue has send-message look at the queue if that is due, so that the next
// send doesn't.
func (b *book) lookAtQueue() {
	b.t.Helper()
	b.call("send-message", "POST", "/v1/messages", fmt.Sprintf(`{"chat_id":%q,"text":"Nowhere."}`, id.New(time.Now())), 404)
	b.Recorder.Settle()
}

// cancel stops a reply that runs and returns what the relay called over it.
func (b *book) cancel(r receipt) []ledger.Call {
	b.t.Helper()
	claimed := func() bool {
		m, err := b.Chats.Message(b.t.Context(), chatRef(b.user, r))
		return err == nil && m.Attempt > 0
	}
	b.await("the reply to run", claimed)
	b.relay.Reset()
	if status := b.post(b.relay.URL + "/v1/chats/" + r.Chat + "/messages/" + r.Reply + "/cancel"); status != 200 {
		b.t.Fatalf("cancel: status %d", status)
	}
	return onTheWay(append(b.calls(b.relay.AWS), b.relay.Valkey.Calls()...))
}
