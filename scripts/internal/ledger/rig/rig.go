// Package rig puts up a Parley of its own to be measured or killed: tables in an
// exact DynamoDB, queues, bucket and key in the embedded AWS, and the compiled
// functions and fleet of this checkout, all of whose calls pass a ledger.Recorder.
//
// It reads the addresses of the services from the environment, as `make test`
// sets them, and removes what it made when it is closed.
package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// Services says where a rig finds what it needs.
type Services struct {
	DynamoDB string // DYNAMODB_URL: exact about capacity
	AWS      string // AWS_ENDPOINT_URL: all other services
	Valkey   string // VALKEY_ADDR: host:port; only the fleet needs it
}

// FromEnv reads the services that `make test` starts.
func FromEnv() (Services, error) {
	s := Services{DynamoDB: os.Getenv("DYNAMODB_URL"), AWS: os.Getenv("AWS_ENDPOINT_URL"), Valkey: os.Getenv("VALKEY_ADDR")}
	if s.DynamoDB == "" || s.AWS == "" {
		return s, errors.New("DYNAMODB_URL and AWS_ENDPOINT_URL are not set: `make test` and `make bench` start the services and set them")
	}
	return s, nil
}

// Options of a rig.
type Options struct {
	// Delay is what each recorded call takes longer, so that what is asked side by
	// side overlaps.
	Delay time.Duration
	Log   io.Writer // what the functions print; nil for nowhere
}

// Rig is a Parley under measurement.
type Rig struct {
	Services Services
	Recorder *ledger.Recorder // of what the functions call

	DB       *dynamodb.Client // past the recorder, as the clients below
	SQS      *sqs.Client
	S3       *s3.Client
	Chats    *store.Chats
	Accounts *store.Accounts

	AccountsTable, ChatsTable, FilesTable string
	Bucket, Usage, Files, Index           string // buckets; Bucket and Files keep versions
	Key                                   string
	Queues                                Queues

	opts   Options
	root   string
	bin    string
	binary map[string]func() (string, error) // built once
	mu     sync.Mutex
	undo   []func(context.Context) error
}

// Queues are the URLs of a rig's queues.
type Queues struct{ Free, Premium, Dead, Purge, Files, Index string }

// New puts a rig up. Close must be called in the end.
func New(ctx context.Context, s Services, o Options) (*Rig, error) {
	root, err := runtimeapi.Root()
	if err != nil {
		return nil, err
	}
	bin, err := os.MkdirTemp("", "parley-rig-")
	if err != nil {
		return nil, err
	}
	r := &Rig{Services: s, opts: o, root: root, bin: bin, binary: map[string]func() (string, error){}}
	r.undo = append(r.undo, func(context.Context) error { return os.RemoveAll(bin) })
	r.Recorder = ledger.NewRecorder(s.DynamoDB, s.AWS, o.Delay)
	r.undo = append(r.undo, func(context.Context) error { r.Recorder.Close(); return nil })
	r.DB = dynamodb.NewFromConfig(config(s.DynamoDB))
	r.SQS = sqs.NewFromConfig(config(s.AWS))
	r.S3 = s3.NewFromConfig(config(s.AWS))
	for _, make := range []func(context.Context) error{r.makeTables, r.makeQueues, r.makeBuckets, r.makeKey, r.makeSender} {
		if err := make(ctx); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	r.Accounts = store.NewAccounts(r.DB, r.AccountsTable)
	r.Chats = store.NewChats(r.DB, r.S3, r.ChatsTable, r.Bucket).WithFiles(r.FilesTable)
	return r, err
}

// config leads an AWS client to one of the local services, on a connection for each
// call, as the recorder does.
func config(url string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: storetest.Wire{Next: &http.Transport{DisableKeepAlives: true}}}, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// Close removes everything that the rig made.
func (r *Rig) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r.mu.Lock()
	undo := slices.Clone(r.undo)
	r.undo = nil
	r.mu.Unlock()
	var errs []error
	for _, f := range slices.Backward(undo) {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

func (r *Rig) later(f func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.undo = append(r.undo, f)
}

// Binary builds functions/<name> once and returns its path.
func (r *Rig) Binary(ctx context.Context, name string) (string, error) {
	r.mu.Lock()
	build, ok := r.binary[name]
	if !ok {
		build = sync.OnceValues(func() (string, error) { return runtimeapi.Build(ctx, r.root, r.bin, name) })
		r.binary[name] = build
	}
	r.mu.Unlock()
	return build()
}

// BuildProbed builds functions/<name> with one file more, and returns the binary's
// path; overlay is the file for `go build -overlay` that says which.
func (r *Rig) BuildProbed(ctx context.Context, name, overlay string) (string, error) {
	dir := filepath.Join(r.bin, "probed")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return runtimeapi.Build(ctx, r.root, dir, name, "-overlay="+overlay)
}

// Root is the checkout's folder.
func (r *Rig) Root() string { return r.root }

// Spec is what an environment of a function is started from; more variables
// replace those of the rig.
func (r *Rig) Spec(ctx context.Context, name string, env ...string) (runtimeapi.Spec, error) {
	binary, err := r.Binary(ctx, name)
	return runtimeapi.Spec{Binary: binary, Env: append(r.environment(r.Recorder.URL()), env...), Log: cmp.Or[io.Writer](r.opts.Log, io.Discard), Timeout: 30 * time.Second}, err
}

// Start starts one environment of a function.
func (r *Rig) Start(ctx context.Context, name string, env ...string) (*runtimeapi.Environment, error) {
	spec, err := r.Spec(ctx, name, env...)
	if err != nil {
		return nil, err
	}
	return runtimeapi.Start(spec)
}

// environment is what template.yaml gives the functions and the fleet, for all of
// them at once, with AWS at that address.
func (r *Rig) environment(aws string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + aws,
		"ACCOUNTS_TABLE=" + r.AccountsTable, "CHATS_TABLE=" + r.ChatsTable, "FILES_TABLE=" + r.FilesTable, "BODIES_BUCKET=" + r.Bucket, "USAGE_BUCKET=" + r.Usage, "FILES_BUCKET=" + r.Files, "INDEX_BUCKET=" + r.Index,
		"QUEUE_URLS_FREE=" + r.Queues.Free, "QUEUE_URLS_PREMIUM=" + r.Queues.Premium, "DEAD_QUEUE_URL=" + r.Queues.Dead, "PURGE_QUEUE_URL=" + r.Queues.Purge, "FILES_QUEUE_URL=" + r.Queues.Files, "INDEX_QUEUE_URL=" + r.Queues.Index,
		"KMS_KEY_ID=" + r.Key, "MAIL_FROM=" + sender, "ORIGIN=http://127.0.0.1:8080", "MALWARE_SCAN=none",
	}
}

// RotateKeys runs the function that makes the first signing key.
func (r *Rig) RotateKeys(ctx context.Context) error {
	e, err := r.Start(ctx, "rotate-keys")
	if err != nil {
		return err
	}
	defer e.Close()
	if _, err := e.Invoke(ctx, []byte("{}")); err != nil {
		return fmt.Errorf("make the first signing key: %w", err)
	}
	return nil
}
