package search

import (
	"context"
	"fmt"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
)

// Sizes of a page of hits.
const (
	DefaultPage = 20
	MaxPage     = 50
)

// Bounds of what is read of the part of a history that isn't indexed.
const (
	maxRest     = 4 << 20 // bytes of text
	muchRest    = 2 << 20 // bytes from which on a search asks for an indexing
	chatsAtOnce = 16
	// ahead is how far the clock of what gives ids may be ahead of this one's.
	ahead = time.Minute
)

// Archive is a user's history with what is indexed of it.
type Archive interface {
	// Indexed returns the manifest of what is indexed, as Encode made it, and how often
	// it was replaced: nil and 0 if nothing is.
	Indexed(ctx context.Context, user string) (manifest []byte, times int, err error)
	// Active returns the chats in which something was said, or that were renamed, after
	// that id; empty: all chats.
	Active(ctx context.Context, user, since string) ([]chat.Chat, error)
	// Between calls each for the messages of a chat with ids above after, up to upto,
	// in order, some at a time.
	Between(ctx context.Context, user, chat, after, upto string, each func([]chat.Message) error) error
}

// Reader reads back what was found.
type Reader interface {
	// Messages returns those that are there, by id.
	Messages(ctx context.Context, refs []chat.Ref) (map[string]chat.Message, error)
	// Existing returns those of the chats that are there at this moment, by id.
	Existing(ctx context.Context, user string, chats []string) (map[string]chat.Chat, error)
	// First returns the message that a chat begins with, chat.ErrNoMessage if there is none.
	First(ctx context.Context, user, chat string) (chat.Message, error)
}

// Segments opens indexes.
type Segments interface {
	// Open returns the index that a segment of a user is; release has to be called
	// when it is not needed any more. ErrCorrupt also for one that is gone.
	Open(ctx context.Context, user string, s Segment) (index Index, release func(), err error)
	// Drop forgets what is kept of one that turned out to be corrupt.
	Drop(user, name string)
}

// Texts knows what can be read of files.
type Texts interface {
	// Texts returns the texts of those files, by id, as far as they have any: the
	// pieces of each, in order.
	Texts(ctx context.Context, user string, files []string) (map[string][]Piece, error)
}

// Piece is a part of a file's text.
type Piece struct {
	Page int // 0: the file has no pages
	Text string
}

// Jobs queues indexing.
type Jobs interface {
	Index(ctx context.Context, j Job) error
}

// Job asks for a user's history to be indexed.
type Job struct {
	User   string
	Anew   bool   // all of it
	Broken string // name of a segment that couldn't be read: all of it, if that is still so
}

// Searcher is the use case behind GET /search.
type Searcher struct {
	Archive  Archive
	Reader   Reader
	Segments Segments
	Texts    Texts
	Jobs     Jobs
	Now      func() time.Time
	Failed   func(what string, err error) // is told what was searched without

	taken Taken

	mu    sync.Mutex
	asked map[Job]time.Time // when jobs were queued
}

// Hit is a message that was found.
type Hit struct {
	Chat       string    `json:"chat_id"`
	Message    string    `json:"message_id"`
	Role       chat.Role `json:"role"`
	CreatedAt  time.Time `json:"created_at"`
	Title      string    `json:"chat_title"`
	Snippet    string    `json:"snippet"`
	Highlights [][2]int  `json:"highlights"` // from and to in the snippet, in characters (code points)
	Score      float64   `json:"score"`
	In         string    `json:"in"` // message, title, file: where the words stand
	File       *InFile   `json:"file,omitempty"`
}

// InFile says in which file of a message the words stand.
type InFile struct {
	ID   string `json:"file_id"`
	Name string `json:"name"`
	Page int    `json:"page,omitzero"`
}

// Page is a page of hits.
type Page struct {
	Hits []Hit `json:"hits"`
	// Total is of all pages, about: what was deleted since it was indexed may still count,
	// and a message counts for itself, its files and its chat's title.
	Total   int    `json:"total"`
	Next    string `json:"next_cursor,omitempty"`
	Partial bool   `json:"partial,omitzero"` // a part of the history could not be searched
}

// Request is what somebody looks for.
type Request struct {
	User   string
	Query  string
	Filter Filter
	Limit  int
	Cursor string
}

// asked is what has to be the same from page to page.
func (r Request) asked() string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%d\x00%d\x00%t", r.User, r.Query, r.Filter.Chat, r.Filter.Role,
		r.Filter.From.UnixMilli(), r.Filter.To.UnixMilli(), r.Filter.HasFile)
}

// Check takes the query apart and notes everything that is wrong with a request.
func (r Request) Check(c *problem.Check) Query {
	q := parse(r.Query, c)
	c.That(r.Limit >= 1 && r.Limit <= MaxPage, "limit", "bad_limit", fmt.Sprintf("A page has 1 to %d hits.", MaxPage))
	c.That(r.Filter.Chat == "" || id.Valid(r.Filter.Chat), "chat_id", "bad_chat", "This is not the id of a chat.")
	c.That(r.Filter.Role == "" || r.Filter.Role == chat.User || r.Filter.Role == chat.Assistant, "role", "bad_role", `A role is "user" or "assistant".`)
	c.That(r.Filter.From.IsZero() || r.Filter.To.IsZero() || r.Filter.From.Before(r.Filter.To), "to", "bad_range", "The time to which is searched has to come after the one from which is.")
	return q
}

// Search returns a page of the messages that fit best.
func (s *Searcher) Search(ctx context.Context, r Request) (Page, error) {
	var bad problem.Check
	q := r.Check(&bad)
	if err := bad.Err(); err != nil {
		return Page{}, err
	}
	c := cursor{until: id.Floor(s.Now().Add(ahead))}
	var after *Place
	if r.Cursor != "" {
		var err error
		if c, err = decodeCursor(r.Cursor, r.asked(), len(ranked(q.All))); err != nil {
			return Page{}, err
		}
		after = &c.Place
	}
	r.Filter.Until = c.until
	l := &look{Searcher: s, request: r, query: q}
	defer l.close()
	if err := l.open(ctx); err != nil {
		return Page{}, err
	}
	page, last, err := l.page(ctx, after)
	if last != nil {
		page.Next = cursor{*last, c.until}.encode(r.asked())
	}
	page.Partial = l.partial
	return page, err
}
