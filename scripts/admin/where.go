package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/store"
)

// where says which Parley is meant: that of a CloudFormation stack, whose outputs
// name its parts. A flag, or the variable that the parts themselves read, names
// one instead.
type where struct {
	local bool
	stack string
	parts map[string]*string // by output
}

// part is something of the stack that admin opens.
type part struct{ output, flag, env string }

var parts = []part{
	{"AccountsTable", "accounts-table", "ACCOUNTS_TABLE"},
	{"ChatsTable", "chats-table", "CHATS_TABLE"},
	{"BodiesBucket", "bodies-bucket", "BODIES_BUCKET"},
	{"FilesTable", "files-table", "FILES_TABLE"},
	{"FilesBucket", "files-bucket", "FILES_BUCKET"},
	{"QueueUrlsFree", "queues-free", "QUEUE_URLS_FREE"},
	{"QueueUrlsPremium", "queues-premium", "QUEUE_URLS_PREMIUM"},
	{"QueueUrlDead", "queue-dead", "QUEUE_URL_DEAD"},
	{"QueueUrlPurge", "queue-purge", "QUEUE_URL_PURGE"},
	{"QueueUrlFiles", "queue-files", "QUEUE_URL_FILES"},
	{"QueueUrlIndex", "queue-index", "QUEUE_URL_INDEX"},
	{"QueueUrlParked", "queue-parked", "QUEUE_URL_PARKED"},
}

func (w *where) register(f *flag.FlagSet) {
	f.BoolVar(&w.local, "local", false, "the Parley of make run on this machine (AWS_PORT, default 4566)")
	f.StringVar(&w.stack, "stack", "parley", "CloudFormation stack whose outputs name the parts")
	w.parts = map[string]*string{}
	for _, p := range parts {
		w.parts[p.output] = f.String(p.flag, os.Getenv(p.env), "instead of the stack's output "+p.output+" ("+p.env+")")
	}
}

// config is the environment's AWS, or the embedded one, whose keys are no secret.
func (w *where) config(ctx context.Context) (aws.Config, error) {
	if w.local {
		for name, value := range map[string]string{
			"AWS_ENDPOINT_URL": "http://127.0.0.1:" + cmp.Or(os.Getenv("AWS_PORT"), "4566"),
			"AWS_REGION":       "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
			"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		} {
			if err := os.Setenv(name, value); err != nil {
				return aws.Config{}, fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	return store.AWS(ctx)
}

// complete asks CloudFormation for the parts that nobody has named.
func (w *where) complete(ctx context.Context, cfg aws.Config) error {
	missing := false
	for _, value := range w.parts {
		missing = missing || *value == ""
	}
	if !missing {
		return nil
	}
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &w.stack})
	if err != nil {
		return fmt.Errorf("the stack %q can't be read (--local is the one of make run): %w", w.stack, err)
	}
	for _, stack := range out.Stacks {
		for _, o := range stack.Outputs {
			if value, ok := w.parts[aws.ToString(o.OutputKey)]; ok && *value == "" {
				*value = aws.ToString(o.OutputValue)
			}
		}
	}
	for _, p := range parts {
		if *w.parts[p.output] == "" {
			return fmt.Errorf("the stack %q has no output %s: name it with --%s", w.stack, p.output, p.flag)
		}
	}
	return nil
}

// open connects to the Parley that is meant.
func open(ctx context.Context, o options, in io.Reader, out, log io.Writer) (*desk, error) {
	cfg, err := o.where.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set: set AWS_REGION, or --local for the Parley of make run")
	}
	if err := o.where.complete(ctx, cfg); err != nil {
		return nil, err
	}
	at := func(output string) string { return *o.where.parts[output] }
	db, objects := store.DynamoDB(cfg), s3.NewFromConfig(cfg)
	chats := store.NewChats(db, objects, at("ChatsTable"), at("BodiesBucket"))
	queues := sqs.NewFromConfig(cfg)
	return &desk{
		options: o, in: in, out: out, ask: log, log: slog.New(slog.NewJSONHandler(log, nil)),
		accounts: store.NewAccounts(db, at("AccountsTable")), chats: chats,
		files: store.NewFiles(db, at("FilesTable"), at("ChatsTable")), bucket: object.New(objects, at("FilesBucket")),
		arrivals: queue.NewArrivals(queues, at("QueueUrlFiles"), at("FilesBucket"), nil),
		prompts:  queue.Settings{Free: strings.Split(at("QueueUrlsFree"), ","), Premium: strings.Split(at("QueueUrlsPremium"), ",")}.Plans(queues),
		indexes:  queue.NewIndexes(queues, at("QueueUrlIndex")),
		dead: dead{sqs: queues, parked: at("QueueUrlParked"), prompts: at("QueueUrlDead"), purges: at("QueueUrlPurge"),
			arrivals: at("QueueUrlFiles"), indexes: at("QueueUrlIndex"), files: at("FilesBucket")},
		who: func(ctx context.Context) string { return caller(ctx, cfg, o.where.local) },
		now: time.Now, newID: id.New,
	}, nil
}

// caller is who makes a change: the IAM identity, and beside it the user of this
// machine, since several people may share a role.
func caller(ctx context.Context, cfg aws.Config, local bool) string {
	person := cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"), "uid "+fmt.Sprint(os.Getuid()))
	if u, err := user.Current(); err == nil {
		person = cmp.Or(os.Getenv("SUDO_USER"), u.Username)
	}
	if local {
		return person
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return person
	}
	return aws.ToString(out.Arn) + " (" + person + ")"
}
