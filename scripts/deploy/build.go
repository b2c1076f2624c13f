package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/scripts/deploy/environment"
	"parley/scripts/internal/runtimeapi"
)

// managedStack is where SAM CLI says which bucket it has made in a region.
const managedStack = "aws-sam-cli-managed-default"

// release is a stack's template, with all that it names, where CloudFormation
// finds it.
type release struct {
	commit   string
	bucket   string
	prefix   string // of the stack, in the bucket
	url      string
	template []byte
}

// build builds what the stack's template names, and uploads it to the region.
func (d *desk) build(ctx context.Context, c *cloud, t *environment.Target, commit string, parameters map[string]string) (*release, error) {
	dir, err := os.MkdirTemp("", "parley-deploy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "--parallel", "--template-file", t.Template, "--build-dir", filepath.Join(dir, "build"), "--region", t.Region,
		"--language-extensions"} // as samconfig.toml has it, which SAM CLI reads beside a template only
	if a := parameters["Architecture"]; a != "" {
		args = append(args, "--parameter-overrides", "Architecture="+a)
	}
	if err := d.tool(ctx, runtimeapi.BuildEnv, "sam", args...); err != nil {
		return nil, err
	}
	d.say("built     %s", t.Template)
	r := &release{commit: commit, bucket: d.bucket, prefix: stackPrefix(t.Stack)}
	where := []string{"--resolve-s3"}
	if d.bucket != "" {
		where = []string{"--s3-bucket", d.bucket}
	}
	packaged := filepath.Join(dir, "packaged.yaml")
	err = d.tool(ctx, nil, "sam", append([]string{"package", "--template-file", filepath.Join(dir, "build", "template.yaml"),
		"--output-template-file", packaged, "--s3-prefix", r.prefix, "--region", t.Region, "--no-progressbar", "--language-extensions"}, where...)...)
	if err != nil {
		return nil, err
	}
	if r.template, err = os.ReadFile(packaged); err != nil {
		return nil, err
	}
	if r.bucket == "" {
		outputs, err := c.outputs(ctx, managedStack)
		if err != nil {
			return nil, err
		}
		if r.bucket = outputs["SourceBucket"]; r.bucket == "" {
			return nil, fmt.Errorf("stack %s doesn't say which bucket it has made", managedStack)
		}
	}
	sum := sha256.Sum256(r.template)
	r.url, err = c.upload(ctx, r.bucket, r.prefix+"/"+hex.EncodeToString(sum[:])+".template", r.template)
	if err == nil {
		d.say("uploaded  to s3://%s/%s", r.bucket, r.prefix)
	}
	return r, err
}

// upload puts an object and returns the address by which CloudFormation reads it.
func (c *cloud) upload(ctx context.Context, bucket, key string, body []byte) (string, error) {
	_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		return "", fmt.Errorf("upload s3://%s/%s: %w", bucket, key, err)
	}
	return fmt.Sprintf("https://s3.%s.amazonaws.com/%s/%s", c.region, bucket, key), nil
}

const largestObject = 4 << 20

// download reads a small object.
func (c *cloud) download(ctx context.Context, bucket, key string) ([]byte, error) {
	res, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	defer res.Body.Close()
	if n := aws.ToInt64(res.ContentLength); n > largestObject {
		return nil, fmt.Errorf("s3://%s/%s has %d bytes", bucket, key, n)
	}
	return readAll(res.Body, largestObject)
}

// stackPrefix begins the names of what is kept for a stack.
func stackPrefix(stack string) string { return "parley/" + stack }
