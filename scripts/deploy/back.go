package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"go.yaml.in/yaml/v4"

	"parley/scripts/deploy/change"
)

// former is what a stack was before a deployment. It is kept beside the packages,
// which are there as well, so that another run can return to it. Secrets aren't in
// it: a return leaves them as they are.
type former struct {
	Time       time.Time         `json:"time"`
	Before     string            `json:"before"` // commit whose deployment it was kept for
	URL        string            `json:"url"`    // of the template
	Bucket     string            `json:"bucket"`
	Key        string            `json:"key"`
	Parameters map[string]string `json:"parameters"`
	Secrets    []string          `json:"secrets"` // names of parameters
}

// keepFormer keeps what the stack is now.
func (c *cloud) keepFormer(ctx context.Context, name string, r *release) (*former, error) {
	s, err := c.stack(ctx, name)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("stack %s has gone meanwhile", name)
	}
	template, err := c.template(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &former{Time: time.Now().UTC().Truncate(time.Second), Before: r.commit, Bucket: r.bucket, Parameters: map[string]string{}}
	hidden, err := secretParameters(template)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Parameters {
		if key := aws.ToString(p.ParameterKey); hidden[key] {
			f.Secrets = append(f.Secrets, key)
		} else {
			f.Parameters[key] = aws.ToString(p.ParameterValue)
		}
	}
	f.Key = fmt.Sprintf("%s/former-%d.template", r.prefix, f.Time.Unix())
	if f.URL, err = c.upload(ctx, r.bucket, f.Key, template); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	_, err = c.upload(ctx, r.bucket, formerKey(r.prefix), text)
	return f, err
}

func formerKey(prefix string) string { return prefix + "/former.json" }

// readFormer reads what was kept last.
func (c *cloud) readFormer(ctx context.Context, bucket, prefix string) (*former, error) {
	text, err := c.download(ctx, bucket, formerKey(prefix))
	if _, none := errors.AsType[*s3types.NoSuchKey](err); none {
		return nil, fmt.Errorf("nothing was kept in s3://%s/%s: the stack has had one deployment at most", bucket, prefix)
	}
	if err != nil {
		return nil, err
	}
	f := &former{}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("s3://%s/%s: %w", bucket, formerKey(prefix), err)
	}
	return f, nil
}

func (f *former) request(stack string, template []byte) request {
	r := request{stack: stack, url: f.URL, template: template, parameters: values(f.Parameters),
		description: "back to what was before " + f.Before}
	for _, name := range f.Secrets {
		r.parameters = append(r.parameters, types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)})
	}
	return r
}

// planBack plans the return to what was before. What has come since and holds data
// is not taken away: then the return is refused.
func (d *desk) planBack(ctx context.Context, c *cloud, stack string, f *former) (*plan, error) {
	template, err := c.download(ctx, f.Bucket, f.Key)
	if err != nil {
		return nil, err
	}
	p, err := c.plan(ctx, f.request(stack, template))
	if err != nil {
		return nil, err
	}
	d.say("Back to what was before %s (kept %s):", f.Before, f.Time.Format(time.DateTime))
	if err := d.judge(p); err != nil {
		c.discard(context.WithoutCancel(ctx), p)
		return nil, err
	}
	return p, nil
}

// rollback is the command rollback.
func (d *desk) rollback(ctx context.Context) error {
	names, err := d.stacks()
	if err != nil {
		return err
	}
	if d.all {
		return exit(exitUsage, "rollback returns one stack at a time")
	}
	env, err := d.environment(d.env)
	if err != nil {
		return err
	}
	t, err := env.Target(names[0])
	if err != nil {
		return err
	}
	c, err := openCloud(ctx, t.Region)
	if err != nil {
		return err
	}
	if err := c.checkAccount(ctx, d, env); err != nil {
		return err
	}
	bucket := d.bucket
	if bucket == "" {
		outputs, err := c.outputs(ctx, managedStack)
		if err != nil {
			return err
		}
		bucket = outputs["SourceBucket"]
	}
	f, err := c.readFormer(ctx, bucket, stackPrefix(t.Stack))
	if err != nil {
		return err
	}
	p, err := d.planBack(ctx, c, t.Stack, f)
	if errors.Is(err, errNothing) {
		d.say("%s is what it was before %s already", t, f.Before)
		return nil
	}
	if err != nil {
		return err
	}
	if d.plan {
		c.discard(context.WithoutCancel(ctx), p)
		return exit(exitNo, "nothing was changed: -plan")
	}
	if err := d.confirm(ctx, "Return %s to that?", t); err != nil {
		c.discard(context.WithoutCancel(ctx), p)
		return err
	}
	if err := d.execute(ctx, c, p); err != nil {
		return err
	}
	d.say("%s is what it was before %s", t, f.Before)
	return nil
}

// judge shows a plan and refuses what loses data.
func (d *desk) judge(p *plan) error {
	if err := change.Table(d.out, p.changes, d.colour()); err != nil {
		return err
	}
	if len(p.read) > 0 {
		d.say("Of %s CloudFormation says nothing; their templates were compared.", strings.Join(p.read, ", "))
	}
	losses := change.Losses(p.changes, d.lose)
	if len(losses) == 0 {
		return nil
	}
	lines := make([]string, len(losses))
	for i, l := range losses {
		lines[i] = "  " + l.String()
	}
	return exit(exitRefused, "refused, because data would be lost (-lose PATH for each if that is meant):\n%s", strings.Join(lines, "\n"))
}

// secretParameters are the parameters that a template doesn't show.
func secretParameters(template []byte) (map[string]bool, error) {
	var doc struct {
		Parameters map[string]struct {
			NoEcho bool `yaml:"NoEcho"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(template, &doc); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	hidden := map[string]bool{}
	for name, p := range doc.Parameters {
		hidden[name] = p.NoEcho
	}
	return hidden, nil
}
