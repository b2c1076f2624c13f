//go:build service

package ledger_test

import (
	"sync/atomic"
	"testing"
	"time"

	"parley/scripts/internal/ledger"
	"parley/shared/chat"
	"parley/shared/usage"
)

// A worker is killed when a reply is stored and its usage isn't written. Another one
// writes that from the reply's row, and only then the prompt goes.
func TestAKilledWorkersUsageIsWritten(t *testing.T) {
	b := openBook(t)
	b.user, b.token, _ = b.signUp(1)
	var tries atomic.Int32
	b.worker.AWS.Reset(func(s ledger.Stage, c ledger.Call) bool {
		if c.Service != ledger.S3 {
			return true
		}
		tries.Add(1)
		return false
	})
	ids := b.send("", 1)
	ref := chatRef(b.user, ids)
	b.await("the first try to write usage", func() bool { return tries.Load() > 0 })
	reply, err := b.Chats.Message(t.Context(), ref)
	if err != nil || reply.Status != chat.Done {
		t.Fatalf("the reply is %s, %v", reply.Status, err)
	}
	b.worker.Kill()
	if got := b.usage(); len(got) > 0 {
		t.Fatalf("the dead worker wrote %+v", got)
	}
	other, err := b.Worker(t.Context(), b.engine.URL, "ENGINE_MODEL=test", "ENGINE_SLOTS=4", "ENGINE_CONTEXT="+context128k)
	if err != nil {
		t.Fatal(err)
	}
	b.worker = other
	var got []usage.Record
	b.await("another worker's record", func() bool { got = b.usage(); return len(got) > 0 })
	if r := got[0]; len(got) != 1 || r.Reply != ids.Reply || !r.Found || r.Status != chat.Done || r.Attempts != 1 ||
		r.CompletionTokens != reply.Usage.CompletionTokens || r.PromptTokens != reply.Usage.PromptTokens {
		t.Errorf("records %+v, usage %+v", got, reply.Usage)
	}
	b.await("the prompt's deletion", func() bool {
		for _, c := range b.calls(b.worker.AWS) {
			if c.Operation == "DeleteMessageBatch" && c.Status == 200 {
				return true
			}
		}
		return false
	})
	if n := len(b.engine.Requests()); n != 1 {
		t.Errorf("the engine was asked %d times", n)
	}
}

// usage reads all records that there are.
func (b *book) usage() []usage.Record {
	b.t.Helper()
	records, err := usage.Read(b.t.Context(), b.UsageFiles(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		b.t.Fatal(err)
	}
	return records
}
