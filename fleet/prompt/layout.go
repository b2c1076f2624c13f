package prompt

import (
	"slices"
	"strings"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/passage"
)

// layout is a prompt with files in the making.
type layout struct {
	Chat
	shown map[[2]string]bool // images, see pictures
	per   int                // tokens that one is taken to need
	texts []File             // files that have one
	rule  string             // Rule, if no system prompt has it
	bare  []Turn             // with no more of a text than its file's name

	passages []passage.Passage // of all texts
	of       []int             // text of each passage
	first    []int             // first passage of each text
	hits     []passage.Hit     // passages that fit the question, the best first
}

// whole returns a prompt in which all texts stand where they were sent, if that is
// possible: they need at most half of what pictures leave, and nothing has to go.
func (l *layout) whole(room int, count Counter) (turns []Turn, size int, ok bool) {
	bytes := 0
	for _, f := range l.texts {
		if slices.Contains(l.Before, f.ID) {
			return nil, 0, false
		}
		for _, p := range f.Text.Passages {
			bytes += len(p.Text)
		}
	}
	if bytes/CharsPerToken > (room-l.per*len(l.shown))/2 {
		return nil, 0, false
	}
	turns = l.turns(true)
	if first := slices.IndexFunc(turns, func(t Turn) bool { return t.Role == string(chat.User) }); first >= 0 {
		turns[first].Files = l.rule + turns[first].Files
	}
	if Size(turns) > room {
		return nil, 0, false
	}
	size, known := counted(turns, count)
	if !known {
		size = Size(turns)
	}
	return turns, size, size <= room
}

// turns are those of the thread; whole says that texts stand where they were sent.
func (l *layout) turns(whole bool) []Turn {
	seen := map[string]bool{}
	return turnsOf(l.System, l.Thread, func(m chat.Message) (t Turn) {
		for _, a := range m.Attachments {
			f, there := l.Files[a.ID]
			switch {
			case l.shown[[2]string{m.ID, a.ID}]:
				t.Pictures = append(t.Pictures, f.Picture)
				t.PictureTokens += l.per
				t.Files += note("image", a.Name, "")
			case there && f.Text != nil && whole && !seen[a.ID]:
				seen[a.ID] = true
				t.Files += enclose(f, f.Text.Passages, true)
			default:
				t.Files += l.mention(a, f, there)
			}
		}
		return t
	})
}

// mention names a file that isn't shown where it was sent.
func (l *layout) mention(a file.Attachment, f File, there bool) string {
	switch {
	case !there:
		return note("file", a.Name, " was deleted")
	case a.Kind == file.Image && !l.Sees:
		return note("image", a.Name, ", which you can't see")
	case a.Kind == file.Image && (f.Skipped || f.Picture != ""):
		return note("image", a.Name, ", which isn't shown any more")
	case f.Skipped:
		return note("file", a.Name, ", which isn't shown any more")
	case a.Kind == file.Image:
		return note("image", a.Name, ", which can't be read")
	case f.Text == nil:
		return note("file", a.Name, ", which can't be read")
	}
	return note("file", a.Name, "")
}

func note(what, name, more string) string {
	return "[" + what + " “" + nameOf(name) + "”" + more + "]\n\n"
}

// rank looks for what fits the question.
func (l *layout) rank() {
	for i, f := range l.texts {
		l.first = append(l.first, len(l.passages))
		l.passages = append(l.passages, f.Text.Passages...)
		l.of = append(l.of, slices.Repeat([]int{i}, len(f.Text.Passages))...)
	}
	l.hits = passage.Rank(l.passages, l.Thread[len(l.Thread)-1].Text, maxPassages)
}

// some makes a prompt of about room tokens with passages before the question.
func (l *layout) some(room int) []Turn {
	turns := slices.Clone(l.bare)
	last := &turns[len(turns)-1]
	last.Files = l.rule + last.Files
	share := min(max(room-Size(l.bare), room/4), room/2, maxPassages)
	share = min(share, room-Size(turns[len(turns)-1:])-Estimate(len(l.System)))
	last.Files += l.show(l.choose(share * CharsPerToken))
	return shrink(turns, room)
}

// choose picks passages of so many bytes in all: those that fit the question best,
// then the beginnings of the files.
func (l *layout) choose(left int) (picked []bool) {
	picked = make([]bool, len(l.passages))
	begun := make([]bool, len(l.texts))
	pick := func(i int) {
		cost := l.cost(i, begun[l.of[i]])
		if !picked[i] && cost <= left {
			picked[i], begun[l.of[i]] = true, true
			left -= cost
		}
	}
	for _, h := range l.hits {
		pick(h.At)
	}
	for nth, more := 0, true; more; nth++ {
		more = false
		for i, f := range l.texts {
			if nth < len(f.Text.Passages) {
				pick(l.first[i] + nth)
				more = true
			}
		}
	}
	return picked
}

// cost is at most what a passage takes in bytes.
func (l *layout) cost(i int, begun bool) int {
	const place, marks = 24, 96 // what stands around a passage and around a file, without names
	name := min(len(l.texts[l.of[i]].Name), 4*longestName)
	cost := len(l.passages[i].Text) + name + place
	if !begun {
		cost += name + marks
	}
	return cost
}

// show returns the picked passages, by file and in the order of the file.
func (l *layout) show(picked []bool) string {
	var b strings.Builder
	for i, f := range l.texts {
		var some []passage.Passage
		for k, p := range f.Text.Passages {
			if picked[l.first[i]+k] {
				some = append(some, p)
			}
		}
		if len(some) > 0 {
			b.WriteString(enclose(f, some, len(some) == len(f.Text.Passages)))
		}
	}
	return b.String()
}
