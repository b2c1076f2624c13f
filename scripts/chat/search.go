package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"parley/scripts/internal/client"
	"parley/shared/chat"
	"parley/shared/search"
)

const searchHelp = `Say what you look for: /search lighthouse "old keeper" parrot* -cat
finds messages with lighthouse in any form, with old keeper as it stands there, with a word that
begins with parrot, and without cat. Before the words may stand
  --role user, --role assistant   only what you said, only answers
  --from 2026-11-01, --to 2026-11-27   days, in UTC, or times such as 2026-11-27T09:00:00Z
  --has file                      only what was sent with files
  --here                          only in the open chat
`

// search looks for what an argument says and shows the first hits.
func (s *session) search(ctx context.Context, argument string) error {
	sought, err := s.soughtIn(argument)
	if err != nil {
		return err
	}
	if sought.Query == "" {
		s.console.say("%s", searchHelp)
		return nil
	}
	s.found = nil
	return s.hits(ctx, sought)
}

// more shows the next hits of the last search.
func (s *session) more(ctx context.Context) error {
	if s.sought.Cursor == "" {
		s.console.say("There are no more hits. /search looks for something else.\n")
		return nil
	}
	return s.hits(ctx, s.sought)
}

// soughtIn reads the options before the words, which go to the server as they are.
func (s *session) soughtIn(argument string) (client.Sought, error) {
	var sought client.Sought
	for strings.HasPrefix(argument, "--") {
		option, rest, _ := strings.Cut(argument, " ")
		if option == "--here" {
			if s.chat == "" {
				return sought, fmt.Errorf("no chat is open for --here")
			}
			sought.Chat, argument = s.chat, strings.TrimSpace(rest)
			continue
		}
		value, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
		argument = strings.TrimSpace(rest)
		switch {
		case option == "--role":
			sought.Role = chat.Role(value)
		case option == "--from":
			sought.From = value
		case option == "--to":
			sought.To = value
		case option == "--has" && value == "file":
			sought.HasFile = true
		default:
			return sought, fmt.Errorf("/search has no option %s %s; /search alone lists them", plain(option), plain(value))
		}
	}
	sought.Query = argument
	return sought, nil
}

// hits shows a page, whose chats /open counts in.
func (s *session) hits(ctx context.Context, sought client.Sought) error {
	page, err := s.client.Search(ctx, sought)
	if err != nil {
		return err
	}
	for _, h := range page.Hits {
		s.found = append(s.found, chat.Chat{ID: h.Chat, Title: h.Title})
		s.console.say("%s", s.hit(len(s.found), h))
	}
	s.sought, s.sought.Cursor = sought, page.Next
	if len(s.found) > 0 {
		s.listed = s.found
	}
	switch {
	case len(s.found) == 0:
		s.console.say("Nothing was found.\n")
	case page.Next != "":
		s.console.say("(%d of about %d. /more shows more, /open N goes to a chat.)\n", len(s.found), page.Total)
	default:
		s.console.hint("(/open N goes to a chat.)\n")
	}
	if page.Partial {
		s.console.say("(A part of your chats could not be searched. That is being mended; try again in some minutes.)\n")
	}
	return nil
}

// hit is a hit in two lines: its chat, and who said what.
func (s *session) hit(n int, h search.Hit) string {
	where := map[chat.Role]string{chat.User: "you", chat.Assistant: "answer"}[h.Role]
	if h.File != nil {
		where = plain(h.File.Name)
		if h.File.Page > 0 {
			where += fmt.Sprintf(", page %d", h.File.Page)
		}
	}
	bold, normal := "*", "*"
	if s.console.interactive() {
		bold, normal = "\x1b[1m", "\x1b[22m"
	}
	return fmt.Sprintf("%4d  %s  %s\n      %s: %s\n", n, h.CreatedAt.Local().Format("2006-01-02 15:04"),
		cmp.Or(oneLine(h.Title), "(no title)"), where, marked(h, bold, normal))
}

// marked is a hit's snippet with marks around what was found. What could steer the
// terminal goes only after the places were counted.
func marked(h search.Hit, before, after string) string {
	text := []rune(h.Snippet)
	var b strings.Builder
	at := 0
	for _, place := range h.Highlights {
		from, to := place[0], place[1]
		if from < at || to <= from || to > len(text) {
			continue
		}
		b.WriteString(oneLine(string(text[at:from])) + before + oneLine(string(text[from:to])) + after)
		at = to
	}
	return b.String() + oneLine(string(text[at:]))
}

// oneLine is a text that can't steer the terminal, nor leave its line.
func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(plain(text))
}
