package chat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/shared/id"
	"parley/shared/problem"
)

// Sizes of pages.
const (
	DefaultPage  = 30
	MaxPage      = 100
	MaxPageBytes = 4 << 20 // of text as JSON has it; a page ends early rather than pass it
)

// Changes is what a user may change of a chat; nil leaves a value as it is.
type Changes struct {
	Title    *string `json:"title,omitempty"`
	Pinned   *bool   `json:"pinned,omitempty"`
	Archived *bool   `json:"archived,omitempty"`
}

// MaxTitle is the length of a chat's title in characters.
const MaxTitle = 200

// Validate names everything that is wrong with c.
func (c Changes) Validate() error {
	var check problem.Check
	check.That(c != Changes{}, "", "nothing_to_change", "Name at least one of title, pinned, archived.")
	if c.Title != nil {
		n := utf8.RuneCountInString(strings.TrimSpace(*c.Title))
		check.That(n >= 1 && n <= MaxTitle, "title", "bad_title",
			fmt.Sprintf("A title has 1 to %d characters.", MaxTitle))
		check.That(!strings.ContainsFunc(*c.Title, isControl), "title", "bad_character", "A title can't hold control characters.")
	}
	return check.Err()
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// MaxComment is the length of a comment on a reply in characters.
const MaxComment = 2000

// Validate names everything that is wrong with f.
func (f Feedback) Validate() error {
	var check problem.Check
	check.That(f.Rating == "up" || f.Rating == "down", "rating", "bad_rating", `A rating is "up" or "down".`)
	check.That(utf8.RuneCountInString(f.Comment) <= MaxComment, "comment", "comment_too_long",
		fmt.Sprintf("A comment has at most %d characters.", MaxComment))
	return check.Err()
}

// Histories is the storage that history needs.
type Histories interface {
	// Chats returns all chats of a user, without messages, in any order.
	Chats(ctx context.Context, user string) ([]Chat, error)
	// Chat returns one, ErrNoChat if there is none.
	Chat(ctx context.Context, user, chat string) (Chat, error)
	// Page returns messages with ids below before (empty: the newest), newest first,
	// at most limit of them and at most MaxPageBytes of text; more says that older
	// ones are left. ErrNoChat if there is no such chat.
	Page(ctx context.Context, user, chat, before string, limit int) (messages []Message, more bool, err error)
	// Message returns one message, ErrNoMessage if there is none.
	Message(ctx context.Context, ref Ref) (Message, error)
}

// History is the use case behind lists and single reads.
type History struct {
	Store Histories
	Now   func() time.Time
}

// Chats returns a page of the user's chats, newest activity first, and the cursor
// of the next page, empty at the end.
func (h *History) Chats(ctx context.Context, user string, limit int, cursor string) ([]Chat, string, error) {
	if err := checkPage(limit, cursor); err != nil {
		return nil, "", err
	}
	all, err := h.Store.Chats(ctx, user)
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(all, func(a, b Chat) int { return cmp.Compare(b.Last, a.Last) })
	if cursor != "" {
		at, found := slices.BinarySearchFunc(all, cursor, func(c Chat, last string) int { return cmp.Compare(last, c.Last) })
		if found {
			at++
		}
		all = all[at:]
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], all[limit-1].Last, nil
}

// Messages returns a page of a chat, in order within the page, the newest page
// first, and the cursor of the next older page, empty at the end.
func (h *History) Messages(ctx context.Context, user, chat string, limit int, cursor string) ([]Message, string, error) {
	if err := checkPage(limit, cursor); err != nil {
		return nil, "", err
	}
	rows, more, err := h.Store.Page(ctx, user, chat, cursor, limit+1)
	if err != nil {
		return nil, "", err
	}
	page := Assemble(rows, cursor, h.Now())
	if n := min(fitting(page), limit); len(page) > n {
		page, more = page[:n], true
	}
	next := ""
	if more {
		next = page[len(page)-1].ID
	}
	slices.Reverse(page)
	return page, next, h.link(ctx, Ref{User: user, Chat: chat}, page, rows)
}

// fitting returns how many messages of a page, at least one, stay within
// MaxPageBytes as they are sent. What JSON has to escape grows up to six times;
// a function's answer may have 6 MB.
func fitting(page []Message) int {
	size := 0
	for i, m := range page {
		for at := range len(m.Text) {
			switch c := m.Text[at]; {
			case c == '"' || c == '\\' || c >= '\b' && c <= '\r' && c != '\v':
				size += 2
			case c < ' ':
				size += 6
			default:
				size++
			}
		}
		if size > MaxPageBytes && i > 0 {
			return i
		}
	}
	return len(page)
}

// link completes the parents of a page in order. The oldest message may need the
// one before it, which is mostly among the rows that were read.
func (h *History) link(ctx context.Context, ref Ref, page, rows []Message) error {
	if len(page) == 0 {
		return nil
	}
	first := page[0]
	older := slices.DeleteFunc(slices.Clone(rows), func(m Message) bool { return m.ID >= first.ID })
	if len(older) == 0 && first.Role == User && first.Parent == "" {
		var err error
		if older, _, err = h.Store.Page(ctx, ref.User, ref.Chat, first.ID, 1); err != nil {
			return err
		}
	}
	Link(page, older)
	return nil
}

// Message returns one message of a user.
func (h *History) Message(ctx context.Context, ref Ref) (Message, error) {
	m, err := h.Store.Message(ctx, ref)
	if err != nil {
		return m, err
	}
	page := []Message{m.AsOf(h.Now())}
	err = h.link(ctx, ref, page, nil)
	return page[0], err
}

// Assemble makes a page, newest first, of rows that were read newest first below
// cursor: it adds the replies that have no row yet, unless the page before this
// one has shown them, and says how each stands now.
func Assemble(rows []Message, cursor string, now time.Time) []Message {
	page := make([]Message, 0, len(rows)+1)
	newer := cursor
	for _, m := range rows {
		if m.Role == User && !m.Deadline.IsZero() && newer != ReplyOf(m.ID) {
			page = append(page, Pending(m).AsOf(now))
		}
		page = append(page, m.AsOf(now))
		newer = m.ID
	}
	return page
}

// Link fills in the parents of questions that don't name one: the message
// directly before, in a page in order; older holds messages before the page,
// newest first. A question that names its chat as parent stands at the root.
func Link(page, older []Message) {
	before := ""
	if len(older) > 0 {
		before = older[0].ID
		if older[0].Role == User {
			before = ReplyOf(before) // its reply has no row yet
		}
	}
	for i := range page {
		m := &page[i]
		switch {
		case m.Role == User && m.Parent == "":
			m.Parent = before
		case m.Parent == m.Chat:
			m.Parent = ""
		}
		before = m.ID
	}
}

func checkPage(limit int, cursor string) error {
	var c problem.Check
	c.That(limit >= 1 && limit <= MaxPage, "limit", "bad_limit", fmt.Sprintf("A page has 1 to %d items.", MaxPage))
	c.That(cursor == "" || id.Valid(cursor), "cursor", "bad_cursor", "This is not a cursor that was given out.")
	return c.Err()
}
