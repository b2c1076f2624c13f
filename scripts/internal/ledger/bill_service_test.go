//go:build service

package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/bill"
	"parley/shared/chat"
	"parley/shared/finance"
	"parley/shared/id"
	"parley/shared/object/objecttest"
	"parley/shared/quota"
	"parley/shared/usage"
)

// office is where a rig's bill is made: finance's bucket and the key of its pseudonyms.
type office struct {
	*rig.Rig
	books  string // name of the bucket
	bucket *finance.Bucket
	key    string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	r, _ := newRig(t)
	o := &office{Rig: r, books: "rig-finance-" + strings.ToLower(id.New(time.Now())), key: strings.Repeat("k", 64)}
	if _, err := r.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &o.books}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { objecttest.Remove(t, r.S3, o.books) })
	o.bucket = finance.New(r.S3, o.books)
	return o
}

// secret keeps a text as a secret and returns its ARN.
func (o *office) secret(t *testing.T, text string) string {
	t.Helper()
	client := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &o.Services.AWS, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	out, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("rig-pseudonyms-" + id.New(time.Now())), SecretString: &text})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: out.ARN, ForceDeleteWithoutRecovery: aws.Bool(true)}); err != nil {
			t.Error(err)
		}
	})
	return *out.ARN
}

// start starts the compiled function with a secret, as its template does.
func (o *office) start(t *testing.T, secret string) *runtimeapi.Environment {
	t.Helper()
	spec, err := o.Spec(t.Context(), "billing-report", "FINANCE_BUCKET="+o.books, "USAGE_BUCKETS=us-east-1="+o.Usage, "PSEUDONYM_SECRET="+secret,
		"PARLEY_REGIONS=us-east-1", "GPU_COST_CENTRE=gpu", "SETTLE=30m")
	if err != nil {
		t.Fatal(err)
	}
	spec.Timeout = 15 * time.Minute // it begins no hour of lines in the last two
	e, err := runtimeapi.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// put keeps something that others bring into finance's bucket.
func (o *office) put(t *testing.T, name, content string) {
	t.Helper()
	if err := o.bucket.Put(t.Context(), name, "", []byte(content)); err != nil {
		t.Fatal(err)
	}
}

// scheduled is the event of the function's schedule, for a month.
func (o *office) scheduled(t *testing.T, month string) []byte {
	t.Helper()
	var ev events.EventBridgeEvent
	text, err := os.ReadFile(filepath.Join(o.Root(), "events", "billing-report.json"))
	if err == nil {
		err = json.Unmarshal(text, &ev)
	}
	if err != nil {
		t.Fatal(err)
	}
	ev.Detail = json.RawMessage(fmt.Sprintf(`{"month": %q}`, month))
	event, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// TestAScheduledBill calls the function as its schedule does, with lines as a
// subscription delivers them, a record of a reply, and an invoice as AWS exports it.
func TestAScheduledBill(t *testing.T) {
	o := newOffice(t)
	at := time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()) // of the last month: its hours are over
	at = time.Date(at.Year(), at.Month(), 20, 12, 0, 0, 0, time.UTC)
	month := at.Format("2006-01")
	line := `REPORT RequestId: 1\tDuration: 1.00 ms\tBilled Duration: 100 ms\tMemory Size: 1024 MB\tMax Memory Used: 80 MB\t\n`
	o.put(t, at.Format(bill.LinesPrefix+"2006/01/02/15/us-east-1/a"),
		fmt.Sprintf(`{"messageType":"DATA_MESSAGE","logGroup":"/aws/lambda/send","logEvents":[{"id":"1","timestamp":%d,"message":"%s"}]}`, at.UnixMilli(), line))
	o.put(t, bill.FocusPrefix+"data/BILLING_PERIOD="+month+"/a.csv", "BilledCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ResourceId,ServiceName,Tags\n"+
		"7.25,USD,"+month+"-01T00:00:00Z,Usage,"+month+"-20T00:00:00Z,r,Amazon DynamoDB,{}\n")
	question, user := id.New(at), id.New(at)
	r := usage.Of(chat.Prompt{User: user, Question: question, Reply: id.Next(question), Plan: quota.Free, Model: "m"}, 1, chat.Result{Status: chat.Done}, at)
	r.EngineMS = 3_600_000
	file, err := usage.Encode([]usage.Record{r})
	if err == nil {
		err = o.UsageFiles().Put(t.Context(), usage.Key(at, "w", 1), file)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := o.start(t, o.secret(t, o.key))
	for range 2 { // of lines and records, then of their partials
		if _, err := e.Invoke(t.Context(), o.scheduled(t, month)); err != nil {
			t.Fatal(err)
		}
		in, err := o.bucket.Open(t.Context(), bill.BillsPrefix+month+"/bill.json")
		if err != nil {
			t.Fatal(err)
		}
		var b bill.Bill
		err = json.NewDecoder(in).Decode(&b)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		if b.Total.Requests != 1 || b.Total.GBSeconds.String() != "0.1" || b.Answered.Done != 1 || b.Users[0].User != bill.Alias([]byte(o.key), usage.Pseudonym(user)) ||
			b.Whole.Net.String() != "7.25" || b.Pending != 0 || b.Faults() != 0 {
			t.Errorf("%+v, %+v, %+v, %+v", b.Total, b.Answered, b.Users, b.Whole)
		}
	}
}

// A key that everybody could guess makes no pseudonyms, and no bill.
func TestNoBillWithoutAKey(t *testing.T) {
	o := newOffice(t)
	_, err := o.start(t, o.secret(t, "short")).Invoke(t.Context(), o.scheduled(t, "2026-01"))
	if failed, ok := errors.AsType[*runtimeapi.FunctionError](err); !ok || !strings.Contains(failed.Error(), "key of the pseudonyms") {
		t.Errorf("the function said %v", err)
	}
}
