package bill

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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
	start, err := time.Parse("2006-01", month)
	if err != nil {
		return nil, fmt.Errorf("month %.20q: it is written YYYY-MM", month)
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
		if m.Lines, m.Pending, err = c.sum(ctx, "lines", from, to, c.lineHours, c.lines); err != nil {
			return nil, err
		}
	}
	m.Turns = NewPartial()
	if c.Usage != nil {
		if m.Turns, late, err = c.sum(ctx, "usage", start, to, c.usageHours, c.turns); err != nil {
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

func (c *Clerk) read(ctx context.Context, name string) ([]byte, error) {
	in, err := c.Bucket.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := readAll(in, 256<<20)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
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

// hour is a folder of what came in an hour.
type hour struct {
	folder string // such as 2026/11/22/06
	start  time.Time
	names  []string
	digest string
}

func (h *hour) close(each []string) {
	sum := sha256.New()
	for _, s := range each {
		fmt.Fprintf(sum, "%q\n", s)
	}
	h.digest = hex.EncodeToString(sum.Sum(nil))
}

// lineHours lists the hours of a day.
func (c *Clerk) lineHours(ctx context.Context, day time.Time) ([]hour, error) {
	list, err := c.Bucket.List(ctx, day.Format(LinesPrefix+"2006/01/02/"))
	if err != nil {
		return nil, err
	}
	names, marks := map[string][]string{}, map[string][]string{}
	for _, o := range list {
		m := folderOf.FindStringSubmatch(o.Name)
		if m == nil || strings.HasSuffix(o.Name, "/") {
			continue
		}
		names[m[1]] = append(names[m[1]], o.Name)
		marks[m[1]] = append(marks[m[1]], fmt.Sprintf("%s %d %s", o.Name, o.Size, o.Tag))
	}
	return hours("2006/01/02/15", names, marks)
}

func hours(form string, names, marks map[string][]string) (all []hour, _ error) {
	for _, folder := range slices.Sorted(maps.Keys(names)) {
		start, err := time.Parse(form, folder)
		if err != nil {
			continue // not a folder of ours
		}
		h := hour{folder: folder, start: start, names: names[folder]}
		h.close(marks[folder])
		all = append(all, h)
	}
	return all, nil
}

func (c *Clerk) usageHours(ctx context.Context, day time.Time) ([]hour, error) {
	list, err := c.Usage.List(ctx, day.Format(usage.Prefix+"dt=2006-01-02/"))
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	names := map[string][]string{}
	for _, name := range list {
		folder := strings.TrimPrefix(path.Dir(name), usage.Prefix)
		names[folder] = append(names[folder], name)
	}
	return hours("dt=2006-01-02/hh=15", names, names)
}

// lines sums up an hour of REPORT lines. Each hour has its own memory of what it
// has seen.
func (c *Clerk) lines(ctx context.Context, h hour) (*Partial, error) {
	l := NewLines(NewSeen(Remembered))
	for _, name := range h.names {
		in, err := c.Bucket.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		err = l.File(name, in)
		in.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return l.Partial(), l.Partial().check()
}

func (c *Clerk) turns(ctx context.Context, h hour) (*Partial, error) {
	t := &Turns{Files: c.Usage, Alias: func(user string) string { return Alias(c.Key, user) }}
	return t.Hour(ctx, h.start, h.names)
}

// sum merges the partials of all hours from one time to another, and makes those
// that are missing or behind. pending is how many there was no time for.
func (c *Clerk) sum(ctx context.Context, what string, from, to time.Time, list func(context.Context, time.Time) ([]hour, error),
	make func(context.Context, hour) (*Partial, error)) (whole *Partial, pending int, err error) {
	whole = NewPartial()
	var behind []hour
	for day := from; day.Before(to) && !day.After(c.Now()); day = day.AddDate(0, 0, 1) {
		there, err := list(ctx, day)
		if err != nil {
			return nil, 0, err
		}
		late, err := c.had(ctx, what, day, there, whole)
		if err != nil {
			return nil, 0, err
		}
		behind = append(behind, late...)
	}
	for i, h := range behind {
		if c.Progress != nil {
			c.Progress(what, i, len(behind))
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < c.Spare {
			return whole, len(behind) - i, nil
		}
		p, err := make(ctx, h)
		if err != nil {
			return nil, 0, err
		}
		file, err := p.Encode(what+"/"+h.folder, h.digest)
		if err != nil {
			return nil, 0, err
		}
		if err := c.Bucket.Put(ctx, PartialsPrefix+what+"/"+h.folder+".json", "application/json", file); err != nil {
			return nil, 0, err
		}
		if err := whole.Merge(p); err != nil {
			return nil, 0, err
		}
	}
	if c.Progress != nil && len(behind) > 0 {
		c.Progress(what, len(behind), len(behind))
	}
	return whole, 0, nil
}

// had merges a day's partials that are as their hours are, and those whose hours'
// files have expired, into whole. It returns the hours that are behind.
func (c *Clerk) had(ctx context.Context, what string, day time.Time, there []hour, whole *Partial) (behind []hour, err error) {
	form := map[string]string{"lines": "2006/01/02/", "usage": "dt=2006-01-02/"}[what]
	list, err := c.Bucket.List(ctx, PartialsPrefix+what+"/"+day.Format(form))
	if err != nil {
		return nil, err
	}
	kept := map[string]*Partial{}
	digests := map[string]string{}
	for group := range slices.Chunk(list, AtOnce) {
		files := make([][]byte, len(group))
		fetch, ctx := errgroup.WithContext(ctx)
		for i, o := range group {
			fetch.Go(func() (err error) {
				files[i], err = c.read(ctx, o.Name)
				return err
			})
		}
		if err := fetch.Wait(); err != nil {
			return nil, err
		}
		for i, file := range files {
			p, covers, of, err := DecodePartial(file)
			if err != nil { // of another release, or damaged: it is made again
				c.Log.WarnContext(ctx, "a partial can't be read", "partial", group[i].Name, "error", err.Error())
				continue
			}
			folder := strings.TrimPrefix(covers, what+"/")
			kept[folder], digests[folder] = p, of
		}
	}
	for _, h := range there {
		if h.start.Add(time.Hour + c.Settle).After(c.Now()) {
			continue // more is to come
		}
		p := kept[h.folder]
		if p != nil && h.start.Before(c.Now().Add(-Lifetime)) {
			continue // some of its files may have expired
		}
		if p == nil || digests[h.folder] != h.digest {
			delete(kept, h.folder)
			behind = append(behind, h)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(kept)) {
		if err := whole.Merge(kept[folder]); err != nil {
			return nil, err
		}
	}
	return behind, nil
}

// invoices reads the exports of a month. The first is FOCUS's if there is one.
func (c *Clerk) invoices(ctx context.Context, month string) (invoice, otherOne *Invoice, err error) {
	focus, cur := NewInvoice(month), NewCUR(month)
	for prefix, v := range map[string]*Invoice{FocusPrefix: focus, CURPrefix: cur} {
		list, err := c.Bucket.List(ctx, prefix)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range c.delivered(ctx, list, v) {
			in, err := c.Bucket.Open(ctx, name)
			if errors.Is(err, fs.ErrNotExist) {
				v.Read.fault(name, 0, "the export's manifest names it, and it isn't there")
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			err = v.File(name, in)
			in.Close()
			if err != nil {
				return nil, nil, fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	switch {
	case focus.Read.Files > 0 && cur.Read.Files > 0:
		return focus, cur, nil
	case focus.Read.Files > 0:
		return focus, nil, nil
	case cur.Read.Files > 0:
		return cur, nil, nil
	}
	return nil, nil, nil
}

// delivered names the files of an export that are a month's: those of its manifest,
// which AWS writes once all are there; an older delivery may have had more. Without a
// manifest, as where somebody has copied files in, all that lie in the month's folder.
func (c *Clerk) delivered(ctx context.Context, list []Object, v *Invoice) (names []string) {
	period := "BILLING_PERIOD=" + v.Month + "/"
	for _, o := range list {
		if strings.Contains(o.Name, "/metadata/"+period) && strings.HasSuffix(o.Name, "Manifest.json") {
			named, err := c.manifest(ctx, o.Name)
			if err == nil {
				return named
			}
			v.Read.fault(o.Name, 0, printable(fmt.Sprintf("the manifest can't be read: %.120v", err)))
		}
		if strings.Contains(o.Name, "/data/"+period) && (strings.HasSuffix(o.Name, ".csv.gz") || strings.HasSuffix(o.Name, ".csv")) {
			names = append(names, o.Name)
		}
	}
	return names
}

// manifest reads which files an export has: s3://bucket/name each.
func (c *Clerk) manifest(ctx context.Context, name string) (names []string, err error) {
	file, err := c.read(ctx, name)
	if err != nil {
		return nil, err
	}
	var m struct {
		DataFiles []string `json:"dataFiles"`
	}
	if err := json.Unmarshal(file, &m); err != nil {
		return nil, err
	}
	for _, uri := range m.DataFiles {
		_, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		if !ok || !strings.HasPrefix(uri, "s3://") {
			return nil, fmt.Errorf("%.80q is no file of S3", uri)
		}
		names = append(names, key)
	}
	if len(names) == 0 {
		return nil, errors.New("it names no file")
	}
	return names, nil
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
