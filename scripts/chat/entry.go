package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/scripts/internal/client"
)

// enter makes sure that somebody is logged in.
func (s *session) enter(ctx context.Context) error {
	if err := s.client.Reach(ctx); err != nil {
		return err
	}
	alive, err := s.client.Resume(ctx)
	if alive || err != nil {
		return err
	}
	for {
		choice, err := s.console.ask("Do you want to sign up or to log in? [s/l] ")
		if err != nil {
			return err
		}
		switch strings.ToLower(strings.TrimSpace(choice)) {
		case "s", "sign up", "signup":
			return s.repeat(func() error { return s.signUp(ctx) })
		case "l", "log in", "login":
			return s.repeat(func() error { return s.logIn(ctx) })
		case "/quit":
			return errLeave
		}
		s.console.say("Type s to sign up, l to log in.\n")
	}
}

// repeat asks again after an answer of the server's. A pipe is not asked twice:
// its next line was meant for something else.
func (s *session) repeat(form func() error) error {
	for {
		err := form()
		if _, refused := errors.AsType[*client.Error](err); !refused || !s.console.interactive() {
			return err
		}
		s.console.say("%s\n\n", explain(err))
	}
}

func (s *session) logIn(ctx context.Context) error {
	email, err := s.console.ask("E-mail: ")
	if err != nil {
		return err
	}
	password, err := s.console.secret("Password: ")
	if err != nil {
		return err
	}
	return s.client.LogIn(ctx, strings.TrimSpace(email), password)
}

// signUp fills in s.person; what was typed before is offered again.
func (s *session) signUp(ctx context.Context) error {
	p := &s.person
	for _, field := range []struct {
		prompt string
		value  *string
	}{
		{"Name", &p.Name},
		{"E-mail", &p.Email},
		{"Phone, with + and country code", &p.Phone},
		{"Country, two letters", &p.Country},
	} {
		if err := s.fill(field.prompt, field.value); err != nil {
			return err
		}
	}
	password, err := s.console.secret("Password, 10 characters or more: ")
	if err != nil {
		return err
	}
	p.Password = password
	return s.client.SignUp(ctx, *p)
}

func (s *session) fill(prompt string, value *string) error {
	if *value != "" {
		prompt += fmt.Sprintf(" [%s]", *value)
	}
	line, err := s.console.ask(prompt + ": ")
	if line = strings.TrimSpace(line); line != "" {
		*value = line
	}
	return err
}
