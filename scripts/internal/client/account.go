package client

import (
	"context"
	"errors"
	"net/http"

	"parley/shared/quota"
)

// Person is what a sign-up asks for.
type Person struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Phone    string `json:"phone"`   // E.164, +14155550123
	Country  string `json:"country"` // ISO 3166-1 alpha-2
}

// SignUp makes an account and logs in to it.
func (c *Client) SignUp(ctx context.Context, p Person) error {
	return c.open(ctx, "/v1/signup", p)
}

// LogIn opens a session.
func (c *Client) LogIn(ctx context.Context, email, password string) error {
	return c.open(ctx, "/v1/login", map[string]string{"email": email, "password": password})
}

func (c *Client) open(ctx context.Context, path string, in any) error {
	var t tokens
	if err := c.call(ctx, request{method: http.MethodPost, path: path, body: in, open: true}, &t); err != nil {
		return err
	}
	return c.enter(ctx, t)
}

// LogOut ends the session, at the server and here. A session that the server
// doesn't know any more is ended too.
func (c *Client) LogOut(ctx context.Context) error {
	access, err := c.token(ctx, "")
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return c.enter(ctx, tokens{})
	}
	if err != nil {
		return err
	}
	return c.vault.Rotate(ctx, func(old string) (string, error) {
		in := map[string]string{"refresh_token": old}
		res, err := c.once(ctx, request{method: http.MethodPost, path: "/v1/logout", body: in}, access)
		if err != nil {
			return "", err
		}
		c.keep(tokens{})
		return "", res.Body.Close()
	})
}

// Me is the user and what is used of the plan.
type Me struct {
	User struct {
		ID       string     `json:"user_id"`
		Name     string     `json:"name"`
		Email    string     `json:"email"`
		Verified bool       `json:"email_verified"`
		Plan     quota.Plan `json:"plan"`
	} `json:"user"`
	Limits quota.Limits `json:"limits"`
	Used   struct {
		Messages int   `json:"messages_this_hour"`
		Resets   int   `json:"resets_in_seconds"`
		Storage  int64 `json:"storage_bytes"` // of all files
	} `json:"used"`
}

// Me returns who is logged in.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var me Me
	err := c.call(ctx, request{method: http.MethodGet, path: "/v1/me", again: true}, &me)
	return me, err
}
