// Billing-report makes the bill of the month for finance: every hour it sums up the
// hour before and writes the month's page, CSV and JSON into finance's bucket. Its
// template is the one beside it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parley/docs"
	"parley/shared/bill"
	"parley/shared/finance"
	"parley/shared/function"
	"parley/shared/object"
	"parley/shared/store"
	"parley/shared/usage"
)

type settings struct {
	Bucket  string        `env:"FINANCE_BUCKET,required"`
	Usage   []string      `env:"USAGE_BUCKETS"`                         // one for each region of Parley, as REGION=BUCKET
	Secret  string        `env:"PSEUDONYM_SECRET,required"`             // ARN: the key of the pseudonyms
	Regions []string      `env:"PARLEY_REGIONS" envDefault:"us-east-1"` // whose functions are listed
	Centre  string        `env:"GPU_COST_CENTRE" envDefault:"parley"`   // of the estimate of GPUs
	Settle  time.Duration `env:"SETTLE" envDefault:"15m"`               // how long after its end an hour is summed up
}

func main() { function.Main(build) }

// transfer is how long a file may take that is read while it comes: 128 MB of lines.
const transfer = 10 * time.Minute

// patient gives S3 that time, and keeps the connections by which records are fetched.
var patient = store.Patient(transfer, func(t *http.Transport) { t.MaxIdleConnsPerHost = bill.AtOnce })

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	r := &reporter{settings: c, cfg: cfg, log: log, secret: object.Secret(secretsmanager.NewFromConfig(cfg), c.Secret)}
	return r.handle
}

type reporter struct {
	settings
	cfg    aws.Config
	log    *slog.Logger
	secret func(context.Context) (string, error)
	key    []byte // once it was read
}

// errKey says that the pseudonyms would protect nobody.
var errKey = errors.New("the key of the pseudonyms has less than 32 characters")

// handle makes the months that are due. A detail {"month": "2026-10"} asks for that
// one instead.
func (r *reporter) handle(ctx context.Context, ev events.EventBridgeEvent) error {
	months, err := months(ev.Detail, time.Now())
	if err != nil {
		return err
	}
	c, err := r.clerk(ctx)
	if err != nil {
		return err
	}
	for _, month := range months {
		b, err := c.Do(ctx, month)
		if err != nil {
			return fmt.Errorf("bill of %s: %w", month, err)
		}
		r.log.InfoContext(ctx, "bill", "month", month, "net", b.Whole.Net.String(), "currency", b.Currency, "invoiced", b.Invoiced,
			"pending", b.Pending, "unreadable", b.Faults(), "anomalies", len(b.Anomalies))
	}
	return nil
}

// months reads which bills are asked for. Schedules send a detail that is empty, or
// an empty object in a string.
func months(detail json.RawMessage, now time.Time) ([]string, error) {
	var asked struct {
		Month string `json:"month"`
	}
	var text string
	if json.Unmarshal(detail, &text) == nil {
		detail = json.RawMessage(text)
	}
	if len(detail) > 0 {
		if err := json.Unmarshal(detail, &asked); err != nil {
			return nil, fmt.Errorf("detail of the event: %w", err)
		}
	}
	if asked.Month != "" {
		return []string{asked.Month}, nil
	}
	return bill.Due(now), nil
}

func (r *reporter) clerk(ctx context.Context) (*bill.Clerk, error) {
	defaults, err := bill.DefaultSettings(docs.Prices)
	if err != nil {
		return nil, err
	}
	defaults.GPU.Centre = r.Centre
	if r.key == nil {
		text, err := r.secret(ctx)
		if err != nil {
			return nil, err
		}
		if len(text) < 32 {
			return nil, errKey
		}
		r.key = []byte(text)
	}
	files, err := r.usageFiles()
	if err != nil {
		return nil, err
	}
	return &bill.Clerk{Bucket: finance.New(s3.NewFromConfig(r.cfg, patient), r.Bucket), Usage: files, Inventory: finance.NewFunctions(r.cfg, r.Regions...),
		Key: r.key, Settings: defaults, Now: time.Now, Log: r.log, Settle: r.Settle, Spare: 2 * time.Minute}, nil
}

// usageFiles opens the buckets of usage records; nil if there is none.
func (r *reporter) usageFiles() (usage.Files, error) {
	all := finance.Union{}
	for _, pair := range r.Usage {
		region, name, err := finance.ParseBucket(pair)
		if err != nil {
			return nil, err
		}
		all = append(all, store.NewUsage(s3.NewFromConfig(r.cfg, patient, func(o *s3.Options) { o.Region = region }), name))
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}
