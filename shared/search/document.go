package search

import (
	"cmp"
	"context"
	"strings"

	"parley/shared/chat"
	"parley/shared/file"
)

// fileBytes is how much of a file's text is searched.
const fileBytes = 1 << 20

// documents calls each for the documents of messages of one chat, one message after
// the other, so that no more than one message's files are in memory.
func documents(ctx context.Context, texts Texts, user string, messages []chat.Message, each func(Document) error) error {
	for _, m := range messages {
		docs := said(m)
		if files := readable(m); len(files) > 0 {
			pieces, err := texts.Texts(ctx, user, files)
			if err != nil {
				return err
			}
			docs = append(docs, inFiles(m, pieces)...)
		}
		for _, d := range docs {
			if err := each(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// said returns the document of a message's text and of its files' names, if it has any.
func said(m chat.Message) []Document {
	text := m.Text
	for _, f := range m.Attachments {
		text += "\n" + f.Name
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return []Document{{Doc: Doc{m.Chat, m.ID, Said}, Role: m.Role, HasFile: len(m.Attachments) > 0, Text: text}}
}

// inFiles returns the one document of the texts of all files of a message, if there are
// any: one, because it is one hit, whichever of them has the words.
func inFiles(m chat.Message, pieces map[string][]Piece) []Document {
	var b strings.Builder
	for _, f := range readable(m) {
		for _, p := range pieces[f] {
			b.WriteString(p.Text)
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return []Document{{Doc: Doc{m.Chat, m.ID, File}, Role: m.Role, HasFile: true, Text: b.String()}}
}

// titled returns the document of a chat's title. In the message's place it has the id
// of the time when the chat got it, so that an earlier title can be told from it.
func titled(c chat.Chat) Document {
	return Document{Doc: Doc{c.ID, namedAt(c), Title}, Role: chat.User, Text: c.Title}
}

// namedAt is the id of the time when a chat got its title.
func namedAt(c chat.Chat) string { return cmp.Or(c.Renamed, c.ID) }

// readable returns the ids of the files of a message that have a text.
func readable(m chat.Message) (ids []string) {
	for _, f := range m.Attachments {
		if f.Kind == file.Text {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
