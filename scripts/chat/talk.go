package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/chat"
	"parley/shared/file"
)

// session is one conversation with the user.
type session struct {
	client  *client.Client
	console *console
	stop    *stopper
	person  client.Person // what a sign-up has been told so far
	chat    string        // the open chat; empty: the next question begins one
	listed  []chat.Chat   // what /open counts in
	found   []chat.Chat   // of the last search, one for each hit that was shown
	sought  client.Sought // by the last search; its cursor is that of the next page

	marks    marks
	attached []file.File // what goes with the next question
}

const help = `/help      this list
/history   your chats, newest first
/search W  find words in all chats and files; alone, it says how to narrow that down
/more      more hits of that search
/open N    go on with chat N of the last list
/new       begin a new chat
/attach F  send files, to go with your next question: names, with quotes if need be
/detach N  take file N, or all, off your next question
/files     your files, newest first
/stop      stop the answer or the upload that runs (Ctrl-C does so too)
/me        who you are and what is used of your plan
/logout    end the session
/quit      leave (Ctrl-C at the prompt does so too)
Anything else is a question.
`

// errLeave ends the conversation.
var errLeave = errors.New("leave")

// run talks until the user leaves.
func (s *session) run(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return left(err)
	}
	s.console.hint("Ask something. /help lists the commands.\n")
	for {
		s.announce()
		line, err := s.console.ask("> ")
		if err != nil {
			return err
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := s.handle(ctx, line); err != nil {
			return left(err)
		}
	}
}

func left(err error) error {
	if errors.Is(err, errLeave) {
		return nil
	}
	return err
}

// handle does what a line says. A refusal of the server's is shown and the
// conversation goes on, unless a script is at the other end.
func (s *session) handle(ctx context.Context, line string) error {
	err := s.obey(ctx, line)
	if errors.Is(err, errLeave) || err == nil || ctx.Err() != nil {
		return err
	}
	if !s.console.interactive() {
		return err
	}
	s.console.say("%s\n", explain(err))
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status == http.StatusUnauthorized {
		return s.enter(ctx)
	}
	return nil
}

func (s *session) obey(ctx context.Context, line string) error {
	command, argument, _ := strings.Cut(line, " ")
	switch command {
	case "/help":
		s.console.say("%s", help)
	case "/history":
		return s.history(ctx)
	case "/search":
		return s.search(ctx, strings.TrimSpace(argument))
	case "/more":
		return s.more(ctx)
	case "/open":
		return s.open(ctx, strings.TrimSpace(argument))
	case "/new":
		s.chat = ""
		s.console.say("A new chat begins with your next question.\n")
	case "/attach":
		return s.attach(ctx, strings.TrimSpace(argument))
	case "/detach":
		return s.detach(strings.TrimSpace(argument))
	case "/files":
		return s.files(ctx)
	case "/stop":
		s.console.say("No answer is running.\n")
	case "/me":
		return s.me(ctx)
	case "/logout":
		return s.logOut(ctx)
	case "/quit", "/exit":
		return errLeave
	default:
		if strings.HasPrefix(line, "/") && !strings.ContainsAny(command[1:], "/.") {
			s.console.say("There is no command %s. /help lists them.\n", plain(command))
			return nil
		}
		return s.ask(ctx, line)
	}
	return nil
}

// ask sends a question and shows its answer.
func (s *session) ask(ctx context.Context, text string) error {
	accepted, err := s.client.Send(ctx, client.Question{Chat: s.chat, Text: text, Attachments: s.ids()})
	if err != nil {
		return err
	}
	s.chat, s.attached = accepted.Chat, nil
	return s.follow(ctx, accepted.Chat, accepted.Reply)
}

func (s *session) history(ctx context.Context) error {
	page, err := s.client.Chats(ctx, 20, "")
	if err != nil {
		return err
	}
	s.listed = page.Items
	if len(page.Items) == 0 {
		s.console.say("There are no chats yet.\n")
	}
	for i, c := range page.Items {
		mark := " "
		if c.ID == s.chat {
			mark = "*"
		}
		s.console.say("%s%3d  %s  %s\n", mark, i+1, c.UpdatedAt.Local().Format("2006-01-02 15:04"), plain(c.Title))
	}
	return nil
}

// open shows the end of a chat and goes on with it. A reply that still runs is
// followed.
func (s *session) open(ctx context.Context, number string) error {
	if s.listed == nil {
		page, err := s.client.Chats(ctx, 20, "")
		if err != nil {
			return err
		}
		s.listed = page.Items
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(s.listed) {
		s.console.say("Name a chat by its number in the last list, 1 to %d.\n", len(s.listed))
		return nil
	}
	page, err := s.client.Messages(ctx, s.listed[n-1].ID, 0, "")
	if err != nil {
		return err
	}
	s.chat = s.listed[n-1].ID
	messages := branch(page.Items)
	for _, m := range messages {
		if m.Role == chat.Assistant && !m.Status.Ended() {
			return s.follow(ctx, s.chat, m.ID)
		}
		s.console.say("%s\n", line(m))
	}
	return nil
}

// branch is the way from a page's oldest message to its newest one; edits and
// regenerated replies beside it are left out.
func branch(page []chat.Message) []chat.Message {
	if len(page) == 0 {
		return nil
	}
	last := page[len(page)-1]
	way := []chat.Message{last}
	for i := len(page) - 2; i >= 0; i-- {
		if page[i].ID == last.Parent {
			last = page[i]
			way = append([]chat.Message{last}, way...)
		}
	}
	return way
}

func line(m chat.Message) string {
	switch {
	case m.Role == chat.User:
		return "> " + plain(m.Text) + names(m)
	case m.Failure != nil:
		return plain(m.Failure.Detail)
	case m.Status == chat.Cancelled:
		return plain(m.Text) + "\n(Stopped.)"
	}
	return plain(m.Text)
}

func (s *session) me(ctx context.Context) error {
	me, err := s.client.Me(ctx)
	if err != nil {
		return err
	}
	verified := ""
	if !me.User.Verified {
		verified = " (not verified yet)"
	}
	s.console.say("%s <%s>%s\nplan %s: %d of %d messages used this hour, which ends in %s; %d tokens a message; %s of %s of files\n",
		plain(me.User.Name), plain(me.User.Email), verified, me.User.Plan, me.Used.Messages, me.Limits.MessagesPerHour,
		time.Duration(me.Used.Resets)*time.Second, me.Limits.TokensPerMessage, size(me.Used.Storage), size(me.Limits.StorageBytes))
	return nil
}

func (s *session) logOut(ctx context.Context) error {
	if err := s.client.LogOut(ctx); err != nil {
		return err
	}
	s.console.say("You are logged out.\n")
	return errLeave
}
