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

// kind is what is summed up by the hour: lines, or records of usage.
type kind struct {
	name string
	day  string // form of a day's folder
	// hours lists what is in such a folder, sum sums one of them up.
	hours func(ctx context.Context, folder string) ([]hour, error)
	sum   func(context.Context, hour) (*Partial, error)
}

// The folders of a day and of an hour of lines, as usage has those of records.
const (
	lineDay  = LinesPrefix + "2006/01/02/"
	lineHour = lineDay + "15/"
)

func (c *Clerk) lineKind() kind { return kind{"lines", lineDay, c.lineHours, c.lines} }

func (c *Clerk) usageKind() kind { return kind{"usage", usage.DayFolder, c.usageHours, c.turns} }

// hour is a folder of what came in an hour.
type hour struct {
	folder string // such as lines/2026/11/22/06
	start  time.Time
	names  []string
	digest string
}

func digest(each []string) string {
	sum := sha256.New()
	for _, s := range each {
		fmt.Fprintf(sum, "%q\n", s)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (c *Clerk) lineHours(ctx context.Context, folder string) ([]hour, error) {
	list, err := c.Bucket.List(ctx, folder)
	if err != nil {
		return nil, err
	}
	names, marks := map[string][]string{}, map[string][]string{}
	for _, o := range list {
		m := folderOf.FindStringSubmatch(o.Name)
		if m == nil || strings.HasSuffix(o.Name, "/") {
			continue
		}
		folder := LinesPrefix + m[1]
		names[folder] = append(names[folder], o.Name)
		marks[folder] = append(marks[folder], fmt.Sprintf("%s %d %s", o.Name, o.Size, o.Tag))
	}
	return hours(lineHour, names, marks), nil
}

func hours(form string, names, marks map[string][]string) (all []hour) {
	for _, folder := range slices.Sorted(maps.Keys(names)) {
		start, err := time.Parse(form, folder+"/")
		if err != nil {
			continue // not a folder of ours
		}
		all = append(all, hour{folder, start, names[folder], digest(marks[folder])})
	}
	return all
}

func (c *Clerk) usageHours(ctx context.Context, folder string) ([]hour, error) {
	list, err := c.Usage.List(ctx, folder)
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	names := map[string][]string{}
	for _, name := range list {
		folder := path.Dir(name)
		names[folder] = append(names[folder], name)
	}
	return hours(usage.HourFolder, names, names), nil
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
func (c *Clerk) sum(ctx context.Context, k kind, from, to time.Time) (whole *Partial, pending int, err error) {
	whole = NewPartial()
	var behind []hour
	for day := from; day.Before(to) && !day.After(c.Now()); day = day.AddDate(0, 0, 1) {
		folder := day.Format(k.day)
		there, err := k.hours(ctx, folder)
		if err != nil {
			return nil, 0, err
		}
		late, err := c.had(ctx, folder, there, whole)
		if err != nil {
			return nil, 0, err
		}
		behind = append(behind, late...)
	}
	for i, h := range behind {
		if c.Progress != nil {
			c.Progress(k.name, i, len(behind))
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < c.Spare {
			return whole, len(behind) - i, nil
		}
		p, err := k.sum(ctx, h)
		if err != nil {
			return nil, 0, err
		}
		file, err := p.Encode(h.folder, h.digest)
		if err != nil {
			return nil, 0, err
		}
		if err := c.Bucket.Put(ctx, PartialsPrefix+h.folder+".json", "application/json", file); err != nil {
			return nil, 0, err
		}
		if err := whole.Merge(p); err != nil {
			return nil, 0, err
		}
	}
	if c.Progress != nil && len(behind) > 0 {
		c.Progress(k.name, len(behind), len(behind))
	}
	return whole, 0, nil
}

// had merges a day's partials that are as their hours are, and those whose hours'
// files have expired, into whole. It returns the hours that are behind.
func (c *Clerk) had(ctx context.Context, folder string, there []hour, whole *Partial) (behind []hour, err error) {
	list, err := c.Bucket.List(ctx, PartialsPrefix+folder)
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
		kept[covers], digests[covers] = p, of
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
