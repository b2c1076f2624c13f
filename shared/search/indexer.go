package search

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
)

// Sizes of what one run does.
const (
	batchBytes = 32 << 20 // text of one segment, if Batch doesn't say
	// leastBytes is how much text there has to be for a segment.
	leastBytes = 64 << 10
	// orphaned is the age at which a segment that no manifest names is of no use: no run
	// goes on for so long.
	orphaned = time.Hour
	// grace is how long one that was replaced is still there for a search that has begun.
	grace = 10 * time.Minute
	// reserve is how long before its deadline a run stops.
	reserve = 30 * time.Second
)

// Shelf keeps the segments of users.
type Shelf interface {
	// Add makes a segment of documents and keeps it.
	Add(ctx context.Context, user string, docs []Document) (Segment, error)
	// Merge makes one segment of others, without the documents that are gone, and keeps
	// it; nil if nothing is left. ErrCorrupt if one of them can't be read.
	Merge(ctx context.Context, user string, old []Segment, gone func(Doc) bool) (*Segment, error)
	// Sweep removes what was kept of a user before that time, but these, and those that
	// have to go whenever they came.
	Sweep(ctx context.Context, user string, keep, drop []string, before time.Time) error
}

// Ledger is an Archive that takes down what was indexed.
type Ledger interface {
	Archive
	// SetIndexed puts a manifest in the place of the one that was replaced so often, nil
	// for none; false if that has changed.
	SetIndexed(ctx context.Context, user string, manifest []byte, times int) (bool, error)
	// Message returns one message.
	Message(ctx context.Context, ref chat.Ref) (chat.Message, error)
}

// Indexer is the use case behind index-history: it brings a user's segments up to the
// present. It may die at any point, and run twice at once: what it has built counts
// when it is published, by one conditional write, and what was built in vain is
// removed by a later run.
type Indexer struct {
	Ledger Ledger
	Shelf  Shelf
	Texts  Texts
	// Lag is how old a message is before it goes into a segment: by then it was
	// written, whatever its clock, and its reply has mostly ended.
	Lag time.Duration
	// Batch is how many bytes of text a segment is made of at most, about; they are held
	// in memory. 0: 32 MB.
	Batch int
	Now   func() time.Time
}

// Done is what a run did.
type Done struct {
	Docs   int  // documents that were indexed
	Bytes  int  // of their text
	Merged int  // segments that were merged
	Again  bool // there is more to do: run once more
	Later  bool // replaced segments are to be removed: run once more, SweepAfter later
}

// SweepAfter is how long after a run another one removes what that has replaced.
const SweepAfter = grace + time.Minute

// Run does what a job asks for, as far as ctx's deadline lets it.
func (x *Indexer) Run(ctx context.Context, j Job) (Done, error) {
	r := &indexing{Indexer: x, user: j.User}
	err := r.run(ctx, j)
	if errors.Is(err, ErrCorrupt) && !j.Anew { // only what is in the table is sure
		r = &indexing{Indexer: x, user: j.User}
		err = r.run(ctx, Job{User: j.User, Anew: true})
	}
	if err == nil || errors.Is(err, ErrOvertaken) {
		err = errors.Join(err, r.forget(ctx))
	}
	return r.done, err
}

func (r *indexing) run(ctx context.Context, j Job) (err error) {
	if r.m, err = manifestOf(ctx, r.Ledger, r.user); err != nil && !(j.Anew && errors.Is(err, ErrCorrupt)) {
		return err
	}
	if err := r.begin(ctx, j); err != nil {
		return err
	}
	if r.m.Build != nil {
		if err := r.build(ctx); err != nil || r.done.Again {
			return err
		}
	}
	return r.tidy(ctx)
}

// indexing is one run.
type indexing struct {
	*Indexer
	user  string
	m     Manifest
	done  Done
	chats []chat.Chat // with something to index, by id
	docs  []Document  // of the segment to come
	bytes int
}

// begin decides what is indexed, unless a build goes on.
func (r *indexing) begin(ctx context.Context, j Job) error {
	anew, err := r.anew(ctx, j)
	if err != nil {
		return err
	}
	if b := r.m.Build; b != nil && (b.Anew || !anew) {
		return r.active(ctx, b.Since)
	}
	b := &Build{Upto: id.Floor(r.Now().Add(-r.Lag)), Anew: anew}
	if !anew {
		b.Since = r.m.Upto
	}
	if b.Upto <= b.Since {
		return nil
	}
	if err := r.active(ctx, b.Since); err != nil {
		return err
	}
	if err := r.hold(ctx, b); err != nil {
		return err
	}
	r.m.Build = b
	return nil
}

// anew reports whether all is to be indexed. A segment that was reported as broken is
// looked at: every search reports it until it is built again, perhaps under the same
// name.
func (r *indexing) anew(ctx context.Context, j Job) (bool, error) {
	at := slices.IndexFunc(r.m.Segments, func(s Segment) bool { return s.Name == j.Broken })
	if j.Anew || at < 0 {
		return j.Anew, nil
	}
	none := func(Doc) bool { return true }
	_, err := r.Shelf.Merge(ctx, r.user, r.m.Segments[at:at+1], none) // reads it, and writes nothing
	if errors.Is(err, ErrCorrupt) {
		return true, nil
	}
	return false, err
}

// active lists the chats that something was said in.
func (r *indexing) active(ctx context.Context, since string) (err error) {
	r.chats, err = r.Ledger.Active(ctx, r.user, since)
	slices.SortFunc(r.chats, func(a, b chat.Chat) int { return strings.Compare(a.ID, b.ID) })
	return err
}

// hold moves the watermark back before replies that haven't ended, and before those
// that nobody has begun as long as the key of their sending is good: who tries that
// again gets them under the ids of the first time.
func (r *indexing) hold(ctx context.Context, b *Build) error {
	for _, c := range r.chats {
		if c.Running == "" || c.Running > b.Upto {
			continue
		}
		m, err := r.Ledger.Message(ctx, chat.Ref{User: r.user, Chat: c.ID, Message: c.Running})
		none := errors.Is(err, chat.ErrNoMessage)
		if err != nil && !none {
			return err
		}
		m = m.AsOf(r.Now())
		again := (none || m.Lapsed) && r.Now().Sub(id.Time(c.Running)) < chat.KeyLife
		if again || !none && !m.Status.Ended() {
			b.Upto = max(b.Since, id.Prev(chat.QuestionOf(c.Running)))
		}
	}
	return nil
}

// build reads the chats one after the other, and makes segments of what they have.
func (r *indexing) build(ctx context.Context) error {
	b := r.m.Build
	for _, c := range r.chats {
		if c.ID <= b.Chat || c.ID > b.Upto {
			continue
		}
		known := len(b.Segments)
		if err := r.read(ctx, c); err != nil {
			return err
		}
		if len(b.Segments) == known {
			continue
		}
		if err := r.flush(ctx); err != nil { // what is left of this chat
			return err
		}
		b.Chat = c.ID
		if err := r.publish(ctx, r.m); err != nil {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
			r.done.Again = true
			return nil
		}
	}
	if r.bytes < leastBytes && len(b.Segments) == 0 && !b.Anew {
		r.m.Build = nil // not worth a segment: it is searched where it is
		return nil
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.finish(ctx)
}

// read takes in what a chat has, and makes a segment whenever there is enough.
func (r *indexing) read(ctx context.Context, c chat.Chat) error {
	b := r.m.Build
	add := func(d Document) error {
		r.docs = append(r.docs, d)
		if r.bytes += len(d.Text); r.bytes < cmp.Or(r.Batch, batchBytes) {
			return nil
		}
		return r.flush(ctx)
	}
	if at := namedAt(c); at > b.Since && at <= b.Upto {
		if err := add(titled(c)); err != nil {
			return err
		}
	}
	return r.Ledger.Between(ctx, r.user, c.ID, b.Since, b.Upto, func(messages []chat.Message) error {
		return documents(ctx, r.Texts, r.user, messages, add)
	})
}

// flush makes a segment of what was read.
func (r *indexing) flush(ctx context.Context) error {
	if len(r.docs) == 0 {
		return nil
	}
	s, err := r.Shelf.Add(ctx, r.user, r.docs)
	if err != nil {
		return err
	}
	r.done.Docs += len(r.docs)
	r.done.Bytes += r.bytes
	r.docs, r.bytes = nil, 0
	if b := r.m.Build; !slices.ContainsFunc(b.Segments, func(other Segment) bool { return other.Name == s.Name }) {
		b.Segments = append(b.Segments, s)
	}
	return nil
}

// finish publishes what was built: from then on it is searched.
func (r *indexing) finish(ctx context.Context) error {
	m := r.m
	b := m.Build
	old := m.Segments
	m.Segments, m.Upto, m.Build = b.Segments, b.Upto, nil
	if !b.Anew {
		m.Segments, old = slices.Concat(old, b.Segments), nil
	}
	return r.publish(ctx, m.retire(old, r.Now()))
}

func (r *indexing) publish(ctx context.Context, m Manifest) error {
	body, err := m.Encode()
	if err != nil {
		return err
	}
	ok, err := r.Ledger.SetIndexed(ctx, r.user, body, m.Times)
	if err == nil && !ok {
		err = ErrOvertaken
	}
	m.Times++
	r.m = m
	return err
}

// tidy merges segments of the same size, and removes what nobody needs any more.
func (r *indexing) tidy(ctx context.Context) error {
	for old := r.m.due(); old != nil; old = r.m.due() {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 3*reserve {
			r.done.Again = true
			return nil
		}
		gone, err := r.gone(ctx)
		if err != nil {
			return err
		}
		merged, err := r.Shelf.Merge(ctx, r.user, old, gone)
		if err != nil {
			return err
		}
		r.done.Merged += len(old)
		if err := r.publish(ctx, r.m.replace(old, merged, r.Now())); err != nil {
			return err
		}
	}
	return r.sweep(ctx)
}

// gone tells documents whose chats were deleted.
func (r *indexing) gone(ctx context.Context) (func(Doc) bool, error) {
	chats, err := r.Ledger.Active(ctx, r.user, "")
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, c := range chats {
		there[c.ID] = true
	}
	return func(d Doc) bool { return !there[d.Chat] }, nil
}

// forget removes what is kept of a user who has no chats any more. A purge that ran at
// the same time has not seen what this run has made since.
func (r *indexing) forget(ctx context.Context) error {
	chats, err := r.Ledger.Active(ctx, r.user, "")
	if err != nil || len(chats) > 0 {
		return err
	}
	if _, err := r.Ledger.SetIndexed(ctx, r.user, nil, r.m.Times); err != nil { // who was faster does the same
		return err
	}
	return r.Shelf.Sweep(ctx, r.user, nil, nil, r.Now().Add(orphaned))
}

// sweep removes segments that were replaced long enough ago.
func (r *indexing) sweep(ctx context.Context) error {
	defer func() { r.done.Later = len(r.m.Retired) > 0 }()
	m := r.m
	m.Retired = nil
	var keep, drop []string
	for _, old := range r.m.Retired {
		if r.Now().Sub(old.At) > grace {
			drop = append(drop, old.Name)
		} else {
			m.Retired = append(m.Retired, old)
			keep = append(keep, old.Name)
		}
	}
	if drop == nil {
		return nil
	}
	if err := r.publish(ctx, m); err != nil {
		return err
	}
	for _, s := range m.Segments {
		keep = append(keep, s.Name)
		drop = slices.DeleteFunc(drop, func(name string) bool { return name == s.Name })
	}
	return r.Shelf.Sweep(ctx, r.user, keep, drop, r.Now().Add(-orphaned))
}
