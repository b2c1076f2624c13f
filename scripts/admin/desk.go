package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/store"
)

// desk is where the commands work.
type desk struct {
	options
	in       io.Reader
	out      io.Writer
	ask      io.Writer // where questions go: not among the output
	log      *slog.Logger
	accounts *store.Accounts
	chats    *store.Chats
	files    *store.Files
	bucket   *object.Bucket
	arrivals *queue.Arrivals
	prompts  queue.Plans
	indexes  *queue.Indexes
	dead     dead
	who      func(context.Context) string
	now      func() time.Time
	newID    id.Source
}

var errNotConfirmed = errors.New("not confirmed, nothing was changed")

// confirm asks before what can't be taken back.
func (d *desk) confirm(format string, args ...any) error {
	if d.yes {
		return nil
	}
	fmt.Fprintf(d.ask, "%s [y/N] ", fmt.Sprintf(format, args...))
	line, _ := bufio.NewReader(d.in).ReadString('\n') // no line is no consent
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errNotConfirmed
	}
	return nil
}

// act says who makes a change, and logs it before it is made.
func (d *desk) act(ctx context.Context, user, what string) store.Act {
	a := store.Act{Who: d.who(ctx), At: d.now().UTC(), ID: d.newID(d.now())}
	d.log.InfoContext(ctx, "operator's change", "who", a.Who, "user", user, "what", what)
	return a
}

// table prints rows for people, or all of v as JSON.
func (d *desk) table(v any, head string, rows [][]string) error {
	if d.json {
		return d.encode(v)
	}
	if len(rows) == 0 {
		fmt.Fprintln(d.out, "none")
		return nil
	}
	w := tabwriter.NewWriter(d.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.ReplaceAll(head, " ", "\t"))
	for _, row := range rows {
		fmt.Fprintln(w, printable(strings.Join(row, "\t")))
	}
	return w.Flush()
}

// done reports a change.
func (d *desk) done(v any, format string, args ...any) error {
	if d.json {
		return d.encode(v)
	}
	_, err := fmt.Fprintln(d.out, printable(fmt.Sprintf(format, args...)))
	return err
}

func (d *desk) encode(v any) error {
	e := json.NewEncoder(d.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printable drops what users put into their names to steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, s)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
