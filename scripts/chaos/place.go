package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/scripts/internal/runtimeapi"
	"parley/shared/auth"
	"parley/shared/auth/authtest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// place is the AWS of a run, with the clients of this process.
type place struct {
	env    []string // of functions and fleet
	chats  *store.Chats
	sender *chat.Sender
	queue  *tap
	signer *auth.Signer
	send   *runtimeapi.Function // the function send-message
}

const (
	accountsTable, chatsTable = "accounts", "chats"
	bodiesBucket, usageBucket = "bodies", "usage"
)

// newPlace makes tables, queues, buckets and a key to sign tokens with.
func newPlace(ctx context.Context, f *fleet) (*place, error) {
	config := func(port int) aws.Config {
		url := f.url(port)
		return aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	}
	db, cloud := dynamodb.NewFromConfig(config(portDynamoDB)), config(portAWS)
	for _, table := range []string{accountsTable, chatsTable} {
		if err := storetest.Create(ctx, db, table); err != nil {
			return nil, err
		}
	}
	objects := s3.NewFromConfig(cloud, func(o *s3.Options) { o.UsePathStyle = true })
	for _, bucket := range []string{bodiesBucket, usageBucket} {
		if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			return nil, fmt.Errorf("make bucket %s: %w", bucket, err)
		}
	}
	p := &place{chats: store.NewChats(db, objects, chatsTable, bodiesBucket)}
	if err := p.makeQueues(ctx, sqs.NewFromConfig(cloud)); err != nil {
		return nil, err
	}
	p.env = append(p.env, "ACCOUNTS_TABLE="+accountsTable, "CHATS_TABLE="+chatsTable, "BODIES_BUCKET="+bodiesBucket, "USAGE_BUCKET="+usageBucket,
		"FILES_TABLE=none", "FILES_BUCKET=none") // no message brings a file
	p.sender = &chat.Sender{Store: p.chats, Queue: p.queue, Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: f.set.deadline, quota.Premium: f.set.deadline}}
	return p, p.makeKey(ctx, store.NewAccounts(db, accountsTable))
}

func (p *place) makeQueues(ctx context.Context, client *sqs.Client) error {
	p.queue = &tap{to: queue.Plans{}, prompts: map[string]chat.Prompt{}}
	for plan, name := range map[quota.Plan]string{quota.Free: "QUEUE_URLS_FREE", quota.Premium: "QUEUE_URLS_PREMIUM"} {
		out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("prompts-" + string(plan)),
			Attributes: map[string]string{"VisibilityTimeout": "15"}})
		if err != nil {
			return fmt.Errorf("make queue: %w", err)
		}
		p.queue.to[plan] = queue.NewLanes(1, queue.New(client, *out.QueueUrl))
		p.env = append(p.env, name+"="+*out.QueueUrl)
	}
	return nil
}

func (p *place) makeKey(ctx context.Context, accounts *store.Accounts) error {
	vault := authtest.Vault{}
	rotator := auth.Rotator{Keys: accounts, Maker: vault, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Schedule: auth.Schedule{Period: 30 * 24 * time.Hour, Lead: 24 * time.Hour}}
	if err := rotator.Run(ctx); err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	p.signer = auth.NewSigner(auth.NewKeyring(accounts, time.Now), vault)
	return nil
}

// makeFunction builds send-message.
func (p *place) makeFunction(ctx context.Context, f *fleet, log io.Writer) error {
	binary, err := runtimeapi.Build(ctx, f.root, filepath.Join(f.data, "bin"), "send-message")
	if err != nil {
		return err
	}
	deadline := f.set.deadline.String()
	env := append(append(f.toAWS(), p.env...), "DEADLINE_FREE="+deadline, "DEADLINE_PREMIUM="+deadline)
	p.send = runtimeapi.NewFunction(runtimeapi.Spec{Binary: binary, Env: env, Log: log}, 3)
	return nil
}

// limits let a user send all that a run has.
var limits = quota.Limits{MessagesPerHour: 1 << 20, TokensPerMessage: 4096}

func (p *place) token(ctx context.Context, user string, plan quota.Plan) (string, error) {
	return p.signer.Sign(ctx, auth.Identity{User: user, Plan: plan, Limits: limits})
}

// tap is a queue that remembers what it was given, to deliver it once more.
type tap struct {
	to queue.Plans

	mu      sync.Mutex
	prompts map[string]chat.Prompt // by reply
}

// Send queues a prompt.
func (t *tap) Send(ctx context.Context, p chat.Prompt) error {
	t.mu.Lock()
	t.prompts[p.Reply] = p
	t.mu.Unlock()
	return t.to.Send(ctx, p)
}

// again queues a reply's prompt once more; false if it isn't known, or can't be.
func (t *tap) again(ctx context.Context, reply string) bool {
	t.mu.Lock()
	p, known := t.prompts[reply]
	t.mu.Unlock()
	return known && t.to.Send(ctx, p) == nil
}
