package main

import (
	"os/exec"
	"slices"
	"testing"
)

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	t.Setenv("PORT", "9001")
	t.Setenv("AWS_PORT", "9002")
	opts, command, err := parse([]string{"-port", "9003", "-data", "/tmp/d", "--", "go", "test", "-v"})
	if err != nil {
		t.Fatal(err)
	}
	if opts.Port != 9003 || opts.AWSPort != 9002 || opts.Data != "/tmp/d" {
		t.Errorf("options %+v", opts)
	}
	if !slices.Equal(command, []string{"go", "test", "-v"}) {
		t.Errorf("command %q", command)
	}
}

func TestExitCode(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143} {
		cmd := exec.Command("sh", "-c", script)
		got, err := exitCode(cmd, cmd.Run())
		if got != want || err != nil {
			t.Errorf("%s: exit code %d, %v; want %d", script, got, err, want)
		}
	}
	missing := exec.Command("/no/such/program")
	if _, err := exitCode(missing, missing.Run()); err == nil {
		t.Error("a command that can't be started is no error")
	}
}
