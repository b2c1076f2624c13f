package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"parley/shared/account"
	"parley/shared/quota"
)

// userView is a user as operators see one: everything but the password.
type userView struct {
	account.User
	Disabled bool         `json:"disabled"`
	Deleted  bool         `json:"deleted"`
	Limits   quota.Limits `json:"limits"`
	Own      quota.Limits `json:"own_limits"`
	Used     int          `json:"used_this_hour"`
	Indexed  indexView    `json:"indexed"`
}

// user finds the user that an argument names, with the plan as it is now.
func (d *desk) user(ctx context.Context, who string) (account.User, error) {
	u, err := d.accounts.Find(ctx, who)
	if err != nil {
		return u, fmt.Errorf("user %s: %w", who, err)
	}
	return u.At(d.now()), nil
}

func showUser(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	used, err := d.chats.Used(ctx, u.ID, quota.Hour(d.now()))
	if err != nil {
		return err
	}
	indexed, err := d.indexed(ctx, u.ID)
	if err != nil {
		return err
	}
	v := userView{User: u, Disabled: u.Disabled, Deleted: u.Deleted, Limits: u.Limits(), Own: u.Own, Used: used, Indexed: indexed}
	return d.table(v, "FIELD VALUE", append([][]string{
		{"id", u.ID}, {"name", u.Name}, {"e-mail", u.Email + map[bool]string{false: " (not verified)"}[u.EmailVerified]},
		{"phone", u.Phone}, {"country", u.Country}, {"since", stamp(u.CreatedAt)},
		{"state", state(u)}, {"plan", string(u.Plan)}, {"plan till", stamp(u.SubscriptionTill)},
		{"messages per hour", limit(v.Limits.MessagesPerHour, u.Own.MessagesPerHour)},
		{"tokens per message", limit(v.Limits.TokensPerMessage, u.Own.TokensPerMessage)},
		{"bytes of files", limit(v.Limits.StorageBytes, u.Own.StorageBytes)},
		{"used this hour", strconv.Itoa(used)},
	}, indexed.rows()...))
}

func state(u account.User) string {
	switch {
	case u.Deleted:
		return "deleted"
	case u.Disabled:
		return "disabled"
	}
	return "active"
}

func limit[T int | int64](now, own T) string {
	if own > 0 {
		return fmt.Sprintf("%d (the user's own)", now)
	}
	return fmt.Sprint(now)
}

func setPlan(ctx context.Context, d *desk, args []string) error {
	plan := quota.Plan(args[1])
	if !plan.Valid() {
		return fmt.Errorf("there is no plan %q: free or premium", args[1])
	}
	var till time.Time
	if d.till != "" {
		day, err := time.Parse(time.DateOnly, d.till)
		if err != nil {
			return fmt.Errorf("--till %q is not a day such as 2026-12-31", d.till)
		}
		till = day.AddDate(0, 0, 1) // to the end of that day
	}
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	if err := d.accounts.SetPlan(ctx, d.act(ctx, u.ID, "plan "+string(plan)+" till "+cmp.Or(d.till, "no end")), u.ID, plan, till); err != nil {
		return err
	}
	return d.done(change{u.ID, "plan " + string(plan)}, "%s is on plan %s, from the next access token on.", u.ID, plan)
}

// change is what a command did, as JSON.
type change struct {
	User string `json:"user"`
	Done string `json:"done"`
}

func setLimits(ctx context.Context, d *desk, args []string) error {
	if d.messages < 0 && d.tokens < 0 && d.storage < 0 {
		return errors.New("name a limit: --messages-per-hour, --tokens-per-message, --storage-bytes")
	}
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	own := u.Own
	if d.messages >= 0 {
		own.MessagesPerHour = d.messages
	}
	if d.tokens >= 0 {
		own.TokensPerMessage = d.tokens
	}
	if d.storage >= 0 {
		own.StorageBytes = d.storage
	}
	what := fmt.Sprintf("own limits: %d messages per hour, %d tokens per message, %d bytes of files",
		own.MessagesPerHour, own.TokensPerMessage, own.StorageBytes)
	if err := d.accounts.SetLimits(ctx, d.act(ctx, u.ID, what), u.ID, own); err != nil {
		return err
	}
	is := quota.Of(u.Plan, own)
	return d.done(change{u.ID, what}, "%s may send %d messages per hour of %d tokens, and keep %d bytes of files, from the next access token on.",
		u.ID, is.MessagesPerHour, is.TokensPerMessage, is.StorageBytes)
}

// disable blocks the user's sends before anything else: access tokens that are
// out are good for up to 15 minutes, in this hour and the next.
func disable(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	if err := d.confirm("Shut %s (%s) out and end every session?", u.ID, printable(u.Email)); err != nil {
		return err
	}
	act := d.act(ctx, u.ID, "disable")
	err = errors.Join(d.chats.Block(ctx, u.ID, true, d.hours()...), d.accounts.SetDisabled(ctx, act, u.ID, true))
	if err != nil {
		return err
	}
	return d.done(change{u.ID, "disabled"}, "%s is disabled.", u.ID)
}

func enable(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	act := d.act(ctx, u.ID, "enable")
	if err := d.accounts.SetDisabled(ctx, act, u.ID, false); err != nil {
		return err
	}
	if err := d.chats.Block(ctx, u.ID, false, d.hours()...); err != nil {
		return err
	}
	return d.done(change{u.ID, "enabled"}, "%s may log in again.", u.ID)
}

func (d *desk) hours() []string {
	now := d.now()
	return []string{quota.Hour(now), quota.Hour(now.Add(quota.Window))}
}

func endSessions(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	if err := d.confirm("Log %s (%s) out everywhere?", u.ID, printable(u.Email)); err != nil {
		return err
	}
	if err := d.accounts.EndSessions(ctx, d.act(ctx, u.ID, "end sessions"), u.ID); err != nil {
		return err
	}
	return d.done(change{u.ID, "sessions ended"}, "%s is logged out; access tokens run out within 15 minutes.", u.ID)
}

func audit(ctx context.Context, d *desk, args []string) error {
	user := args[0]
	if u, err := d.user(ctx, user); err == nil {
		user = u.ID // else an id whose account is gone: its audit stays
	}
	entries, err := d.accounts.Audits(ctx, user)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{stamp(e.At), e.Who, e.What})
	}
	return d.table(entries, "WHEN WHO WHAT", rows)
}
