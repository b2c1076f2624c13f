package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"parley/scripts/deploy/environment"
)

// desk is where the commands work.
type desk struct {
	options
	in    io.Reader
	out   io.Writer
	hurry <-chan struct{}
	lines *bufio.Scanner

	linted bool // by a test, which has seen that these templates are well
}

// say writes a line for people.
func (d *desk) say(format string, args ...any) {
	fmt.Fprintf(d.out, format+"\n", args...)
}

// colour tells whether the output is read by a person who sees colours.
func (d *desk) colour() bool {
	f, is := d.out.(*os.File)
	return is && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}

// confirm asks, and takes no line for no.
func (d *desk) confirm(ctx context.Context, format string, args ...any) error {
	if d.yes {
		return nil
	}
	fmt.Fprintf(d.out, format+" [y/N] ", args...)
	if d.lines == nil {
		d.lines = bufio.NewScanner(d.in)
	}
	answer := make(chan string, 1)
	go func() {
		d.lines.Scan()
		answer <- strings.ToLower(strings.TrimSpace(d.lines.Text()))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(d.out)
		return ctx.Err()
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
		return exit(exitNo, "not confirmed")
	}
}

// environment reads the one that the command line names.
func (d *desk) environment(name string) (*environment.Environment, error) {
	if name != filepath.Base(name) {
		return nil, exit(exitUsage, "%q is not the name of an environment", name)
	}
	return environment.Read(filepath.Join(d.folder(), name))
}

// folder holds the environments.
func (d *desk) folder() string {
	if filepath.IsAbs(d.files) {
		return d.files
	}
	return filepath.Join(d.root, d.files)
}
