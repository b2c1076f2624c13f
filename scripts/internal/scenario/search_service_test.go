//go:build service

package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"parley/scripts/internal/client"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/search"
	"parley/shared/store"
)

// tongue is a question in one language, and what finds it.
type tongue struct {
	question string
	finds    []string // another form of a word, a phrase, a beginning
}

// tongues are questions of which no two share a word that a query below has. Their
// first words come back in the answers of the engine, so no query has these.
var tongues = map[string]tongue{
	"en": {"Could you list lighthouses that painters visited?", []string{"lighthouse", `"painters visited"`, "paint*"}},
	"ru": {"Какие интересные книги написаны о кораблях?", []string{"книга", `"написаны о кораблях"`, "корабл*"}},
	"es": {"Dime qué canciones cantaban los pescadores gallegos", []string{"canción", `"los pescadores"`, "galleg*"}},
	"pt": {"Quais são as estações ferroviárias abandonadas?", []string{"estação", `"ferroviárias abandonadas"`, "abandonad*"}},
	"fr": {"Quelles montagnes enneigées dominent la vallée?", []string{"montagne", `"la vallée"`, "ennei*"}},
	"de": {"Welche Häuser stehen in der alten Gasse?", []string{"haus", `"alten gasse"`, "gass*"}},
	"hi": {"कृपया पुरानी किताबें दिखाइए", []string{"किताब", `"किताबें दिखाइए"`, "किता*"}},
	"id": {"Tolong jelaskan makanan yang disukai oleh para nelayan", []string{"makan", `"oleh para"`, "nelay*"}},
	"zh": {"请问故宫博物院几点开门", []string{"博物院", `"几点开门"`, "故宫"}},
	"ja": {"昨日の京都の紅葉は美しかった", []string{"紅葉", `"京都の紅葉"`, "京都"}},
	"ko": {"오늘 한국어를 공부합니다", []string{"한국어", `"한국어를 공부합니다"`, "공부"}},
}

// TestSearchingAHistory is what people do with search: chats in many languages are
// found by forms of words, phrases, beginnings and what stands in files, before they are
// indexed and, among a hundred, after; what comes later is found at once, what is deleted
// no more, and nobody else finds any of it. What is lost, a file's text or the index, is
// done without.
func TestSearchingAHistory(t *testing.T) {
	ada := newVisitor(t)
	ada.unlimited(t)
	eyes := startSeeing(t)
	chats := ada.asksAll(t, eyes.model, tongueQuestions())
	note := ada.send(t, "harbour-notes.txt", "", []byte("Minutes of the harbour board. The dredger Marguerite arrives in October."))
	filed, _ := ask(t, ada.Client, client.Question{Text: "Please summarize.", Model: eyes.model, Attachments: []string{note.ID}})
	ada.findsAll(t, "before it is indexed", 1, chats, filed.Chat)
	ada.asksAll(t, eyes.model, topicQuestions())
	book, blank := ada.losesText(t, eyes)
	ada.findsBlank(t, blank.Chat) // the emulator takes seconds to read a hundred chats

	ada.indexed(t, blank.Reply)
	ada.losesSegment(t)
	ada.findsAll(t, "after it is indexed", 3, chats, filed.Chat)

	later, _ := ask(t, ada.Client, client.Question{Text: "Where do cormorants nest?", Model: eyes.model})
	if got := ada.find(t, "cormorant"); len(got.Hits) != 1 || got.Hits[0].Message != later.Message {
		t.Errorf("what was said a moment ago: %+v", got)
	}
	if got := ada.find(t, "cormorant*", by(chat.Assistant)); len(got.Hits) != 0 {
		t.Errorf("the engine never said cormorants: %+v", got.Hits)
	}
	ada.pages(t)
	ada.goesOn(t, eyes, blank.Chat, book)

	if err := ada.Delete(t.Context(), chats["ru"]); err != nil {
		t.Fatal(err)
	}
	if got := ada.find(t, "книга"); len(got.Hits) != 0 {
		t.Errorf("a deleted chat is found: %+v", got.Hits)
	}
	bob := newVisitor(t)
	for _, query := range []string{"lighthouse", "книга", "Marguerite", "topic"} {
		if got := bob.find(t, query); len(got.Hits) != 0 || got.Total != 0 {
			t.Errorf("somebody else finds %s: %+v", query, got)
		}
	}
	if got := bob.find(t, "lighthouse", in(chats["en"])); len(got.Hits) != 0 {
		t.Errorf("somebody else finds in a chat that isn't theirs: %+v", got)
	}
}

// tongueQuestions are those of the tongues, by their names.
func tongueQuestions() map[string]string {
	questions := map[string]string{}
	for name, one := range tongues {
		questions[name] = one.question
	}
	return questions
}

// topics is how many more chats make a hundred.
var topics = 100 - len(tongues)

func topicQuestions() map[string]string {
	questions := map[string]string{}
	for i := range topics {
		questions[fmt.Sprint(i)] = fmt.Sprintf("Explain topic number %d with an example.", i)
	}
	return questions
}

// asksAll asks each question in a chat of its own and waits for the answers. It returns
// the chats by the questions' names.
func (v *visitor) asksAll(t *testing.T, model string, questions map[string]string) map[string]string {
	t.Helper()
	ids := make(chan [2]string, len(questions)) // names and chats
	var g errgroup.Group
	g.SetLimit(4)
	for name, question := range questions {
		g.Go(func() error {
			a, err := v.Send(t.Context(), client.Question{Text: question, Model: model})
			if err != nil {
				return err
			}
			ids <- [2]string{name, a.Chat}
			return v.done(t, a)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	close(ids)
	chats := map[string]string{}
	for pair := range ids {
		chats[pair[0]] = pair[1]
	}
	return chats
}

// done waits for an answer. A worker of another engine may get its prompt first, again
// and again, and give it back.
func (v *visitor) done(t *testing.T, a client.Accepted) error {
	for range 8 {
		m, err := v.Wait(t.Context(), a.Chat, a.Reply, 20*time.Second)
		if err != nil || m.Status == chat.Done {
			return err
		}
		if m.Status.Ended() {
			return fmt.Errorf("an answer is %s", m.Status)
		}
	}
	return errors.New("an answer doesn't end")
}

// findsAll asks for everything, for each tongue in so many ways.
func (v *visitor) findsAll(t *testing.T, when string, ways int, chats map[string]string, filed string) {
	t.Helper()
	for name, one := range tongues {
		for _, query := range one.finds[:ways] {
			got := v.find(t, query, by(chat.User))
			if len(got.Hits) != 1 || got.Hits[0].Chat != chats[name] || got.Partial {
				t.Errorf("%s, %s: %+v", when, query, got)
				continue
			}
			if h := got.Hits[0]; len(h.Highlights) == 0 || h.Role != chat.User || h.Title == "" {
				t.Errorf("%s, %s: %+v", when, query, h)
			}
		}
	}
	if got := v.find(t, "dredger marguerite"); len(got.Hits) != 1 || got.Hits[0].Chat != filed || got.Hits[0].In != "file" || got.Hits[0].File.Name != "harbour-notes.txt" {
		t.Errorf("%s, what stands in a file: %+v", when, got)
	}
	if got := v.find(t, "harbour", withFile); len(got.Hits) == 0 || slices.ContainsFunc(got.Hits, func(h search.Hit) bool { return h.Chat != filed }) {
		t.Errorf("%s, a file's name: %+v", when, got)
	}
	if got := v.find(t, "lighthuose"); len(got.Hits) != 1 || got.Hits[0].Chat != chats["en"] {
		t.Errorf("%s, a typo: %+v", when, got)
	}
	if got := v.find(t, "lighthouse -painters"); len(got.Hits) != 0 {
		t.Errorf("%s, without: %+v", when, got)
	}
}

// pages goes through all that has a word: each once, in an order that holds.
func (v *visitor) pages(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	cursor, n := "", 0
	for {
		got := v.find(t, "topic", by(chat.User), from(cursor))
		for _, h := range got.Hits {
			if seen[h.Message] {
				t.Errorf("%s is found twice", h.Message)
			}
			seen[h.Message] = true
		}
		if n++; got.Next == "" || n > 10 {
			break
		}
		cursor = got.Next
	}
	if len(seen) != topics || n < 5 {
		t.Errorf("%d found on %d pages, not %d", len(seen), n, topics)
	}
}

// find searches.
func (v *visitor) find(t *testing.T, query string, also ...func(*client.Sought)) search.Page {
	t.Helper()
	wanted := client.Sought{Query: query}
	for _, change := range also {
		change(&wanted)
	}
	p, err := v.Search(t.Context(), wanted)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return p
}

func by(r chat.Role) func(*client.Sought)     { return func(s *client.Sought) { s.Role = r } }
func in(chatID string) func(*client.Sought)   { return func(s *client.Sought) { s.Chat = chatID } }
func from(cursor string) func(*client.Sought) { return func(s *client.Sought) { s.Cursor = cursor } }
func withFile(s *client.Sought)               { s.HasFile = true }

// unlimited lets the user send as much as the test does.
func (v *visitor) unlimited(t *testing.T) {
	t.Helper()
	v.changed(t, func(accounts *store.Accounts, act store.Act, user string) error {
		return accounts.SetLimits(t.Context(), act, user, quota.Limits{MessagesPerHour: 1000})
	})
}

// changed has an operator change the user's account, which counts from the next log-in
// on.
func (v *visitor) changed(t *testing.T, change func(accounts *store.Accounts, act store.Act, user string) error) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	accounts := store.NewAccounts(store.DynamoDB(cfg), need(t, "ACCOUNTS_TABLE"))
	if err := change(accounts, store.Act{Who: "test", At: time.Now(), ID: id.New(time.Now())}, v.id(t)); err != nil {
		t.Fatal(err)
	}
	if err := v.LogIn(t.Context(), v.who.Email, v.who.Password); err != nil {
		t.Fatal(err)
	}
}

// id is the user's.
func (v *visitor) id(t *testing.T) string {
	t.Helper()
	me, err := v.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return me.User.ID
}

// losesText asks about a file whose text is lost, as where the copy in this region has
// yet to come. It is answered without the text.
func (v *visitor) losesText(t *testing.T, eyes seeing) (fileID string, asked client.Accepted) {
	t.Helper()
	f := v.send(t, "logbook.txt", "", []byte("Log of the barque Cassiopeia, which nobody can read, for "+v.who.Email))
	lose(t, need(t, "FILES_BUCKET"), "derived/"+f.SHA256+"/text/")
	asked, _ = ask(t, v.Client, client.Question{Text: "Whose is it?", Model: eyes.model, Attachments: []string{f.ID}})
	if got := eyes.told(); !strings.Contains(got, "“logbook.txt”, which can't be read") {
		t.Errorf("of a file that has no text the engine was told %q", got)
	}
	return f.ID, asked
}

// findsBlank finds a file that has no text, by its name.
func (v *visitor) findsBlank(t *testing.T, chatID string) {
	t.Helper()
	if got := v.find(t, "logbook"); len(got.Hits) != 1 || got.Hits[0].Chat != chatID || got.Hits[0].Snippet != "logbook.txt" || got.Partial {
		t.Errorf("a file that has no text, by its name: %+v", got)
	}
	if got := v.find(t, "Cassiopeia"); len(got.Hits) != 0 {
		t.Errorf("what can't be read is found: %+v", got)
	}
}

// goesOn deletes a file and asks once more in the chat that it was sent in.
func (v *visitor) goesOn(t *testing.T, eyes seeing, chatID, fileID string) {
	t.Helper()
	if err := v.DeleteFile(t.Context(), fileID); err != nil {
		t.Fatal(err)
	}
	ask(t, v.Client, client.Question{Chat: chatID, Text: "Never mind.", Model: eyes.model})
	if got := eyes.told(); !strings.Contains(got, "“logbook.txt” was deleted") {
		t.Errorf("of a file that was deleted the engine was told %q", got)
	}
}

// losesSegment searches a history that was indexed and lost its index. A part of it
// isn't found until the index is built anew, which the search itself has asked for.
func (v *visitor) losesSegment(t *testing.T) {
	t.Helper()
	lose(t, need(t, "INDEX_BUCKET"), "segments/"+v.id(t)+"/")
	if got := v.find(t, "lighthouse"); !got.Partial || len(got.Hits) != 0 {
		t.Errorf("without its index: %+v", got)
	}
	waitUntil(t, time.Minute, "the index is built anew", func() bool { return !v.find(t, "lighthouse").Partial })
}

// lose removes what a bucket has under a beginning of its keys.
func lose(t *testing.T, bucket, prefix string) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(cfg)
	list, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	if err != nil || len(list.Contents) == 0 {
		t.Fatalf("%d objects under %s, %v", len(list.Contents), prefix, err)
	}
	for _, o := range list.Contents {
		if _, err := objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key}); err != nil {
			t.Fatal(err)
		}
	}
}

// indexed has the whole history indexed, as an operator would, and waits until that
// has come up to a message.
func (v *visitor) indexed(t *testing.T, upto string) {
	t.Helper()
	user := v.id(t)
	jobs, chats := histories(t)
	asked := time.Time{}
	waitUntil(t, 2*time.Minute, "the history is indexed", func() bool {
		if time.Since(asked) > 5*time.Second { // messages have to be ten seconds old
			asked = time.Now()
			if err := jobs.Index(t.Context(), queue.IndexJob{User: user, Anew: true}); err != nil {
				t.Fatal(err)
			}
		}
		body, _, err := chats.Indexed(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		if body == nil {
			return false
		}
		m, err := search.DecodeManifest(body)
		if err != nil {
			t.Fatal(err)
		}
		return m.Upto >= upto && len(m.Segments) > 0
	})
}

// histories is the queue of jobs that index histories, and the table that says what of
// them is indexed.
func histories(t *testing.T) (*queue.Indexes, *store.Chats) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return queue.NewIndexes(sqs.NewFromConfig(cfg), need(t, "QUEUE_URL_INDEX")),
		store.NewChats(store.DynamoDB(cfg), s3.NewFromConfig(cfg), need(t, "CHATS_TABLE"), need(t, "BODIES_BUCKET"))
}
