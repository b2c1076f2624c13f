//go:build service

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parley/shared/bill"
	"parley/shared/chat"
	"parley/shared/finance"
	"parley/shared/id"
	"parley/shared/object/objecttest"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/usage"
)

// TestAScheduledBill calls the function as its schedule does, over buckets and a
// secret of its own, with lines as a subscription delivers them.
func TestAScheduledBill(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client, books := objecttest.Bucket(t)
	_, records := objecttest.Bucket(t)
	bucket := finance.New(client, books)

	secrets := secretsmanager.NewFromConfig(cfg)
	name, key := "billing-"+id.New(time.Now()), strings.Repeat("k", 64)
	secret, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		force := true
		if _, err := secrets.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: secret.ARN, ForceDeleteWithoutRecovery: &force}); err != nil {
			t.Error(err)
		}
	})
	at := time.Now().UTC().AddDate(0, -1, 0)
	at = time.Date(at.Year(), at.Month(), 20, 12, 0, 0, 0, time.UTC) // of the last month: its hours are over
	line := `REPORT RequestId: 1\tDuration: 1.00 ms\tBilled Duration: 100 ms\tMemory Size: 1024 MB\tMax Memory Used: 80 MB\t\n`
	batch := fmt.Sprintf(`{"messageType":"DATA_MESSAGE","logGroup":"/aws/lambda/send","logEvents":[{"id":"1","timestamp":%d,"message":"%s"}]}`, at.UnixMilli(), line)
	if err := bucket.Put(t.Context(), at.Format(bill.LinesPrefix+"2006/01/02/15/us-east-1/a"), "", []byte(batch)); err != nil {
		t.Fatal(err)
	}
	question, user := id.New(at), id.New(at)
	r := usage.Of(chat.Prompt{User: user, Question: question, Reply: id.Next(question), Plan: quota.Free, Model: "m"}, 1, chat.Result{Status: chat.Done}, at)
	r.EngineMS = 3_600_000
	file, err := usage.Encode([]usage.Record{r})
	if err == nil {
		err = store.NewUsage(client, records).Put(t.Context(), usage.Key(at, "w", 1), file)
	}
	if err != nil {
		t.Fatal(err)
	}

	var ev events.EventBridgeEvent
	text, err := os.ReadFile("../../events/billing-report.json")
	if err == nil {
		err = json.Unmarshal(text, &ev)
	}
	if err != nil {
		t.Fatal(err)
	}
	ev.Detail = json.RawMessage(fmt.Sprintf(`{"month": %q}`, at.Format("2006-01")))
	handle := build(settings{Bucket: books, Usage: []string{"us-east-1=" + records}, Secret: *secret.ARN, Regions: []string{"us-east-1"}, Centre: "gpu", Settle: 30 * time.Minute},
		cfg, slog.New(slog.DiscardHandler)).(func(context.Context, events.EventBridgeEvent) error)
	for range 2 { // of lines and records, then of their partials
		if err := handle(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		in, err := bucket.Open(t.Context(), bill.BillsPrefix+at.Format("2006-01")+"/bill.json")
		if err != nil {
			t.Fatal(err)
		}
		var b bill.Bill
		err = json.NewDecoder(in).Decode(&b)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		if b.Total.Requests != 1 || b.Total.GBSeconds.String() != "0.1" || b.Answered.Done != 1 || b.Users[0].User != bill.Alias([]byte(key), usage.Pseudonym(user)) || b.Pending != 0 || b.Faults() != 0 {
			t.Errorf("%+v, %+v, %+v", b.Total, b.Answered, b.Users)
		}
	}
	handle = build(settings{Bucket: books, Secret: "nowhere"}, cfg, slog.New(slog.DiscardHandler)).(func(context.Context, events.EventBridgeEvent) error)
	if err := handle(t.Context(), ev); err == nil {
		t.Error("a bill was made without a key for its pseudonyms")
	}
}
