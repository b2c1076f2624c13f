package chat

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// drawer is a user's files.
type drawer map[string]file.File

func (s drawer) Offered(_ context.Context, sending Sending) (found []Offered, err error) {
	for _, name := range sending.Files {
		if f, ok := s[name]; ok {
			f.ID = name
			found = append(found, Offered{File: f})
		}
	}
	return found, nil
}

// put adds a file and returns its id.
func (s drawer) put(f file.File) string {
	name := id.New(start)
	s[name] = f
	return name
}

func models(t *testing.T, text string) model.Table {
	t.Helper()
	table, err := model.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

const oneSees = `[{"name":"blind","plans":["free"]},{"name":"sees","vision":true,"plans":["free","premium"]}]`

func fields(err error) map[string]string {
	found := map[string]string{}
	for _, f := range problem.From(err).Fields {
		found[f.Field] = f.Code
	}
	return found
}

func TestEveryFileThatCantBeSentIsNamed(t *testing.T) {
	all := drawer{}
	text, image := all.put(file.File{Status: file.Ready, Kind: file.Text}), all.put(file.File{Status: file.Ready, Kind: file.Image})
	rejected, deleted := all.put(file.File{Status: file.Rejected}), all.put(file.File{Status: file.Deleted})
	processing, uploading := all.put(file.File{Status: file.Processing}), all.put(file.File{Status: file.Uploading})
	large := []string{all.put(file.File{Status: file.Ready, Size: 512 << 20}), all.put(file.File{Status: file.Ready, Size: 1})}
	missing := id.New(start)
	var eleven []string
	for range 11 {
		eleven = append(eleven, missing)
	}
	for name, c := range map[string]struct {
		files []string
		model string
		plan  quota.Plan
		code  string
		want  map[string]string
	}{
		"nothing is wrong":       {files: []string{text, image}, model: "sees"},
		"premium's first sees":   {files: []string{image}, plan: quota.Premium},
		"free's first is blind":  {files: []string{text, image}, code: "model_without_vision", want: map[string]string{"attachments[1]": "model_without_vision"}},
		"missing":                {files: []string{text, missing}, code: "unknown_file", want: map[string]string{"attachments[1]": "unknown_file"}},
		"deleted is as missing":  {files: []string{deleted}, code: "unknown_file", want: map[string]string{"attachments[0]": "unknown_file"}},
		"no id is as missing":    {files: []string{"../x"}, code: "unknown_file", want: map[string]string{"attachments[0]": "unknown_file"}},
		"twice":                  {files: []string{text, text}, code: "repeated_file", want: map[string]string{"attachments[1]": "repeated_file"}},
		"rejected":               {files: []string{rejected}, code: "file_rejected", want: map[string]string{"attachments[0]": "file_rejected"}},
		"all at once":            {files: []string{missing, image, rejected, processing}, code: "invalid", want: map[string]string{"attachments[0]": "unknown_file", "attachments[1]": "model_without_vision", "attachments[2]": "file_rejected"}},
		"not there yet":          {files: []string{text, uploading}, code: "file_not_ready"},
		"not ready yet":          {files: []string{text, processing}, code: "file_not_ready"},
		"too many":               {files: eleven, code: "too_many_attachments", want: map[string]string{"attachments": "too_many_attachments"}},
		"too large for any chat": {files: large, code: "dialogue_full", want: map[string]string{"attachments": "dialogue_full"}},
		"as large as a chat is":  {files: large[:1]},
		"the empty id":           {files: []string{""}, code: "unknown_file", want: map[string]string{"attachments[0]": "unknown_file"}},
	} {
		s, p := padded(nil)
		s.Files, s.Models = all, models(t, oneSees)
		if c.plan == "" {
			c.plan = quota.Free
		}
		_, err := s.Send(t.Context(), "u", c.plan, quota.Of(c.plan, quota.Limits{}), Question{Text: "Why?", Model: c.model, Attachments: c.files})
		if c.code == "" {
			if err != nil || p.accepted != 1 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		got := problem.From(err)
		if got == nil || got.Code != c.code || p.accepted+p.queued > 0 {
			t.Errorf("%s: %v, %d accepted", name, err, p.accepted)
			continue
		}
		if diff := cmp.Diff(c.want, fields(err)); diff != "" && len(c.want) > 0 {
			t.Errorf("%s: %s", name, diff)
		}
		if c.code == "file_not_ready" && (got.Kind != problem.Conflict || got.RetryAfter != time.Second) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A key that was accepted is answered whatever became of its files; and it stands
// for these files in this order.
func TestAKnownKeyStandsBeforeItsFiles(t *testing.T) {
	all := drawer{}
	a, b := all.put(file.File{Status: file.Ready, Name: "a.txt"}), all.put(file.File{Status: file.Ready, Name: "b.txt"})
	s, p := padded(nil)
	s.Files = all
	ask := func(key string, files ...string) (Receipt, error) {
		return s.Send(t.Context(), "u", quota.Free, quota.Of(quota.Free, quota.Limits{}), Question{Text: "Why?", Key: key, Attachments: files})
	}
	first, err := ask("k1", a, b)
	if err != nil {
		t.Fatal(err)
	}
	delete(all, a)
	again, err := ask("k1", a, b)
	if err != nil || !again.Replayed || again.Reply != first.Reply {
		t.Errorf("%+v after %+v, %v", again, first, err)
	}
	want := []file.Attachment{{ID: a, Name: gone, Kind: file.Other}, {ID: b, Name: "b.txt"}}
	if diff := cmp.Diff(want, p.asked.Question.Attachments); diff != "" {
		t.Errorf("the question that was gone on with has %s", diff)
	}
	for _, other := range [][]string{{b, a}, {b}, nil} {
		if _, err := ask("k1", other...); problem.From(err).Code != "idempotency_key_reused" || p.accepted != 1 {
			t.Errorf("files %v: %v", other, err)
		}
	}
	if _, err := ask("k2", a); problem.From(err).Code != "unknown_file" {
		t.Errorf("a new key: %v", err)
	}
}

func TestADigestWithoutFilesIsWhatItWas(t *testing.T) {
	s, p := padded(nil)
	if _, err := s.Send(t.Context(), "u", quota.Free, quota.Of(quota.Free, quota.Limits{}), Question{Text: "Why?"}); err != nil {
		t.Fatal(err)
	}
	if got := p.asked.Body; got != "omhBG9GHWaElh_t-E4EkFA" {
		t.Errorf("digest %q: keys that were given before this release would stand for other requests", got)
	}
}

// Another reply to a question keeps its files, and needs a model that takes them.
func TestRegenerateLooksAtTheQuestionsFiles(t *testing.T) {
	s, p := padded(nil)
	asked := Message{ID: id.New(start), Role: User, Model: "sees", Attachments: []file.Attachment{{ID: id.New(start), Kind: file.Image}}}
	p.messages = map[string]Message{asked.ID: asked}
	again := func(table string) error {
		s.Models = models(t, table)
		_, err := s.Regenerate(t.Context(), "u", quota.Free, quota.Of(quota.Free, quota.Limits{}), id.New(start), asked.ID, "")
		return err
	}
	if err := again(oneSees); err != nil || len(p.asked.Question.Attachments) != 1 || len(p.asked.Attach) > 0 {
		t.Errorf("%+v, %v", p.asked, err)
	}
	for name, table := range map[string]string{"its model is gone": `[{"name":"blind"}]`, "its model sees no more": `[{"name":"sees"}]`} {
		if err := again(table); fields(err)["attachments[0]"] != "model_without_vision" || p.accepted != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
