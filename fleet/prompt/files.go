package prompt

import (
	"slices"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/passage"
)

// Bounds of what is shown of files.
const (
	MaxPictures = 16   // newest images of a thread
	maxPassages = 8192 // tokens of passages; more cost time in each turn, and lead astray
)

// File is a file that was sent, as far as it could be had.
type File struct {
	file.File
	Text    *passage.Document // nil: it has none that can be read
	Picture string            // URL (data:) of an image as models get it
	Skipped bool              // it wasn't read, for newer ones
}

// Chat is what a prompt is made of.
type Chat struct {
	System string
	Thread []chat.Message  // ends with the question
	Before []string        // ids of files that were sent before the thread begins, oldest first
	Files  map[string]File // by id, those of the thread and before; one that isn't here was deleted
	Sees   bool            // the model takes pictures
}

// Fit makes a prompt of at most room tokens and returns it with its size. Whatever
// is too long, the system prompt and both ends of the question stay.
func (c Chat) Fit(room int, count Counter) ([]Turn, int) {
	if len(c.Files) == 0 && !slices.ContainsFunc(c.Thread, func(m chat.Message) bool { return len(m.Attachments) > 0 }) {
		return Fit(Turns(c.System, c.Thread), room, count)
	}
	l := layout{Chat: c, shown: c.pictures(room), per: min(PerPicture, room/2), texts: c.readable()}
	if c.System == "" {
		l.rule = Rule + "\n\n" // some chat templates take no system prompt
	} else {
		l.System = joined(c.System, Rule)
	}
	if turns, size, ok := l.whole(room, count); ok {
		return turns, size
	}
	l.bare = l.turns(false)
	l.rank()
	return fit(room, count, l.some)
}

// pictures chooses the images that are shown: the newest ones that have room in half
// of the prompt, at least one. Images are named by message and file.
func (c Chat) pictures(room int) map[[2]string]bool {
	shown := map[[2]string]bool{}
	if !c.Sees {
		return shown
	}
	most := min(MaxPictures, max(1, room/2/PerPicture))
	for _, m := range slices.Backward(c.Thread) {
		for _, a := range slices.Backward(m.Attachments) {
			if c.Files[a.ID].Picture != "" && len(shown) < most {
				shown[[2]string{m.ID, a.ID}] = true
			}
		}
	}
	return shown
}

// readable returns the files that have a text, in the order in which they were sent.
func (c Chat) readable() (files []File) {
	ids := slices.Clone(c.Before)
	for _, m := range c.Thread {
		for _, a := range m.Attachments {
			if !slices.Contains(ids, a.ID) {
				ids = append(ids, a.ID)
			}
		}
	}
	for _, id := range ids {
		if f := c.Files[id]; f.Text != nil {
			files = append(files, f)
		}
	}
	return files
}
