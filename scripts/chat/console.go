package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// console is where the user types and reads.
type console struct {
	in       *input
	out      io.Writer
	terminal *term.Terminal // nil when the input isn't one
	fd       int
}

func newConsole(ctx context.Context, in, out *os.File) *console {
	c := &console{in: readInput(ctx, in), out: out, fd: int(in.Fd())}
	if term.IsTerminal(c.fd) && term.IsTerminal(int(out.Fd())) {
		c.terminal = term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{c.in, out}, "")
	}
	return c
}

// interactive reports whether somebody sits there.
func (c *console) interactive() bool { return c.terminal != nil }

// ask shows the prompt to somebody who can see it and returns a line.
func (c *console) ask(prompt string) (string, error) {
	if !c.interactive() {
		return c.in.nextLine()
	}
	if line, ok := c.in.line(); ok { // typed while an answer ran
		c.say("%s%s\n", prompt, line)
		return line, nil
	}
	return c.raw(func() (string, error) { return c.edited(prompt) })
}

// secret is ask without showing what is typed.
func (c *console) secret(prompt string) (string, error) {
	if !c.interactive() {
		return c.in.nextLine()
	}
	return c.raw(func() (string, error) { return c.terminal.ReadPassword(prompt) })
}

// raw runs fn with the terminal in the mode that line editing needs. Between
// lines the terminal is as it was, so that Ctrl-C is a signal.
func (c *console) raw(fn func() (string, error)) (string, error) {
	before, err := term.MakeRaw(c.fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	c.terminal.SetBracketedPasteMode(true)
	if width, height, err := term.GetSize(c.fd); err == nil && width > 0 {
		_ = c.terminal.SetSize(width, height) // a wrong width only looks bad
	}
	line, err := fn()
	c.terminal.SetBracketedPasteMode(false)
	if e := term.Restore(c.fd, before); e != nil {
		err = errors.Join(err, e)
	}
	if err != nil {
		c.say("\n")
	}
	return line, err
}

// edited reads one line; several that were pasted count as one.
func (c *console) edited(prompt string) (string, error) {
	c.terminal.SetPrompt(prompt)
	var pasted strings.Builder
	for {
		line, err := c.terminal.ReadLine()
		pasted.WriteString(line)
		if !errors.Is(err, term.ErrPasteIndicator) {
			return pasted.String(), err
		}
		pasted.WriteByte('\n')
		c.terminal.SetPrompt("  ")
	}
}

// width is that of the terminal in characters.
func (c *console) width() int {
	if width, _, err := term.GetSize(c.fd); err == nil && width > 0 {
		return width
	}
	return 80
}

// say prints for the user.
func (c *console) say(format string, args ...any) {
	fmt.Fprintf(c.out, format, args...)
}

// hint prints what only somebody at a terminal wants to read.
func (c *console) hint(format string, args ...any) {
	if c.interactive() {
		c.say(format, args...)
	}
}

// plain removes what could steer a terminal: control characters except line
// ends and tabs, and marks that turn the direction of writing around.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}
