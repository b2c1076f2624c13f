package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parley/scripts/deploy/change"
)

// execution follows one operation on a stack.
type execution struct {
	*desk
	cloud *cloud
	stack string

	nested map[string]string // path by the physical id of each stack that has had an event; the top's is ""
	seen   map[string]bool   // events, by id
	failed string            // the first resource that failed, and why
	around string            // the first nested stack that did, which knows less
}

// execute carries a plan out and returns when CloudFormation has done so, or has
// gone back: then the error says what failed first. When ctx ends meanwhile an
// update is taken back; the end of hurry's patience leaves it alone.
func (d *desk) execute(ctx context.Context, c *cloud, p *plan) error {
	x := &execution{desk: d, cloud: c, stack: p.stack, nested: map[string]string{}, seen: map[string]bool{}}
	if err := x.skip(ctx); err != nil {
		return err
	}
	if _, err := c.stacks.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &p.id}); err != nil {
		return fmt.Errorf("carry out the change set: %w", err)
	}
	status, err := x.follow(ctx, p.create)
	if err != nil {
		return err
	}
	if status == types.StackStatusCreateComplete || status == types.StackStatusUpdateComplete {
		return nil
	}
	reason := cmp.Or(x.failed, x.around, "no event says why")
	if ctx.Err() != nil {
		return exit(exitInterrupted, "stopped; %s is %s, as it was before", p.stack, status)
	}
	return exit(exitDeployment, "stack %s is %s. What failed first: %s", p.stack, status, reason)
}

// skip remembers the events that were before.
func (x *execution) skip(ctx context.Context) error {
	s, err := x.cloud.stack(ctx, x.stack)
	if err != nil || s == nil {
		return err
	}
	x.nested[aws.ToString(s.StackId)] = ""
	stacks, err := x.cloud.nestedStacks(ctx, aws.ToString(s.StackId), "")
	if err != nil {
		return err
	}
	maps.Copy(x.nested, stacks)
	for id := range x.nested {
		events, err := x.news(ctx, id)
		if err != nil {
			return err
		}
		for _, e := range events {
			x.seen[aws.ToString(e.EventId)] = true
		}
	}
	return nil
}

// nestedStacks finds the stacks in a stack, by id.
func (c *cloud) nestedStacks(ctx context.Context, stack, path string) (map[string]string, error) {
	resources, err := c.resources(ctx, stack)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, r := range resources {
		id := aws.ToString(r.PhysicalResourceId)
		if aws.ToString(r.ResourceType) != change.Stack || id == "" {
			continue
		}
		inner := change.Change{Stack: path, ID: aws.ToString(r.LogicalResourceId)}.Path()
		found[id] = inner
		deeper, err := c.nestedStacks(ctx, id, inner)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, deeper)
	}
	return found, nil
}

// follow shows events until the stack is at rest.
func (x *execution) follow(ctx context.Context, create bool) (types.StackStatus, error) {
	calls := context.WithoutCancel(ctx)
	stop := ctx.Done()
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 4*time.Second) {
		s, err := x.cloud.stack(calls, x.stack)
		if err != nil {
			return "", fmt.Errorf("the deployment goes on, but can't be followed: %w", err)
		}
		if err := x.show(calls); err != nil {
			return "", fmt.Errorf("the deployment goes on, but can't be followed: %w", err)
		}
		if s == nil {
			return types.StackStatusDeleteComplete, nil
		}
		if !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
			return s.StackStatus, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-stop:
			stop = nil
			if create {
				timer.Stop()
				return "", exit(exitInterrupted, "stopped looking; CloudFormation goes on to make %s by itself, and nobody has tested it", x.stack)
			}
			x.say("Ctrl-C: the update is being taken back; again, and it is left alone while it does so")
			_, err := x.cloud.stacks.CancelUpdateStack(calls, &cloudformation.CancelUpdateStackInput{StackName: &x.stack})
			if err != nil {
				x.say("it can't be: %v", err)
			}
		case <-x.hurry:
			timer.Stop()
			return "", exit(exitInterrupted, "stopped looking; CloudFormation goes on with %s by itself", x.stack)
		}
	}
}

// show writes the events of a stack and those in it that weren't there before,
// oldest first.
func (x *execution) show(ctx context.Context) error {
	var all []types.StackEvent
	for done := map[string]bool{}; len(done) < len(x.nested); { // events name stacks, which have events
		for id := range x.nested {
			if done[id] {
				continue
			}
			done[id] = true
			events, err := x.news(ctx, id)
			if err != nil {
				return err
			}
			all = append(all, events...)
		}
	}
	slices.SortStableFunc(all, func(a, b types.StackEvent) int {
		return aws.ToTime(a.Timestamp).Compare(aws.ToTime(b.Timestamp))
	})
	for _, e := range all {
		x.event(e)
	}
	return nil
}

// news are the events of one stack that weren't seen, oldest first; stacks that
// they name are followed from now on.
func (x *execution) news(ctx context.Context, id string) ([]types.StackEvent, error) {
	var news []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(x.cloud.stacks, &cloudformation.DescribeStackEventsInput{StackName: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("events of %s: %w", id, err)
		}
		known := false
		for _, e := range page.StackEvents {
			if known = known || x.seen[aws.ToString(e.EventId)]; !known {
				news = append(news, e)
			}
			inner := aws.ToString(e.PhysicalResourceId)
			if _, have := x.nested[inner]; !have && aws.ToString(e.ResourceType) == change.Stack && strings.HasPrefix(inner, "arn:") {
				x.nested[inner] = change.Change{Stack: x.nested[id], ID: aws.ToString(e.LogicalResourceId)}.Path()
			}
		}
		if known {
			break
		}
	}
	slices.Reverse(news)
	return news, nil
}

func (x *execution) event(e types.StackEvent) {
	x.seen[aws.ToString(e.EventId)] = true
	path := x.nested[aws.ToString(e.StackId)]
	name := change.Change{Stack: path, ID: aws.ToString(e.LogicalResourceId)}.Path()
	if aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) { // a stack's event on itself
		if path != "" { // the stack around it says the same
			return
		}
		name = x.stack
	}
	status, reason := string(e.ResourceStatus), aws.ToString(e.ResourceStatusReason)
	x.say("  %s  %-28s %s  %s", aws.ToTime(e.Timestamp).Local().Format(time.TimeOnly), status, name, reason)
	if !strings.HasSuffix(status, "_FAILED") || strings.Contains(reason, "cancelled") { // which is what happens to others then
		return
	}
	why := fmt.Sprintf("%s (%s): %s", name, aws.ToString(e.ResourceType), reason)
	switch {
	case aws.ToString(e.ResourceType) != change.Stack:
		x.failed = cmp.Or(x.failed, why)
	case path != "" || name != x.stack:
		x.around = cmp.Or(x.around, why)
	}
}
