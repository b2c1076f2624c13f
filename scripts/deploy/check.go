package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"parley/fleet/child"
	"parley/scripts/deploy/environment"
)

// checkFiles is the command check: it needs no AWS.
func (d *desk) checkFiles(ctx context.Context) error {
	names := []string{d.env}
	if d.env == "" {
		names = nil
		entries, err := os.ReadDir(d.folder())
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if _, err := os.Stat(filepath.Join(d.folder(), entry.Name(), "environment.yaml")); err == nil {
				names = append(names, entry.Name())
			}
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no environments", d.folder())
	}
	var errs []error
	for _, name := range names {
		env, err := d.environment(name)
		if err != nil {
			return err
		}
		if err := env.Check(d.root); err != nil {
			return err
		}
		errs = append(errs, d.lintWith(ctx, env))
	}
	return errors.Join(errs...)
}

// lintWith has cfn-lint read each template with each set of parameters that it is
// deployed with, for the regions that these are for, and what it nests for all of them.
func (d *desk) lintWith(ctx context.Context, env *environment.Environment) error {
	regions := map[string][]string{} // by template and parameters
	argv := map[string][]string{}
	add := func(region, path string, args []string) {
		key := strings.Join(append([]string{path}, args...), "\x00")
		regions[key] = append(regions[key], region)
		argv[key] = append([]string{"--template", path}, args...)
	}
	for _, t := range env.Order() {
		template, err := environment.ReadTemplate(filepath.Join(d.root, t.Template))
		if err != nil {
			return err
		}
		var args []string
		given := t.Given(template)
		for name, p := range template.Parameters {
			if p.NoEcho && p.Default == nil { // cfn-lint wants all
				given[name] = strings.Repeat("0", 64)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			args = append(args, name+"="+given[name])
		}
		if len(args) > 0 {
			args = append([]string{"--parameters"}, args...)
		}
		add(t.Region, t.Template, args)
		nested, err := environment.Nested(d.root, t.Template)
		if err != nil {
			return err
		}
		for _, path := range nested {
			if path != t.Template {
				add(t.Region, path, nil)
			}
		}
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(argv)) {
		in := slices.Compact(slices.Sorted(slices.Values(regions[key])))
		// W1033: another stack's output stands in a parameter by its name, and that is no list of ARNs.
		if err := d.tool(ctx, nil, "cfn-lint", slices.Concat(argv[key], []string{"--ignore-checks", "W1033", "--regions"}, in)...); err != nil {
			errs = append(errs, fmt.Errorf("%s with the parameters of %s/%s: %w", argv[key][1], env.Name, strings.Join(in, ", "), err))
		}
	}
	return errors.Join(errs...)
}

// tool runs SAM CLI, or cfn-lint beside it: the checkout's own, else the path's.
// What it says is in the error if it fails.
func (d *desk) tool(ctx context.Context, env []string, name string, args ...string) error {
	path, err := filepath.Abs(filepath.Join(d.root, ".tools/sam/bin", name))
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if path, err = exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is neither in .tools (make setup) nor in PATH", name)
		}
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.root, &said, &said
	cmd.Env = append(append(os.Environ(), "SAM_CLI_TELEMETRY=0"), env...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err = child.Start(cmd); err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, strings.TrimSpace(said.String()))
	}
	return nil
}

// git asks about the checkout.
func (d *desk) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", d.root}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// checkTree says at which commit the checkout is, and refuses what isn't one.
func (d *desk) checkTree(ctx context.Context) (string, error) {
	commit, err := d.git(ctx, "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := d.git(ctx, "status", "--porcelain")
	switch {
	case err != nil:
		return "", err
	case changed != "" && !d.dirty:
		return "", fmt.Errorf("the checkout has changes that aren't committed (-dirty deploys them):\n%s", changed)
	case changed != "":
		d.say("checkout  %s, with changes that aren't committed", commit)
		return commit + "-dirty", nil
	}
	d.say("checkout  %s", commit)
	return commit, nil
}

// checkAccount refuses every account but the environment's.
func (c *cloud) checkAccount(ctx context.Context, d *desk, env *environment.Environment) error {
	who, err := sts.NewFromConfig(c.aws).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("AWS in %s doesn't know these credentials (is the region switched on for the account?): %w", c.region, err)
	}
	account := aws.ToString(who.Account)
	shown := account
	if alias := c.alias(ctx); alias != "" {
		shown += " (" + alias + ")"
	}
	if account != env.Account {
		return fmt.Errorf("these credentials are of account %s; environment %s belongs into %s (%s/environment.yaml)", shown, env.Name, env.Account, env.Name)
	}
	d.say("account   %s, as %s", shown, aws.ToString(who.Arn))
	return nil
}

// alias is the account's name for people; not everybody may ask for it.
func (c *cloud) alias(ctx context.Context) string {
	res, err := iam.NewFromConfig(c.aws).ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if err != nil || len(res.AccountAliases) == 0 {
		return ""
	}
	return res.AccountAliases[0]
}

// enoughAtOnce is how many functions at once a region needs for the sends of its
// share of docs/scaling.md's load to be answered; new accounts may run ten.
const enoughAtOnce = 1000

// checkQuota warns of the one quota that a new account meets first.
func (c *cloud) checkQuota(ctx context.Context, d *desk) {
	res, err := c.lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	switch {
	case err != nil:
		d.say("warning   Lambda's quota couldn't be read: %v", err)
	case res.AccountLimit != nil && res.AccountLimit.ConcurrentExecutions < enoughAtOnce:
		d.say("warning   Lambda lets this account run %d functions at once in %s; ask for %d or more before users come",
			res.AccountLimit.ConcurrentExecutions, c.region, enoughAtOnce)
	}
}

// lint validates the template of a stack and those that it nests.
func (d *desk) lint(ctx context.Context, t *environment.Target) error {
	all, err := environment.Nested(d.root, t.Template)
	if err != nil {
		return err
	}
	for _, path := range all {
		if err := d.tool(ctx, nil, "sam", "validate", "--lint", "--template-file", path, "--region", t.Region); err != nil {
			return err
		}
	}
	d.say("templates %s: sam validate --lint finds nothing", strings.Join(all, ", "))
	return nil
}
