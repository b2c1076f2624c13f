package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/chat"
	"parley/shared/file"
)

// attach sends files, one after the other, for the next question to go with.
func (s *session) attach(ctx context.Context, argument string) error {
	all, err := paths(argument)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		s.console.say("Name a file, or several: /attach report.pdf \"my photo.jpg\" ~/notes.md\n")
		return nil
	}
	for _, path := range all {
		if len(s.attached) == file.MaxAttachments {
			return fmt.Errorf("a question can have %d files at most", file.MaxAttachments)
		}
		if err := s.upload(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// upload sends one file. Ctrl-C and /stop break it off; the same file again goes on
// where it stopped, also after this program has ended.
func (s *session) upload(ctx context.Context, path string) error {
	f, size, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m := &meter{console: s.console, name: cut(plain(filepath.Base(path)), 24), now: time.Now}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	var got client.Uploaded
	err = s.stoppable(cancel, func() error {
		got, err = s.client.Upload(sending, client.Upload{
			Name: filepath.Base(path), Size: size, Content: f, Chat: s.chat, Progress: m.show,
			Mark: s.marks.find(path), Keep: func(mark client.Mark) error { return s.marks.keep(path, mark) },
		})
		return err
	})
	m.end()
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		s.console.say("(Stopped. /attach the same file again to go on.)\n")
		return nil
	}
	return s.sent(path, got, err)
}

// open opens a file that can be sent.
func open(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// sent attaches a file that has arrived, and says what is to be said about it.
func (s *session) sent(path string, got client.Uploaded, err error) error {
	_, rejected := errors.AsType[*client.Rejected](err)
	if err == nil || rejected {
		err = errors.Join(err, s.marks.drop(path))
	}
	if err != nil {
		return err
	}
	s.attached = slices.DeleteFunc(s.attached, func(f file.File) bool { return f.ID == got.ID })
	s.attached = append(s.attached, got.File)
	already := ""
	if got.Deduplicated {
		already = " (you had it already)"
	}
	s.console.say("Attached %s%s\n", about(got.File), already)
	return nil
}

// about says what is known of a file.
func about(f file.File) string {
	facts := []string{size(f.Size)}
	if f.Pages > 0 {
		facts = append(facts, count(f.Pages, "page"))
	}
	if f.Width > 0 {
		facts = append(facts, fmt.Sprintf("%d × %d", f.Width, f.Height))
	}
	if f.Status != file.Ready && f.Status != "" {
		facts = append(facts, string(f.Status))
	}
	if f.Malware == file.NotScanned {
		facts = append(facts, "not scanned for malware")
	}
	text := plain(f.Name) + ", " + strings.Join(facts, ", ")
	for _, r := range []*file.Remark{f.Note, f.Reason} {
		if r != nil {
			text += ". " + strings.TrimSuffix(plain(r.Detail), ".")
		}
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// stageWord says what is done with a file that is processed.
func stageWord(s file.Stage) string {
	switch s {
	case file.Verify:
		return "is verified"
	case file.Scan:
		return "is scanned for malware"
	case file.Store:
		return "is stored"
	case file.Read:
		return "is read"
	}
	return "is processed"
}

// detach takes files off the next question: all, or one by its number.
func (s *session) detach(number string) error {
	if number == "" {
		s.attached = nil
		s.console.say("The next question goes without files. They stay among /files.\n")
		return nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(s.attached) {
		s.console.say("Name an attached file by its number, 1 to %d, or none for all.\n", len(s.attached))
		return nil
	}
	s.console.say("Without %s.\n", plain(s.attached[n-1].Name))
	s.attached = slices.Delete(s.attached, n-1, n)
	return nil
}

// files lists the newest.
func (s *session) files(ctx context.Context) error {
	page, err := s.client.Files(ctx, 20, "")
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		s.console.say("There are no files yet. /attach sends one.\n")
	}
	for _, f := range page.Items {
		mark := " "
		if slices.ContainsFunc(s.attached, func(a file.File) bool { return a.ID == f.ID }) {
			mark = "*"
		}
		s.console.say("%s %s  %s\n", mark, f.CreatedAt.Local().Format("2006-01-02 15:04"), about(f))
	}
	return nil
}

// announce shows what goes with the next question.
func (s *session) announce() {
	for i, f := range s.attached {
		s.console.hint("  %d. %s, %s\n", i+1, plain(f.Name), size(f.Size))
	}
}

// ids are those of the attached files.
func (s *session) ids() []string {
	var all []string
	for _, f := range s.attached {
		all = append(all, f.ID)
	}
	return all
}

// names says which files a message has.
func names(m chat.Message) string {
	var b strings.Builder
	for _, a := range m.Attachments {
		fmt.Fprintf(&b, "\n  [%s, %s]", plain(a.Name), size(a.Size))
	}
	return b.String()
}
