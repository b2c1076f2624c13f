package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parley/scripts/deploy/environment"
)

// rotateSecret is the command rotate-secret. Regions take the new secret beside the
// old one, the edge sends the new one, regions drop the old one. It may be stopped
// between any two stacks: the next run goes on, and finds what is done already.
func (d *desk) rotateSecret(ctx context.Context) error {
	env, err := d.environment(d.env)
	if err != nil {
		return err
	}
	home, err := openCloud(ctx, env.Home)
	if err != nil {
		return err
	}
	if err := home.checkAccount(ctx, d, env); err != nil {
		return err
	}
	regions, edge, err := d.deployed(ctx, env)
	if err != nil {
		return err
	}
	s, err := d.openSecret(ctx, env)
	if err != nil {
		return err
	}
	if err := d.confirm(ctx, "Change the edge's secret in %d stacks of regions and %d of the edge?", len(regions), len(edge)); err != nil {
		return err
	}
	if s.before.value == "" { // else an earlier change is to be ended
		if s.next.value == "" {
			if err := s.announce(ctx); err != nil {
				return err
			}
		}
		d.say("1. Regions take the new secret, too.")
		if err := d.give(ctx, env, regions, s); err != nil {
			return err
		}
		if err := s.promote(ctx); err != nil {
			return err
		}
	}
	d.say("2. The edge sends the new secret.")
	if err := d.give(ctx, env, edge, s); err != nil {
		return err
	}
	d.say("3. Regions drop the old secret.")
	old := s.before
	s.before = version{}
	if err := d.give(ctx, env, regions, s); err != nil {
		return err
	}
	s.before = old
	if err := s.drop(ctx); err != nil {
		return err
	}
	d.say("The edge's secret of %s is another one now.", env.Name)
	return nil
}

// deployed are the stacks with the secret that are there. A region that couldn't
// take two secrets would refuse the edge meanwhile.
func (d *desk) deployed(ctx context.Context, env *environment.Environment) (regions, edge []*environment.Target, err error) {
	for _, t := range env.Order() {
		c, err := openCloud(ctx, t.Region)
		if err != nil {
			return nil, nil, err
		}
		s, err := c.stack(ctx, t.Stack)
		if err != nil {
			return nil, nil, err
		}
		if s == nil {
			continue
		}
		has := map[string]bool{}
		for _, p := range s.Parameters {
			has[aws.ToString(p.ParameterKey)] = true
		}
		switch {
		case t.Name == "edge":
			edge = append(edge, t)
		case has[environment.EdgeSecretBefore]:
			regions = append(regions, t)
		case has[environment.EdgeSecret]:
			return nil, nil, fmt.Errorf("%s can't take two secrets at a time: deploy a release that can there first", t)
		}
	}
	return regions, edge, nil
}

// give updates stacks by their parameters of the secret, and nothing else.
func (d *desk) give(ctx context.Context, env *environment.Environment, targets []*environment.Target, s *edgeSecret) error {
	for _, t := range targets {
		if err := d.giveOne(ctx, env, t, s.of(t)); err != nil {
			return fmt.Errorf("%s: %w\n(another rotate-secret goes on from here)", t, err)
		}
	}
	return nil
}

func (d *desk) giveOne(ctx context.Context, env *environment.Environment, t *environment.Target, secrets map[string]string) error {
	c, err := openCloud(ctx, t.Region)
	if err != nil {
		return err
	}
	stack, err := c.stack(ctx, t.Stack)
	if err != nil {
		return err
	}
	if stack == nil {
		return fmt.Errorf("the stack has gone meanwhile")
	}
	r := request{stack: t.Stack, description: "another edge secret"}
	if r.template, err = c.template(ctx, t.Stack); err != nil {
		return err
	}
	given, all := maps.Clone(secrets), map[string]string{}
	for _, p := range stack.Parameters {
		all[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for name, value := range secrets {
		if _, has := all[name]; has {
			all[name] = value
		}
	}
	given[environment.Release] = releaseOf(r.template, all) // else functions go on with the versions that know the old secrets
	for _, p := range stack.Parameters {
		one := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if value, has := given[aws.ToString(p.ParameterKey)]; has {
			one = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value}
		}
		r.parameters = append(r.parameters, one)
	}
	p, err := c.plan(ctx, r)
	if errors.Is(err, errNothing) {
		d.say("%s has it already", t)
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.judge(p); err != nil {
		c.discard(context.WithoutCancel(ctx), p)
		return err
	}
	if err := d.execute(ctx, c, p); err != nil {
		return err
	}
	return d.tryAll(ctx, c, env, t, secrets)
}

// tryAll tests a stack with each secret that it should take.
func (d *desk) tryAll(ctx context.Context, c *cloud, env *environment.Environment, t *environment.Target, secrets map[string]string) error {
	outputs, err := c.outputs(ctx, t.Stack)
	if err != nil {
		return err
	}
	under := d.underTest(env, t, outputs, "")
	if under.api == "" {
		return d.smokeTest(ctx, c, under)
	}
	for _, secret := range secrets {
		if under.secret = secret; secret == "" {
			continue
		}
		if err := d.smokeTest(ctx, c, under); err != nil {
			return err
		}
	}
	return nil
}
