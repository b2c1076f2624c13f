package stack

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// modelName is the small model's name in the engine's API.
const modelName = "smollm2-135m-instruct"

// engineSlots answers run at once, each with engineContext tokens.
const (
	engineSlots   = 4
	engineContext = 4096
)

// startCloud starts the embedded AWS. Functions inherit its environment, and
// with it the endpoint. Its temporary folder holds the unpacked functions; it
// is its own, so that two stacks don't remove each other's.
func (s *Stack) startCloud(ctx context.Context) error {
	tmp, err := s.emptyFolder("tmp")
	if err != nil {
		return err
	}
	port := strconv.Itoa(s.opts.AWSPort)
	return s.keep.run(ctx, program{
		name: "aws",
		argv: []string{s.tool("aws", "python"), filepath.Join(s.opts.Root, "scripts", "aws.py")},
		env: append(append(baseEnv(), s.awsEnvAt(s.endpoint())...),
			"GATEWAY_PORT="+port, "BIND_HOST=127.0.0.1", "MINISTACK_HOST=127.0.0.1",
			"MINISTACK_REGION="+s.opts.Region, "IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0",
			"PERSIST_STATE=1", "STATE_DIR="+s.folder("aws"),
			"S3_PERSIST=1", "S3_DATA_DIR="+s.folder("s3"), "TMPDIR="+tmp),
		dir:   s.opts.Data,
		grace: time.Minute, // it saves its state
	}, s.cloud.url+"/_ministack/ready", time.Minute)
}

func (s *Stack) startValkey(ctx context.Context) error {
	dir := s.folder("valkey")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err := s.keep.run(ctx, program{
		name: "valkey",
		argv: []string{filepath.Join(s.opts.Root, ".tools/valkey/valkey-server"), "--bind", "127.0.0.1", "--port", strconv.Itoa(s.opts.ValkeyPort),
			"--dir", dir, "--appendonly", "yes", "--save", ""},
		env:   baseEnv(),
		dir:   dir,
		grace: 10 * time.Second,
	}, "", 0)
	if err != nil {
		return err
	}
	return waitForValkey(ctx, loopback(s.opts.ValkeyPort))
}

func (s *Stack) startEngine(ctx context.Context) error {
	return s.keep.run(ctx, program{
		name: "engine",
		argv: []string{s.tool("engine", "python"), filepath.Join(s.opts.Root, "scripts", "engine.py")},
		env: append(baseEnv(), "ENGINE_HOST=127.0.0.1", "ENGINE_PORT="+strconv.Itoa(s.opts.EnginePort),
			"ENGINE_SLOTS="+strconv.Itoa(engineSlots), "ENGINE_SLOT_CONTEXT="+strconv.Itoa(engineContext),
			"ENGINE_MODEL="+modelName),
		dir:   s.opts.Data,
		grace: 5 * time.Second,
	}, "http://"+loopback(s.opts.EnginePort)+"/health", 2*time.Minute)
}

func (s *Stack) startWorker(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	return s.keep.run(ctx, program{
		name:  "worker",
		argv:  []string{s.binary("worker")},
		env:   append(append(baseEnv(), s.fleetEnv()...), "AWS_SDK_UA_APP_ID=worker", "LISTEN="+loopback(port), "ENGINE_TEMPERATURE=0", "MAX_TOKENS=1024"), // a model this small had better not guess, nor ramble
		dir:   s.opts.Root,
		grace: 30 * time.Second, // it finishes what it answers, or hands it back
	}, "http://"+loopback(port)+"/readyz", time.Minute)
}

func (s *Stack) startRelay(ctx context.Context) error {
	return s.keep.run(ctx, program{
		name:  "relay",
		argv:  []string{s.binary("relay")},
		env:   append(append(baseEnv(), s.fleetEnv()...), "AWS_SDK_UA_APP_ID=relay", "LISTEN="+loopback(s.opts.Port), "WEB_DIR=web"),
		dir:   s.opts.Root,
		grace: 10 * time.Second,
	}, s.URL()+"/readyz", time.Minute)
}

// startDynamoDB starts dynoxide, which is there for Linux on x86-64 only.
func (s *Stack) startDynamoDB(ctx context.Context) error {
	binary := filepath.Join(s.opts.Root, ".tools/node/node_modules/@dynoxide/linux-x64/dynoxide")
	if _, err := os.Stat(binary); err != nil {
		return nil
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	if s.dynamoDB, err = s.calls.past("http://" + loopback(port)); err != nil {
		return err
	}
	return s.keep.run(ctx, program{
		name:  "dynamodb",
		argv:  []string{binary, "--host", "127.0.0.1", "--port", strconv.Itoa(port)},
		env:   baseEnv(),
		dir:   s.opts.Data,
		grace: 5 * time.Second,
	}, "", 0)
}
