//go:build service

package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// counter is a desk where files are attached, and a look at what is counted of them.
type counter struct {
	*desk
	db    *dynamodb.Client
	table string

	meanwhile func() // what happens when files have been read, if not nil; once
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	d := newDesk(t)
	c := &counter{desk: d, db: storetest.Client(t)}
	c.table = storetest.Table(t, c.db, "files")
	d.chats = d.chats.WithFiles(c.table)
	d.Sender.Store, d.Sender.Files = d.chats, c
	return c
}

// Offered makes the counter its sender's reader of files.
func (c *counter) Offered(ctx context.Context, s chat.Sending) ([]chat.Offered, error) {
	found, err := c.chats.Offered(ctx, s)
	if meanwhile := c.meanwhile; meanwhile != nil {
		c.meanwhile = nil
		meanwhile()
	}
	return found, err
}

// file gives a user a file of that size and returns its id.
func (c *counter) file(t *testing.T, user string, size int64, status file.Status) string {
	t.Helper()
	name := id.New(time.Now())
	c.put(t, user, "F#"+name, map[string]types.AttributeValue{"st": s(string(status)), "n": s("notes.txt"),
		"s": n(size), "t": s("text/plain"), "k": s("text"), "v": n(1)})
	return name
}

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v int64) types.AttributeValue  { return &types.AttributeValueMemberN{Value: fmt.Sprint(v)} }

func (c *counter) put(t *testing.T, user, sk string, row map[string]types.AttributeValue) {
	t.Helper()
	row["PK"], row["SK"] = s("U#"+user), s(sk)
	if _, err := c.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &c.table, Item: row}); err != nil {
		t.Fatal(err)
	}
}

// remove does what the removal of an attached file does.
func (c *counter) remove(t *testing.T, name string) {
	t.Helper()
	for sk := range c.counts(t) {
		if strings.Contains(sk, name) {
			_, err := c.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &c.table, Key: map[string]types.AttributeValue{"PK": s("U#" + c.user), "SK": s(sk)}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// counts returns what the user's rows of files count: chats of files, bytes of
// attachments and of chats.
func (c *counter) counts(t *testing.T) map[string]string {
	t.Helper()
	out, err := c.db.Query(t.Context(), &dynamodb.QueryInput{TableName: &c.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": s("U#" + c.user)}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, it := range out.Items {
		sk, counted := it["SK"].(*types.AttributeValueMemberS).Value, "n"
		if strings.HasPrefix(sk, "F#") {
			counted = "ac"
		}
		found[sk] = "0"
		if v, ok := it[counted].(*types.AttributeValueMemberN); ok {
			found[sk] = v.Value
		}
	}
	return found
}

func (c *counter) expect(t *testing.T, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, c.counts(t)); diff != "" {
		t.Errorf("files count (-want +got)\n%s", diff)
	}
}

func TestAFileIsCountedOncePerChat(t *testing.T) {
	c := newCounter(t)
	f, g := c.file(t, c.user, 100, file.Ready), c.file(t, c.user, 30, file.Ready)
	first := c.mustAsk(t, chat.Question{Text: "one", Attachments: []string{f}})
	c.answer(t, first, "1")
	second := c.mustAsk(t, chat.Question{Chat: first.Chat, Text: "two", Attachments: []string{g, f}})
	c.answer(t, second, "2")
	edit := c.mustAsk(t, chat.Question{Chat: first.Chat, Parent: first.Chat, Text: "two", Attachments: []string{f}})
	c.answer(t, edit, "3")
	other := c.mustAsk(t, chat.Question{Text: "three", Attachments: []string{f}})
	c.expect(t, map[string]string{"F#" + f: "2", "F#" + g: "1",
		"A#" + first.Chat + "#" + f: "100", "A#" + first.Chat + "#" + g: "30", "D#" + first.Chat: "130",
		"A#" + other.Chat + "#" + f: "100", "D#" + other.Chat: "100"})
	shown := file.Attachment{ID: f, Name: "notes.txt", ContentType: "text/plain", Size: 100, Kind: file.Text}
	also := shown
	also.ID, also.Size = g, 30
	page := c.history(t, first.Chat)
	for i, want := range map[int][]file.Attachment{0: {shown}, 1: nil, 2: {also, shown}, 3: nil, 4: {shown}} {
		if diff := cmp.Diff(want, page[i].Attachments); diff != "" {
			t.Errorf("message %d shows %s", i, diff)
		}
	}
	again, err := c.Regenerate(t.Context(), c.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), first.Chat, edit.Reply, "")
	if err != nil {
		t.Fatal(err)
	}
	recent, err := c.chats.Recent(t.Context(), chat.Ref{User: c.user, Chat: first.Chat, Message: again.Question}, 1)
	if err != nil || len(recent) == 0 || len(recent[len(recent)-1].Attachments) != 1 {
		t.Errorf("the worker sees %+v, %v", recent, err)
	}
}

// One key is one sending, and its files are counted once, however many tries race.
func TestOneKeyAttachesOnce(t *testing.T) {
	c := newCounter(t)
	f, g := c.file(t, c.user, 100, file.Ready), c.file(t, c.user, 30, file.Ready)
	first := c.mustAsk(t, chat.Question{Text: "one", Attachments: []string{g}})
	c.answer(t, first, "1")
	for _, q := range []chat.Question{{Text: "new", Key: "k1", Attachments: []string{f}}, {Chat: first.Chat, Text: "more", Key: "k2", Attachments: []string{f, g}}} {
		var wg sync.WaitGroup
		replies := make([]string, 20)
		for i := range replies {
			wg.Go(func() {
				r, err := c.ask(t.Context(), q)
				for ; code(err) == "reply_in_progress"; r, err = c.ask(t.Context(), q) {
				}
				if err != nil {
					t.Error(err)
				}
				replies[i] = r.Chat + r.Reply
			})
		}
		wg.Wait()
		for _, r := range replies {
			if r != replies[0] {
				t.Errorf("replies %s and %s", r, replies[0])
			}
		}
	}
	var sum, chats int
	for sk, v := range c.counts(t) {
		switch {
		case strings.HasPrefix(sk, "D#"):
			chats++
		case sk == "F#"+f && v != "2", sk == "F#"+g && v != "1":
			t.Errorf("%s counts %s chats", sk, v)
		case strings.HasPrefix(sk, "A#"):
			sum++
		}
	}
	if sum != 3 || chats != 2 {
		t.Errorf("%d attachments in %d chats", sum, chats)
	}
}

// The same file goes into many chats at once: each counts, and none twice.
func TestManyChatsTakeOneFile(t *testing.T) {
	c := newCounter(t)
	f := c.file(t, c.user, 100, file.Ready)
	var wg sync.WaitGroup
	var accepted atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			q := chat.Question{Text: "hi", Key: fmt.Sprint("k", i), Attachments: []string{f}}
			_, err := c.ask(t.Context(), q)
			for ; code(err) == "unavailable"; _, err = c.ask(t.Context(), q) { // so many at one row may pass what one try waits for
			}
			if err != nil {
				t.Error(err)
				return
			}
			accepted.Add(1)
		})
	}
	wg.Wait()
	counts := c.counts(t)
	if accepted.Load() != 20 || counts["F#"+f] != "20" || len(counts) != 1+2*20 {
		t.Errorf("%d accepted, counts %v", accepted.Load(), counts)
	}
}

func TestAChatHasRoomForSoMuch(t *testing.T) {
	c := newCounter(t)
	first := c.mustAsk(t, chat.Question{Text: "one", Attachments: []string{c.file(t, c.user, file.MaxDialogue-10, file.Ready)}})
	c.answer(t, first, "1")
	before := c.counts(t)
	f, g := c.file(t, c.user, 6, file.Ready), c.file(t, c.user, 5, file.Ready)
	before["F#"+f], before["F#"+g] = "0", "0"
	if _, err := c.ask(t.Context(), chat.Question{Chat: first.Chat, Text: "two", Attachments: []string{f, g}}); code(err) != "dialogue_full" {
		t.Errorf("one byte too much: %v", err)
	}
	c.expect(t, before)
	var wg sync.WaitGroup
	var accepted atomic.Int32
	for i := range 20 { // files of 6 and 5 bytes race for 10
		wg.Go(func() {
			_, err := c.ask(t.Context(), chat.Question{Chat: first.Chat, Text: "three", Attachments: []string{[]string{f, g}[i%2]}})
			switch code(err) {
			case "":
				accepted.Add(1)
			case "reply_in_progress", "dialogue_full", "unavailable":
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counts := c.counts(t)
	if room := counts["D#"+first.Chat]; accepted.Load() != 1 || room != fmt.Sprint(file.MaxDialogue-10+6) && room != fmt.Sprint(file.MaxDialogue-10+5) {
		t.Errorf("%d accepted, %s bytes in the chat", accepted.Load(), room)
	}
	if used, err := c.chats.Used(t.Context(), c.user, quota.Hour(c.now)); err != nil || used != 2 {
		t.Errorf("%d messages were counted, %v", used, err)
	}
}

// What isn't there and what is another's are refused alike, and write nothing.
func TestAnothersFileIsUnknown(t *testing.T) {
	c := newCounter(t)
	theirs := c.file(t, id.New(time.Now()), 1, file.Ready)
	said := map[string]bool{}
	for _, f := range []string{theirs, id.New(time.Now())} {
		_, err := c.ask(t.Context(), chat.Question{Text: "hi", Key: "k", Attachments: []string{f}})
		if err == nil {
			t.Fatal("accepted")
		}
		said[fmt.Sprintf("%+v", err)] = true
	}
	if len(said) != 1 {
		t.Errorf("they are told apart: %v", said)
	}
	if used, err := c.chats.Used(t.Context(), c.user, quota.Hour(c.now)); err != nil || used != 0 || len(c.counts(t)) > 0 {
		t.Errorf("%d messages were counted, %v", used, err)
	}
	if r := c.mustAsk(t, chat.Question{Text: "hi", Key: "k"}); r.Replayed {
		t.Error("the key was spent on nothing")
	}
}

// Files change between the look at them and the transaction.
func TestFilesThatMoveMeanwhile(t *testing.T) {
	for name, step := range map[string]struct {
		meanwhile func(c *counter, f, chatID string)
		code      string
		chats     string // that have the file then; empty: it is gone
	}{
		"deleted": {func(c *counter, f, _ string) { c.remove(t, f) }, "unknown_file", ""},
		"marked as deleted": {func(c *counter, f, _ string) {
			c.put(t, c.user, "F#"+f, map[string]types.AttributeValue{"st": s("deleted")})
		}, "unknown_file", "0"},
		"attached by its upload": {func(c *counter, f, chatID string) {
			c.put(t, c.user, "A#"+chatID+"#"+f, map[string]types.AttributeValue{"n": n(7)})
			c.put(t, c.user, "D#"+chatID, map[string]types.AttributeValue{"n": n(7)})
			c.put(t, c.user, "F#"+f, map[string]types.AttributeValue{"st": s("ready"), "s": n(7), "ac": n(1)})
		}, "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			first := c.mustAsk(t, chat.Question{Text: "one"})
			c.answer(t, first, "1")
			f := c.file(t, c.user, 7, file.Ready)
			c.meanwhile = func() { step.meanwhile(c, f, first.Chat) }
			_, err := c.ask(t.Context(), chat.Question{Chat: first.Chat, Text: "two", Key: "k", Attachments: []string{f}})
			if code(err) != step.code {
				t.Fatal(err)
			}
			counts := c.counts(t)
			if counts["F#"+f] != step.chats || step.code == "" && counts["D#"+first.Chat] != "7" || step.code != "" && counts["D#"+first.Chat] != "" {
				t.Errorf("counts %v", counts)
			}
			if used, err := c.chats.Used(t.Context(), c.user, quota.Hour(c.now)); err != nil || used != len(c.prompts) {
				t.Errorf("%d messages were counted, %d sent, %v", used, len(c.prompts), err)
			}
		})
	}
}

// What the queue did not get attaches nothing; what was attached before stays.
func TestUndoTakesFilesBack(t *testing.T) {
	for name, gone := range map[string]bool{"all are there": false, "one is deleted meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			old, fresh, brief := c.file(t, c.user, 100, file.Ready), c.file(t, c.user, 30, file.Ready), c.file(t, c.user, 4, file.Ready)
			first := c.mustAsk(t, chat.Question{Text: "one", Attachments: []string{old}})
			c.answer(t, first, "1")
			want := c.counts(t)
			for _, q := range []chat.Question{{Text: "new", Key: "a"}, {Chat: first.Chat, Text: "more", Key: "b"}} {
				q.Attachments = []string{brief, old, fresh}
				if gone {
					brief = c.file(t, c.user, 4, file.Ready)
					q.Attachments[0] = brief
				}
				c.before = func() error {
					if gone {
						c.remove(t, brief)
						if q.Chat != "" { // its removal gives the room back
							c.put(t, c.user, "D#"+q.Chat, map[string]types.AttributeValue{"n": n(130)})
						}
					}
					return errDown
				}
				if _, err := c.ask(t.Context(), q); !errors.Is(err, errDown) || code(err) == "unavailable" {
					t.Fatal(err)
				}
				c.expect(t, want)
			}
			if used, err := c.chats.Used(t.Context(), c.user, quota.Hour(c.now)); err != nil || used != 1 {
				t.Errorf("%d messages were counted, %v", used, err)
			}
			if r := c.mustAsk(t, chat.Question{Chat: first.Chat, Text: "more", Key: "b", Attachments: []string{fresh}}); r.Replayed {
				t.Error("the key was spent on nothing")
			}
		})
	}
}

// A retry goes on with the files of its first try, also when one of them is gone.
func TestARetryGoesOnWithoutAFileThatIsGone(t *testing.T) {
	c := newCounter(t)
	f, g := c.file(t, c.user, 100, file.Ready), c.file(t, c.user, 30, file.Ready)
	q := chat.Question{Text: "one", Key: "k", Attachments: []string{f, g}}
	first := c.mustAsk(t, q)
	ref := map[string]types.AttributeValue{"PK": s("U#" + c.user), "SK": s("M#" + first.Chat + "#" + first.Question)}
	if _, err := c.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(c.desk.table), Key: ref}); err != nil { // as if it had died before it was written
		t.Fatal(err)
	}
	c.remove(t, f)
	again := c.mustAsk(t, q)
	if !again.Replayed || again.Reply != first.Reply {
		t.Errorf("%+v after %+v", again, first)
	}
	page := c.history(t, first.Chat)
	if got := page[0].Attachments; len(got) != 2 || got[0].ID != f || got[1].Name != "notes.txt" {
		t.Errorf("the question has %+v", got)
	}
	c.expect(t, map[string]string{"F#" + g: "1", "A#" + first.Chat + "#" + g: "30", "D#" + first.Chat: "130"})
}

// Uploads that name a chat and a message that brings a file race for its last bytes.
func TestUploadsAndMessagesShareAChatsRoom(t *testing.T) {
	c := newCounter(t)
	files := store.NewFiles(c.db, c.table, c.desk.table)
	first := c.mustAsk(t, chat.Question{Text: "one", Attachments: []string{c.file(t, c.user, file.MaxDialogue-10, file.Ready)}})
	c.answer(t, first, "1")
	f := c.file(t, c.user, 4, file.Ready)
	var wg sync.WaitGroup
	expected := func(err error) {
		if got := code(err); got != "" && got != "dialogue_full" && got != "reply_in_progress" && got != "unavailable" {
			t.Error(err)
		}
	}
	for i := range 12 {
		wg.Go(func() {
			if i%3 > 0 {
				expected(files.Create(t.Context(), file.File{ID: id.New(time.Now()), User: c.user, Chat: first.Chat, Name: "new.txt", Size: 3,
					SHA256: strings.Repeat("0", 64), Status: file.Uploading, CreatedAt: c.now, ExpiresAt: c.now.Add(time.Hour)}, 1<<40))
				return
			}
			_, err := c.ask(t.Context(), chat.Question{Chat: first.Chat, Text: "two", Attachments: []string{f}})
			expected(err)
		})
	}
	wg.Wait()
	var sum int64
	counts := c.counts(t)
	for sk, v := range counts {
		if strings.HasPrefix(sk, "A#") {
			sum += whole(t, v)
		}
	}
	if room := whole(t, counts["D#"+first.Chat]); room != sum || room > file.MaxDialogue || room < file.MaxDialogue-7 {
		t.Errorf("the chat counts %d bytes, its files have %d", room, sum)
	}
}

func whole(t *testing.T, v string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
