package bill

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"

	"parley/shared/usage"
)

// Object is something in the bucket.
type Object struct {
	Name string
	Size int64
	Tag  string // changes when its bytes do
}

// Bucket is finance's.
type Bucket interface {
	// List returns what begins so, by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Open reads something; fs.ErrNotExist if it isn't there.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	Put(ctx context.Context, name, contentType string, body []byte) error
}

// Inventory lists the account's functions.
type Inventory interface {
	Functions(ctx context.Context) ([]Function, error)
}

// Where things are in the bucket.
const (
	LinesPrefix    = "lines/"                      // + 2026/11/22/06/[region/]…: the hour of delivery
	PartialsPrefix = "partials/"                   // + lines/2026/11/22/06.json, usage/dt=2026-11-22/hh=06.json
	FocusPrefix    = "exports/focus/parley-focus/" // + data/BILLING_PERIOD=2026-11/….csv.gz, metadata/…
	CURPrefix      = "exports/cur/parley-cur/"
	BillsPrefix    = "bills/" // + 2026-11/bill.html, bill.json, functions.csv …
	SettingsName   = "settings.json"
	functionsName  = "functions.json"
)

// Lifetime is how long lines are kept at least. A bill looks back less, so no hour
// that still counts has lost a file.
const Lifetime = 103 * 24 * time.Hour

// Clerk makes bills: it sums up each hour once, again if something has come to it,
// and makes the month of the sums.
type Clerk struct {
	Bucket    Bucket
	Usage     usage.Files // nil: there are no records
	Inventory Inventory   // nil: nobody lists functions
	Lines     *Partial    // instead of those in the bucket, if there is one
	Key       []byte      // of the pseudonyms
	Settings  Settings    // where settings.json says nothing
	Now       func() time.Time
	Log       *slog.Logger
	// Settle is how long after an hour's end it is summed up. Before, more comes.
	Settle time.Duration
	// Spare is how long before ctx's deadline no further hour is begun: the bill is
	// made of what there is, says how much is missing, and the next run goes on.
	Spare time.Duration
	// Progress is told how far the work is, if it is there.
	Progress func(what string, done, of int)
}

// Alias is the pseudonym by which finance sees a user of usage records: it tells
// nobody who that is, but who has the key can make it of an id.
func Alias(key []byte, user string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("parley bill " + user))
	return "u-" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}

// Due are the months whose bills are made at that time: this one, and the one before
// as long as its records and its invoice may still change.
func Due(now time.Time) []string {
	now = now.UTC()
	this := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	due := []string{this.Format("2006-01")}
	if now.Day() <= 15 {
		due = append([]string{this.AddDate(0, -1, 0).Format("2006-01")}, due...)
	}
	return due
}

// Do makes the bill of a month (YYYY-MM) and keeps it. To repeat it is harmless.
func (c *Clerk) Do(ctx context.Context, month string) (*Bill, error) {
	start, err := beginning(month)
	if err != nil {
		return nil, err
	}
	m := Material{Month: month, Now: c.Now()}
	if m.Settings, err = c.settings(ctx); err != nil {
		return nil, err
	}
	if m.Functions, err = c.functions(ctx); err != nil {
		return nil, err
	}
	from, to := start.AddDate(0, 0, -7*m.Settings.Anomalies.Weeks), start.AddDate(0, 1, 0).Add(usage.Settle)
	var late int
	if m.Lines = c.Lines; m.Lines == nil {
		if m.Lines, m.Pending, err = c.sum(ctx, c.lineKind(), from, to); err != nil {
			return nil, err
		}
	}
	m.Turns = NewPartial()
	if c.Usage != nil {
		if m.Turns, late, err = c.sum(ctx, c.usageKind(), start, to); err != nil {
			return nil, err
		}
		m.Pending += late
	}
	if m.Invoice, m.Other, err = c.invoices(ctx, month); err != nil {
		return nil, err
	}
	b, err := Make(m)
	if err != nil {
		return nil, err
	}
	return b, c.keep(ctx, b)
}

// with calls fn with a file of the bucket.
func (c *Clerk) with(ctx context.Context, name string, fn func(name string, in io.Reader) error) error {
	in, err := c.Bucket.Open(ctx, name)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := fn(name, in); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// maxRead bounds a file that is read as a whole.
const maxRead = 256 << 20

func (c *Clerk) read(ctx context.Context, name string) (file []byte, err error) {
	err = c.with(ctx, name, func(_ string, in io.Reader) error {
		file, err = io.ReadAll(io.LimitReader(in, maxRead+1))
		if err == nil && len(file) > maxRead {
			err = fmt.Errorf("it has more than %d bytes", maxRead)
		}
		return err
	})
	return file, err
}

func (c *Clerk) settings(ctx context.Context) (Settings, error) {
	file, err := c.read(ctx, SettingsName)
	if errors.Is(err, fs.ErrNotExist) {
		return c.Settings, nil
	}
	if err != nil {
		return Settings{}, err
	}
	return c.Settings.Over(file)
}

// functions adds those that are there to those that were: what a removed one did
// this month has to have its cost centre.
func (c *Clerk) functions(ctx context.Context) ([]Function, error) {
	var had, now []Function
	file, err := c.read(ctx, functionsName)
	if err == nil {
		err = json.Unmarshal(file, &had)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", functionsName, err)
	}
	if c.Inventory == nil {
		return had, nil
	}
	if now, err = c.Inventory.Functions(ctx); err != nil {
		return nil, err
	}
	all := map[owner]Function{}
	for _, f := range append(had, now...) {
		all[owner{f.Region, f.Name}] = f
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b Function) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name))
	})
	if slices.Equal(list, had) {
		return list, nil
	}
	file, err = json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	return list, c.Bucket.Put(ctx, functionsName, "application/json", file)
}

// keep writes a bill.
func (c *Clerk) keep(ctx context.Context, b *Bill) error {
	page, err := b.Page()
	if err != nil {
		return err
	}
	text, err := b.JSON()
	if err != nil {
		return err
	}
	folder := BillsPrefix + b.Month + "/"
	for _, s := range b.Sheets() {
		if err := c.Bucket.Put(ctx, folder+s.Name, "text/csv; charset=utf-8", s.CSV); err != nil {
			return err
		}
	}
	if err := c.Bucket.Put(ctx, folder+"bill.json", "application/json", text); err != nil {
		return err
	}
	return c.Bucket.Put(ctx, folder+"bill.html", "text/html; charset=utf-8", page)
}
