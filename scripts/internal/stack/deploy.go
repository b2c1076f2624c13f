package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	stackName    = "parley"
	deployBucket = "parley-artifacts" // as samconfig.toml's environment local has it
)

// deploy makes the embedded AWS hold this checkout: by sam build and sam
// deploy, or not at all when it already does.
func (s *Stack) deploy(ctx context.Context) error {
	want, err := s.fingerprint()
	if err != nil {
		return err
	}
	if s.deployed(ctx, want) {
		return s.step("template is deployed already", func() error { return nil })
	}
	os.Remove(s.stampFile())
	if s.opts.Build == "" {
		if err := s.step("functions built", func() error { return s.samBuild(ctx) }); err != nil {
			return err
		}
	}
	if err := s.step("template deployed", func() error { return s.samDeploy(ctx, want) }); err != nil {
		return err
	}
	if s.outputs, err = s.cloud.outputs(ctx, stackName); err != nil {
		return err
	}
	return os.WriteFile(s.stampFile(), []byte(want), 0o600)
}

// Deploy deploys again, with these parameters instead of those that Options had.
func (s *Stack) Deploy(ctx context.Context, parameters ...string) error {
	s.opts.Parameters = parameters
	return s.deploy(ctx)
}

// samDeploy deploys what samBuild has built, as a release by which functions get new
// versions.
func (s *Stack) samDeploy(ctx context.Context, release string) error {
	if err := s.cloud.makeBucket(ctx, deployBucket); err != nil {
		return err
	}
	return s.command(ctx, "deploy", nil, append([]string{s.tool("sam", "sam"), "deploy",
		"--config-file", filepath.Join(s.opts.Root, "samconfig.toml"), "--config-env", "local", "--template-file", filepath.Join(s.Build(), "template.yaml"),
		"--stack-name", stackName, "--region", s.opts.Region, "--s3-bucket", deployBucket, "--parameter-overrides", "Release=" + release}, s.parameters()...)...)
}

// parameters are those that differ from production's: everybody on a laptop comes
// from one address, so limits by address must not be what stops them; make clean
// deletes tables; and the embedded AWS, whose own bound is five, knows numbers that
// are parameters as text only, and has no CodeDeploy.
func (s *Stack) parameters() []string {
	return append([]string{"EdgeSecret=" + s.secret, "Origin=" + s.URL(), "Architecture=" + architecture(), "BackgroundAtOnce=0", "Canary=false", "DeletionProtection=false",
		"IndexLag=10s", "SignUpPerAddress=100000", "LoginPerAddress=100000", "ResetPerAddress=100000", "Models=" + quoted(s.opts.Models)}, s.opts.Parameters...)
}

// quoted is a parameter's value as SAM CLI reads it back.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// deployed reports whether the last deployment to this data folder had the
// same fingerprint and is still there; it then knows its outputs.
func (s *Stack) deployed(ctx context.Context, want string) bool {
	have, err := os.ReadFile(s.stampFile())
	if err != nil || string(have) != want {
		return false
	}
	s.outputs, err = s.cloud.outputs(ctx, stackName)
	return err == nil
}

func (s *Stack) stampFile() string { return filepath.Join(s.opts.Data, "deployed") }

// readSecret returns the secret between the front door and the API, made at
// the first call for a data folder.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil && len(text) > 0 {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("edge secret: %w", err)
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	text = []byte(hex.EncodeToString(secret))
	return string(text), os.WriteFile(file, text, 0o600)
}
