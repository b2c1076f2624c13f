package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/shared/file"
	"parley/shared/object"
	"parley/shared/store"
)

// userState is all that is known of one user's files.
type userState struct {
	user      string
	totals    store.Totals
	dialogues map[string]int64 // bytes by chat
	files     map[string]store.Counted
	attached  []store.Attached
	incoming  []object.Object
}

func newUserState(user string) *userState {
	return &userState{user: user, totals: store.Totals{User: user}, dialogues: map[string]int64{}, files: map[string]store.Counted{}}
}

func (s *userState) add(n userNote) {
	switch {
	case n.Totals != nil:
		s.totals = *n.Totals
	case n.Dialogue != nil:
		s.dialogues[n.Dialogue.Chat] = n.Dialogue.Bytes
	case n.File != nil:
		s.files[n.File.ID] = *n.File
	case n.Attached != nil:
		s.attached = append(s.attached, *n.Attached)
	case n.Incoming != nil:
		s.incoming = append(s.incoming, *n.Incoming)
	}
}

// differences judges it.
func (s *userState) differences(old func(time.Time) bool) []Difference {
	all := slices.Concat(s.places(), s.sums(), s.ends(old), s.leftovers(old))
	for i := range all {
		all[i].User = s.user
	}
	return all
}

// places judges which files are attached to which chats.
func (s *userState) places() (all []Difference) {
	room, chats := map[string]int64{}, map[string]int{}
	for _, a := range s.attached {
		room[a.Chat] += a.Bytes
		chats[a.File]++
		if _, ok := s.files[a.File]; !ok {
			all = append(all, Difference{Kind: NoFile, Chat: a.Chat, File: a.File, Detail: fmt.Sprintf("takes %d bytes", a.Bytes)})
		}
	}
	for chat, bytes := range s.dialogues {
		if bytes != room[chat] {
			all = append(all, Difference{Kind: WrongRoom, Chat: chat, Detail: fmt.Sprintf("counts %d bytes, its files have %d", bytes, room[chat])})
		}
	}
	for id, f := range s.files {
		if f.Chats != chats[id] && f.Status != file.Deleted {
			all = append(all, Difference{Kind: WrongChats, File: id, Detail: fmt.Sprintf("says %d chats, is attached to %d", f.Chats, chats[id])})
		}
	}
	return all
}

// sum is what a user's files count for.
func (s *userState) sum() (bytes int64, open int) {
	for _, f := range s.files {
		bytes += f.Bytes
		if f.Open {
			open++
		}
	}
	return bytes, open
}

func (s *userState) sums() []Difference {
	bytes, open := s.sum()
	if bytes == s.totals.Bytes && open == s.totals.Open {
		return nil
	}
	return []Difference{{Kind: WrongTotals, Detail: fmt.Sprintf("counts %d bytes and %d open uploads, the files have %d and %d",
		s.totals.Bytes, s.totals.Open, bytes, open)}}
}

// again is how long a removal that has to wait may be away, by the queue's time-out.
const again = 15 * time.Minute

// ends judges files that should have come to one. When a file was deleted isn't
// written down; that it still is there after Settle tells.
func (s *userState) ends(old func(time.Time) bool) (all []Difference) {
	for id, f := range s.files {
		switch {
		case f.Status == file.Deleted && !f.Rests.IsZero() && !old(f.Rests.Add(again)):
		case f.Status == file.Deleted:
			all = append(all, Difference{Kind: Tombstone, File: id, SHA: f.SHA256, Detail: "deleted, but not removed"})
		case f.Status == file.Processing && old(f.CreatedAt):
			all = append(all, Difference{Kind: Stuck, File: id, SHA: f.SHA256, Detail: fmt.Sprintf("stage %q since long, begun %d times", f.Stage, f.Tries)})
		}
	}
	return all
}

// leftovers judges what was sent and still lies as it came.
func (s *userState) leftovers(old func(time.Time) bool) (all []Difference) {
	for _, o := range s.incoming {
		f, ok := s.files[o.File.ID]
		under := ok && (f.Status == file.Processing || f.Status == file.Uploading && !old(f.ExpiresAt))
		if under || !old(o.Since) {
			continue
		}
		state := "none"
		if ok {
			state = string(f.Status)
		}
		all = append(all, Difference{Kind: Leftover, File: o.File.ID, Key: o.Key, Detail: fmt.Sprintf("%d bytes of a file that is %s", o.Size, state)})
	}
	return all
}

func (r *run) judgeUsers(ctx context.Context, shard int) error {
	states := map[string]*userState{}
	err := r.users.each(shard, func(n userNote) {
		if states[n.User] == nil {
			states[n.User] = newUserState(n.User)
		}
		states[n.User].add(n)
	})
	if err != nil {
		return err
	}
	for _, s := range states {
		r.say("comparing")
		if err := r.judgeUser(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// judgeUser goes on as long as repairs bring something else to light: a tombstone
// that is removed changes what is counted.
func (r *run) judgeUser(ctx context.Context, s *userState) error {
	var told []Difference
	for range 3 {
		seem := slices.DeleteFunc(s.differences(r.old), func(d Difference) bool { return slices.Contains(told, d) })
		if len(seem) == 0 {
			return nil
		}
		var now *userState
		err := r.judge(ctx, seem,
			func(ctx context.Context) (_ []Difference, err error) {
				now, err = r.lookAtUser(ctx, s.user)
				return now.differences(r.old), err
			},
			func(ctx context.Context, d Difference) error { return r.mendUser(ctx, now, d) })
		told = append(told, seem...)
		if err != nil || !r.Repair {
			return err
		}
		if s, err = r.lookAtUser(ctx, s.user); err != nil {
			return err
		}
	}
	return nil
}

// lookAtUser reads everything of one user again.
func (r *run) lookAtUser(ctx context.Context, user string) (*userState, error) {
	now := newUserState(user)
	err := r.Files.User(ctx, user, func(row store.Row) error {
		now.add(userNote{Totals: row.Totals, Dialogue: row.Dialogue, File: row.File, Attached: row.Attached})
		return nil
	})
	if err != nil {
		return now, err
	}
	return now, r.Bucket.IncomingOf(ctx, user, func(o object.Object) error {
		now.incoming = append(now.incoming, o)
		return nil
	})
}

func (r *run) mendUser(ctx context.Context, s *userState, d Difference) error {
	files := r.Files
	switch d.Kind {
	case WrongTotals:
		bytes, open := s.sum()
		return files.SetTotals(ctx, s.totals, bytes, open)
	case WrongRoom:
		return files.SetDialogue(ctx, store.Dialogue{User: s.user, Chat: d.Chat, Bytes: s.dialogues[d.Chat]}, s.room(d.Chat))
	case WrongChats:
		return files.SetChats(ctx, s.files[d.File], s.chats(d.File))
	case NoFile:
		return files.Unplace(ctx, s.place(d))
	case Tombstone:
		return r.Remover.File(ctx, s.user, d.File, d.SHA)
	case Stuck:
		return r.again(ctx, s, d.File)
	case Leftover:
		return r.Bucket.Discard(ctx, file.File{User: s.user, ID: d.File})
	}
	return errForPeople
}

// again has a file processed whose turn was lost. Processing it twice does no harm.
func (r *run) again(ctx context.Context, s *userState, fileID string) error {
	for _, o := range s.incoming {
		if o.File.ID == fileID && o.Versions > 0 {
			return r.Again(ctx, s.files[fileID].File, o.Key)
		}
	}
	return errNothingSent
}

func (s *userState) room(chat string) (bytes int64) {
	for _, a := range s.attached {
		if a.Chat == chat {
			bytes += a.Bytes
		}
	}
	return bytes
}

func (s *userState) chats(fileID string) (n int) {
	for _, a := range s.attached {
		if a.File == fileID {
			n++
		}
	}
	return n
}

// place is the row that a Difference of the kind NoFile is about.
func (s *userState) place(d Difference) store.Attached {
	for _, a := range s.attached {
		if a.File == d.File && a.Chat == d.Chat {
			return a
		}
	}
	return store.Attached{User: s.user, Chat: d.Chat, File: d.File}
}
