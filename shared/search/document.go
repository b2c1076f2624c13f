package search

import (
	"context"
	"strings"

	"parley/shared/chat"
	"parley/shared/file"
)

// fileBytes is how much of a file's text is searched.
const fileBytes = 1 << 20

// said returns the documents of messages of one chat, without those of files' texts.
func said(messages []chat.Message) (docs []Document) {
	for _, m := range messages {
		text := m.Text
		for _, f := range m.Attachments {
			text += "\n" + f.Name
		}
		if strings.TrimSpace(text) != "" {
			docs = append(docs, Document{Doc: Doc{m.Chat, m.ID, Said}, Role: m.Role, HasFile: len(m.Attachments) > 0, Text: text})
		}
	}
	return docs
}

// titled returns the document of a chat's title. It goes by the chat's id in the
// message's place, so that a later title takes the place of an earlier one.
func titled(c chat.Chat) Document {
	return Document{Doc: Doc{c.ID, c.ID, Title}, Role: chat.User, Text: c.Title}
}

// named reports whether a chat got its title after that id was made.
func named(c chat.Chat, since string) bool { return c.ID > since || c.Renamed > since }

// inFiles returns the documents of the texts of messages' files.
func inFiles(ctx context.Context, texts Texts, user string, messages []chat.Message) (docs []Document, err error) {
	var ids []string
	for _, m := range messages {
		ids = append(ids, readable(m)...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	pieces, err := texts.Texts(ctx, user, ids)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		for _, f := range readable(m) {
			if text := joined(pieces[f]); text != "" {
				docs = append(docs, Document{Doc: Doc{m.Chat, m.ID, File}, Role: m.Role, HasFile: true, Text: text})
			}
		}
	}
	return docs, nil
}

// readable returns the ids of the files of a message that have a text.
func readable(m chat.Message) (ids []string) {
	for _, f := range m.Attachments {
		if f.Kind == file.Text {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// joined is a file's text as far as it is searched.
func joined(pieces []Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if b.Len()+len(p.Text) > fileBytes {
			break
		}
		b.WriteString(p.Text)
		b.WriteByte('\n')
	}
	return b.String()
}
