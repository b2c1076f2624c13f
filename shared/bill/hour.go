package bill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"parley/shared/usage"
)

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
		if err := c.with(ctx, name, l.File); err != nil {
			return nil, err
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
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = o.Name
	}
	err = fetch(ctx, names, c.read, func(name string, file []byte) {
		p, covers, of, err := DecodePartial(file)
		if err != nil { // of another release, or damaged: it is made again
			c.Log.WarnContext(ctx, "a partial can't be read", "partial", name, "error", err.Error())
			return
		}
		folder := strings.TrimPrefix(covers, what+"/")
		kept[folder], digests[folder] = p, of
	})
	if err != nil {
		return nil, err
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
