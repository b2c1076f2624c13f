package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"parley/scripts/deploy/environment"
)

// deployAll is the program without a command.
func (d *desk) deployAll(ctx context.Context) error {
	names, err := d.stacks()
	if err != nil {
		return err
	}
	env, err := d.environment(d.env)
	if err != nil {
		return err
	}
	if err := env.Check(d.root); err != nil {
		return fmt.Errorf("parameter files:\n%w", err)
	}
	targets := env.Order()
	if !d.all {
		if targets, err = env.Stacks(names[0]); err != nil {
			return err
		}
	}
	commit, err := d.checkTree(ctx)
	if err != nil {
		return err
	}
	planned := false
	for _, t := range targets {
		d.say("== %s", t)
		err := d.deploy(ctx, env, t, commit)
		if c, ok := errors.AsType[*coded](err); ok && c.code == exitNo && d.plan { // the next may be looked at, too
			d.say("%v", err)
			planned = true
			continue
		}
		if err != nil {
			return err
		}
	}
	if planned {
		return exit(exitNo, "nothing was changed: -plan")
	}
	return nil
}

// deploy brings one stack to the checkout.
func (d *desk) deploy(ctx context.Context, env *environment.Environment, t *environment.Target, commit string) error {
	c, err := openCloud(ctx, t.Region)
	if err != nil {
		return err
	}
	if err := c.checkAccount(ctx, d, env); err != nil {
		return err
	}
	c.checkQuota(ctx, d)
	if !d.linted {
		if err := d.lint(ctx, t); err != nil {
			return err
		}
	}
	template, err := environment.ReadTemplate(filepath.Join(d.root, t.Template))
	if err != nil {
		return err
	}
	secrets := map[string]string{}
	if _, has := template.Parameters[environment.EdgeSecret]; has {
		s, err := d.openSecret(ctx, env)
		if err != nil {
			return err
		}
		secrets = s.of(t)
	}
	parameters, err := t.Resolve(template, d.outputs(ctx, env), secrets)
	if err != nil {
		return fmt.Errorf("parameters of %s: %w", t, err)
	}
	r, err := d.build(ctx, c, t, commit, parameters)
	if err != nil {
		return err
	}
	if _, has := template.Parameters[environment.Release]; has {
		parameters[environment.Release] = releaseOf(r.template, template.Complete(parameters))
	}
	p, err := c.plan(ctx, request{stack: t.Stack, url: r.url, template: r.template, parameters: values(parameters), description: "Parley " + commit})
	if errors.Is(err, errNothing) {
		d.say("%s is at %s already: nothing to change", t, commit)
		if d.plan {
			return nil
		}
		return d.bringPage(ctx, c, t)
	}
	if err != nil {
		return err
	}
	before, err := d.allow(ctx, c, t, r, p)
	if err != nil {
		c.discard(context.WithoutCancel(ctx), p)
		if errors.Is(err, context.Canceled) {
			return exit(exitInterrupted, "stopped; nothing was changed")
		}
		return err
	}
	if err := d.execute(ctx, c, p); err != nil {
		return err
	}
	d.say("%s is at %s", t, commit)
	if err := d.bringPage(ctx, c, t); err != nil {
		return exit(exitStays, "%s was deployed without the page: %w", t, err)
	}
	return d.prove(ctx, c, env, t, before, secrets[environment.EdgeSecret])
}

// bringPage brings the page to a stack that has a bucket for it.
func (d *desk) bringPage(ctx context.Context, c *cloud, t *environment.Target) error {
	outputs, err := c.outputs(ctx, t.Stack)
	if err != nil || outputs["PageBucket"] == "" {
		return err
	}
	return d.uploadPage(ctx, c, outputs["PageBucket"])
}

// allow shows a plan, and returns what is before it (nil if nothing is) when it may
// be carried out.
func (d *desk) allow(ctx context.Context, c *cloud, t *environment.Target, r *release, p *plan) (*former, error) {
	if err := d.judge(p); err != nil {
		return nil, err
	}
	if d.plan {
		return nil, exit(exitNo, "nothing was changed: -plan")
	}
	if err := d.confirm(ctx, "Deploy that to %s?", t); err != nil {
		return nil, err
	}
	if p.create {
		return nil, nil
	}
	return c.keepFormer(ctx, t.Stack, r)
}

// outputs looks up what other stacks of the environment have given out.
func (d *desk) outputs(ctx context.Context, env *environment.Environment) func(target, name string) (string, error) {
	known := map[string]map[string]string{}
	return func(target, name string) (string, error) {
		t, err := env.Target(target)
		if err != nil {
			return "", err
		}
		if known[target] == nil {
			c, err := openCloud(ctx, t.Region)
			if err != nil {
				return "", err
			}
			s, err := c.stack(ctx, t.Stack)
			if err != nil {
				return "", err
			}
			if s == nil {
				return "", fmt.Errorf("%s %w", t, environment.ErrAbsent)
			}
			known[target] = outputsOf(s)
		}
		value, has := known[target][name]
		if !has {
			return "", fmt.Errorf("output %s of %s %w", name, t, environment.ErrAbsent)
		}
		return value, nil
	}
}

// prove tests what was deployed, and returns to what was before if that fails.
func (d *desk) prove(ctx context.Context, c *cloud, env *environment.Environment, t *environment.Target, before *former, secret string) error {
	outputs, err := c.outputs(ctx, t.Stack)
	if err != nil {
		return exit(exitStays, "%s was deployed but can't be tested: %w", t, err)
	}
	under := d.underTest(env, t, outputs, secret)
	if under.api == "" && under.origin == "" {
		d.say("%s answers nobody, so there is nothing to test", t)
		return nil
	}
	failure := d.smokeTest(ctx, c, under)
	switch {
	case failure == nil:
		d.say("%s is well", t)
		return nil
	case ctx.Err() != nil:
		return exit(exitInterrupted, "stopped; %s is deployed, but its test did not end (rollback returns to what was before)", t)
	case before == nil:
		return exit(exitStays, "the test failed: %w\nThis was the first deployment of %s, so there is nothing to return to; it stays as it is", failure, t)
	}
	d.say("The test failed: %v", failure)
	return d.goBack(ctx, c, t, before, failure)
}

// underTest says where a stack answers.
func (d *desk) underTest(env *environment.Environment, t *environment.Target, outputs map[string]string, secret string) stackUnderTest {
	under := stackUnderTest{name: t.String(), api: cmp.Or(d.api, outputs["ApiUrl"]), secret: secret, outputs: outputs}
	if d.public || t.Name == "edge" {
		under.origin = env.Origin
	}
	return under
}

func (d *desk) goBack(ctx context.Context, c *cloud, t *environment.Target, before *former, failure error) error {
	p, err := d.planBack(ctx, c, t.Stack, before)
	if err == nil {
		if err = d.confirm(ctx, "Return %s to that?", t); err != nil {
			c.discard(context.WithoutCancel(ctx), p)
		}
	}
	if err == nil {
		err = d.execute(ctx, c, p)
	}
	if err != nil {
		return exit(exitStays, "the test failed: %w\nand %s did not return to what was before: %w", failure, t, err)
	}
	return exit(exitReturned, "the test failed: %w\n%s is what it was before %s again", failure, t, before.Before)
}
