package stack

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"parley/fleet/child"
	"parley/scripts/internal/runtimeapi"
)

// samBuild builds every function of the template. Go compiles them by itself
// first, because SAM doesn't show what the compiler has to say. SAM's --cached
// stays off: it looks at a function's own folder only and would miss a change
// in shared/. Go's build cache makes up for it.
func (s *Stack) samBuild(ctx context.Context) error {
	err := s.command(ctx, "compile", append(slices.Clone(runtimeapi.BuildEnv), "GOOS=linux"), "go", "build", "-o", os.DevNull, "./functions/...")
	if err != nil {
		return err
	}
	return s.command(ctx, "build", runtimeapi.BuildEnv, s.tool("sam", "sam"), "build", "--parallel",
		"--config-file", filepath.Join(s.opts.Root, "samconfig.toml"), "--config-env", "local",
		"--template-file", "template.yaml", "--build-dir", s.Build(),
		"--parameter-overrides", "Architecture="+architecture())
}

// Build is the folder with the functions as they were built.
func (s *Stack) Build() string {
	return cmp.Or(s.opts.Build, filepath.Join(s.opts.Data, "sam", "build"))
}

// fleetBuild builds the fleet's programs into the data folder, as the functions
// are built: what they share is then compiled only once.
func (s *Stack) fleetBuild(ctx context.Context) error {
	return s.command(ctx, "go-build", runtimeapi.BuildEnv, "go", "build", "-o", s.binary(""), "./fleet/worker", "./fleet/relay")
}

func (s *Stack) binary(name string) string {
	return filepath.Join(s.opts.Data, "bin") + string(filepath.Separator) + name
}

// tool is the path of a program that scripts/setup installed.
func (s *Stack) tool(venv, name string) string {
	return filepath.Join(s.opts.Root, ".tools", venv, "bin", name)
}

// architecture is this machine's, by Lambda's name for it.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// command runs a program to its end. When it fails, the error has the end of
// what it said; all of it is in the log.
func (s *Stack) command(ctx context.Context, name string, env []string, argv ...string) error {
	log := filepath.Join(s.logDir(), name+".log")
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.opts.Root, out, out
	cmd.Env = append(append(baseEnv(), s.awsEnv()...), env...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err = child.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s failed (%w); the end of its log %s:\n%s", name, err, log, tail(log, 15))
	}
	return nil
}

// tail returns the last lines of a file.
func tail(file string, lines int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}
