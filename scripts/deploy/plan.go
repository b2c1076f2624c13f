package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parley/scripts/deploy/change"
)

// plan is a change set that is ready to be carried out.
type plan struct {
	stack   string
	id      string // the change set's
	create  bool   // there is no such stack yet
	changes []change.Change
	read    []string // nested stacks whose changes are read out of templates
}

var errNothing = errors.New("nothing to change")

// request is what a change set is made of.
type request struct {
	stack       string
	url         string // of the template; empty: the stack keeps the one that it has
	template    []byte
	parameters  []types.Parameter
	description string
}

func values(parameters map[string]string) []types.Parameter {
	var all []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		all = append(all, types.Parameter{ParameterKey: &name, ParameterValue: aws.String(parameters[name])})
	}
	return all
}

// plan has CloudFormation say what would change. Where it can't say it for nested
// stacks (it doesn't for some with transforms), their templates are compared.
func (c *cloud) plan(ctx context.Context, r request) (*plan, error) {
	s, err := c.stack(ctx, r.stack)
	if err != nil {
		return nil, err
	}
	kind, err := changeSetType(s)
	if err != nil {
		return nil, err
	}
	p := &plan{stack: r.stack, create: kind == types.ChangeSetTypeCreate}
	for _, nested := range []bool{true, false} {
		if err = c.makeChangeSet(ctx, p, r, kind, nested); err == nil {
			break
		}
		c.discard(context.WithoutCancel(ctx), p)
		if ctx.Err() != nil || errors.Is(err, errNothing) {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if err := c.readChanges(ctx, p, p.id, "", r.template); err != nil {
		c.discard(context.WithoutCancel(ctx), p)
		return nil, err
	}
	return p, nil
}

// changeSetType refuses stacks that can't be changed as they are.
func changeSetType(s *types.Stack) (types.ChangeSetType, error) {
	if s == nil {
		return types.ChangeSetTypeCreate, nil
	}
	name := aws.ToString(s.StackName)
	switch status := s.StackStatus; {
	case status == types.StackStatusReviewInProgress:
		return types.ChangeSetTypeCreate, nil
	case status == types.StackStatusRollbackComplete, status == types.StackStatusRollbackFailed, status == types.StackStatusDeleteFailed:
		return "", fmt.Errorf("stack %s is %s: its first deployment failed; delete it (aws cloudformation delete-stack --stack-name %s), then come again", name, status, name)
	case status == types.StackStatusUpdateRollbackFailed:
		return "", fmt.Errorf("stack %s is %s: aws cloudformation continue-update-rollback --stack-name %s first", name, status, name)
	case strings.HasSuffix(string(status), "_IN_PROGRESS"):
		return "", fmt.Errorf("stack %s is %s: somebody else is at it", name, status)
	}
	return types.ChangeSetTypeUpdate, nil
}

func (c *cloud) makeChangeSet(ctx context.Context, p *plan, r request, kind types.ChangeSetType, nested bool) error {
	in := &cloudformation.CreateChangeSetInput{
		StackName: &r.stack, ChangeSetName: aws.String(fmt.Sprintf("parley-%d", time.Now().UnixNano())),
		ChangeSetType: kind, Parameters: r.parameters, Description: &r.description,
		Capabilities:        []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityAutoExpand},
		IncludeNestedStacks: &nested,
	}
	if r.url == "" {
		in.UsePreviousTemplate = aws.Bool(true)
	} else {
		in.TemplateURL = &r.url
	}
	res, err := c.stacks.CreateChangeSet(ctx, in)
	if err != nil {
		return fmt.Errorf("change set for %s: %w", r.stack, err)
	}
	p.id = aws.ToString(res.Id)
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 3*time.Second) {
		d, err := c.stacks.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &p.id})
		if err != nil {
			return fmt.Errorf("change set for %s: %w", r.stack, err)
		}
		reason := aws.ToString(d.StatusReason)
		switch d.Status {
		case types.ChangeSetStatusCreateComplete:
			return nil
		case types.ChangeSetStatusFailed:
			if strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed") {
				return errNothing
			}
			return fmt.Errorf("CloudFormation can't make a change set for %s: %s", r.stack, reason)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// readChanges adds what a change set and those nested in it say. Template is what
// the stack at path will have.
func (c *cloud) readChanges(ctx context.Context, p *plan, id, path string, template []byte) error {
	after, err := change.Resources(template)
	if err != nil {
		return err
	}
	var token *string
	for {
		d, err := c.stacks.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &id, NextToken: token})
		if err != nil {
			return fmt.Errorf("change set %s: %w", id, err)
		}
		for _, ch := range d.Changes {
			if ch.ResourceChange == nil {
				continue
			}
			if err := c.readChange(ctx, p, ch.ResourceChange, path, after); err != nil {
				return err
			}
		}
		if token = d.NextToken; token == nil {
			return nil
		}
	}
}

func (c *cloud) readChange(ctx context.Context, p *plan, r *types.ResourceChange, path string, after map[string]change.Resource) error {
	one := change.Change{
		Stack: path, Action: change.Action(r.Action), ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType),
		Replacement: change.Replacement(r.Replacement),
		Retained:    r.PolicyAction == types.PolicyActionRetain || r.PolicyAction == types.PolicyActionReplaceAndRetain,
	}
	for _, detail := range r.Details {
		if t := detail.Target; t != nil {
			if name := cmp.Or(aws.ToString(t.Name), string(t.Attribute)); !slices.Contains(one.Because, name) {
				one.Because = append(one.Because, name)
			}
		}
	}
	if one.Type == change.Stack && one.Replacement == change.Perhaps { // what is in it may be; it isn't
		one.Replacement = change.Stays
	}
	p.changes = append(p.changes, one)
	if one.Type != change.Stack {
		return nil
	}
	inner := one.Path()
	template, err := c.nestedTemplate(ctx, one, after)
	if err != nil {
		return fmt.Errorf("%s: %w", inner, err)
	}
	if id := aws.ToString(r.ChangeSetId); id != "" {
		return c.readChanges(ctx, p, id, inner, template)
	}
	return c.compare(ctx, p, inner, aws.ToString(r.PhysicalResourceId), template)
}

// compare adds what becomes of a nested stack of which CloudFormation says nothing,
// and of those nested in it; an empty template is that it goes.
func (c *cloud) compare(ctx context.Context, p *plan, path, physical string, template []byte) error {
	p.read = append(p.read, path)
	after, err := change.Resources(template)
	if err != nil {
		return err
	}
	before := map[string]change.Resource{}
	ids := map[string]string{}
	if physical != "" {
		if before, ids, err = c.running(ctx, physical); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	changes := change.Between(path, before, after)
	p.changes = append(p.changes, changes...)
	for _, ch := range changes {
		if ch.Type != change.Stack && ch.Type != change.Application {
			continue
		}
		inner, err := c.nestedTemplate(ctx, ch, after)
		if err != nil {
			return fmt.Errorf("%s: %w", ch.Path(), err)
		}
		if err := c.compare(ctx, p, ch.Path(), ids[ch.ID], inner); err != nil {
			return err
		}
	}
	return nil
}

// running reads the template that a stack has, as it was given, and which of its
// resources is what in the account.
func (c *cloud) running(ctx context.Context, stack string) (map[string]change.Resource, map[string]string, error) {
	template, err := c.template(ctx, stack)
	if err != nil {
		return nil, nil, err
	}
	written, err := change.Resources(template)
	if err != nil {
		return nil, nil, err
	}
	there, err := c.resources(ctx, stack)
	if err != nil {
		return nil, nil, err
	}
	ids := map[string]string{}
	for _, r := range there {
		ids[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
	}
	return written, ids, nil
}

// nestedTemplate reads the template that a nested stack is to have from where it
// was uploaded; that of one that goes is empty.
func (c *cloud) nestedTemplate(ctx context.Context, ch change.Change, after map[string]change.Resource) ([]byte, error) {
	if ch.Action == change.Remove {
		return nil, nil
	}
	properties := after[ch.ID].Properties
	location, _ := properties["Location"].(string)
	if location == "" {
		location, _ = properties["TemplateURL"].(string)
	}
	bucket, key, err := objectOf(location)
	if err != nil {
		return nil, err
	}
	return c.download(ctx, bucket, key)
}

// objectOf takes apart an address at S3, with the bucket in its path or its host.
func objectOf(location string) (bucket, key string, err error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("a nested template is at %q, which is no address", location)
	}
	key = strings.TrimPrefix(u.Path, "/")
	bucket, _, inHost := strings.Cut(u.Host, ".s3")
	if !inHost {
		bucket, key, _ = strings.Cut(key, "/")
	}
	if bucket == "" || key == "" {
		return "", "", fmt.Errorf("a nested template is at %q, which names no object", location)
	}
	return bucket, key, nil
}

// discard takes a change set away, and the empty stack that was made for it.
func (c *cloud) discard(ctx context.Context, p *plan) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if p.id != "" {
		c.stacks.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &p.id}) // what stays is harmless
	}
	if !p.create {
		return
	}
	if s, err := c.stack(ctx, p.stack); err == nil && s != nil && s.StackStatus == types.StackStatusReviewInProgress {
		c.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &p.stack})
	}
}

// pause waits between two questions to AWS, which tells nobody by itself.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return b, err
}
