package bill

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/shared/chat"
	"parley/shared/usage"
)

// Turns sums up the records of what replies have used, an hour's files at a time.
//
// Who ends a reply writes its record once; who only finds it ended may write
// another, later. Found ones count if nobody's own is there: they are few, and each
// is looked for in the files since its reply was asked for, within usage.Settle. So
// memory is bounded by the found ones and the users of an hour, not by its records.
type Turns struct {
	Files usage.Files
	// Alias makes of a record's user the pseudonym that finance sees.
	Alias func(user string) string
	// Users is how many users of an hour are kept apart; 0: DefaultUsers.
	Users int
}

// DefaultUsers is how many users of an hour are kept apart: those that used the
// engine most.
const DefaultUsers = 5000

// most users in memory at once.
const manyUsers = 400_000

// AtOnce is how many files of records or partials are fetched at a time.
const AtOnce = 128

// Hour sums up the files of an hour.
func (t *Turns) Hour(ctx context.Context, hour time.Time, names []string) (*Partial, error) {
	p, keep := NewPartial(), t.Users
	if keep == 0 {
		keep = DefaultUsers
	}
	seen := map[string]bool{} // of found ones: that somebody's own is there
	err := t.each(ctx, names, p, func(r usage.Record) {
		p.Read.Records++
		if r.Found {
			p.find(r.Reply, t.found(r))
			seen[r.Reply] = false
			return
		}
		f := t.found(r)
		p.Answers[f.AnswerKey] = p.Answers[f.AnswerKey].plus(f.Answers)
		p.Users[f.userKey()] = p.Users[f.userKey()].plus(f.use())
		if len(p.Users) > manyUsers {
			p.keepUsers(manyUsers / 2)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := t.look(ctx, hour, names, p, seen); err != nil {
		return nil, err
	}
	p.keepUsers(keep)
	return p, p.check()
}

// look drops the found ones whose replies have a record of who ended them.
func (t *Turns) look(ctx context.Context, hour time.Time, names []string, p *Partial, seen map[string]bool) error {
	if len(seen) == 0 {
		return nil
	}
	since := hour
	for _, f := range p.Found {
		if f.At.Before(since) {
			since = f.At
		}
	}
	since = later(since, hour.Add(-usage.Settle)).Truncate(time.Hour)
	note := func(r usage.Record) {
		if _, ok := seen[r.Reply]; ok && !r.Found {
			seen[r.Reply] = true
		}
	}
	for h := since; h.Before(hour); h = h.Add(time.Hour) {
		earlier, err := t.Files.List(ctx, h.UTC().Format(usage.HourFolder))
		if err != nil {
			return err
		}
		if err := t.each(ctx, earlier, NewPartial(), note); err != nil {
			return err
		}
	}
	if err := t.each(ctx, names, NewPartial(), note); err != nil {
		return err
	}
	for reply, own := range seen {
		if own {
			delete(p.Found, reply)
			p.Read.Repeated++
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// found is a record as a Found. At is when its reply was asked for.
func (t *Turns) found(r usage.Record) Found {
	a := Answers{PromptTokens: int64(r.PromptTokens), CachedTokens: int64(r.CachedTokens), CompletionTokens: int64(r.CompletionTokens), EngineMS: r.EngineMS}
	switch r.Status {
	case chat.Done:
		a.Done = 1
	case chat.Cancelled:
		a.Cancelled = 1
	default:
		a.Failed = 1
	}
	at := r.AskedAt().UTC()
	return Found{at, AnswerKey{at.Format(time.DateOnly), string(r.Plan), r.Model}, t.Alias(r.User), a}
}

// each calls fn with the records of all files, in their order. A file that can't be
// read is counted in p.
func (t *Turns) each(ctx context.Context, names []string, p *Partial, fn func(usage.Record)) error {
	return fetch(ctx, names, t.Files.Get, func(name string, file []byte) {
		p.Read.Files++
		rows(file, func(row int64, r usage.Record, err error) {
			if err == nil {
				err = unlikely(r)
			}
			if err != nil {
				p.Read.fault(name, row, printable(fmt.Sprintf("%.160v", err)))
				return
			}
			fn(r)
		})
	})
}

// fetch calls fn with each file, in their order. Several are got at a time.
func fetch(ctx context.Context, names []string, get func(context.Context, string) ([]byte, error), fn func(name string, file []byte)) error {
	for group := range slices.Chunk(names, AtOnce) {
		files := make([][]byte, len(group))
		all, ctx := errgroup.WithContext(ctx)
		for i, name := range group {
			all.Go(func() (err error) {
				files[i], err = get(ctx, name)
				return err
			})
		}
		if err := all.Wait(); err != nil {
			return err
		}
		for i, file := range files {
			fn(group[i], file)
		}
	}
	return nil
}

// rows calls fn with each record of a file. If one of them can't be read, all are
// read by themselves, so that it alone is lost.
func rows(file []byte, fn func(row int64, r usage.Record, err error)) {
	records, err := usage.Decode(file)
	if err == nil {
		for i, r := range records {
			fn(int64(i+1), r, nil)
		}
		return
	}
	in, stop := unpacked(bytes.NewReader(file))
	defer stop()
	lines := bufio.NewScanner(io.LimitReader(in, maxRecords))
	lines.Buffer(nil, 1<<20)
	row := int64(0)
	for lines.Scan() {
		row++
		r, err := usage.DecodeLine(lines.Bytes())
		if err != nil {
			err = fmt.Errorf("no record: %w", err)
		}
		fn(row, r, err)
	}
	err = lines.Err()
	if err == nil && row == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		fn(row, usage.Record{}, fmt.Errorf("the rest of the file can't be read: %w", err))
	}
}

// maxRecords is how many bytes of a damaged file are looked through.
const maxRecords = 64 << 20

// unlikely says what is wrong with a record that can be decoded.
func unlikely(r usage.Record) error {
	const much = 1 << 40
	if min(r.PromptTokens, r.CachedTokens, r.CompletionTokens, int(r.EngineMS)) < 0 || max(r.PromptTokens, r.CachedTokens, r.CompletionTokens, int(r.EngineMS)) > much {
		return errors.New("a record with an amount that can't be")
	}
	if at := r.AskedAt(); at.Year() < 2020 || at.UnixMilli() > lastMoment || len(r.User) > 200 || len(r.Model) > 200 || len(r.Plan) > 200 {
		return errors.New("a record of a reply that can't be")
	}
	return nil
}

// printable is a text of others without what breaks lines or tables.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
