//go:build service

package object_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
	"parley/shared/problem"
)

// arrive puts s into the bucket as its sender would, with all that a sender may say
// of it, and returns it with its version.
func arrive(t *testing.T, client *s3.Client, bucket string, s sent) sent {
	t.Helper()
	key := "incoming/" + s.User + "/" + s.ID
	out, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(s.bytes),
		ContentType: aws.String("text/html"), ContentDisposition: aws.String("inline"), Metadata: map[string]string{"said": "so"}})
	if err != nil {
		t.Fatal(err)
	}
	s.Version = aws.ToString(out.VersionId)
	return s
}

func tag(t *testing.T, client *s3.Client, bucket string, s sent, status string) {
	t.Helper()
	key := "incoming/" + s.User + "/" + s.ID
	_, err := client.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: &bucket, Key: &key, VersionId: &s.Version,
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("other"), Value: aws.String("tag")}, {Key: aws.String("GuardDutyMalwareScanStatus"), Value: &status}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// kind is that of an error, for tests.
func kind(err error) problem.Kind {
	if err == nil {
		return ""
	}
	return problem.From(err).Kind
}

func TestWhatArrivedIsReadInItsVersion(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	first := arrive(t, client, name, send(1000, false))
	tag(t, client, name, first, "NO_THREATS_FOUND")
	second := first
	second.bytes = []byte("put there later")
	second = arrive(t, client, name, second)
	for _, s := range []sent{first, second} {
		body, err := b.Open(t.Context(), s.File)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || !bytes.Equal(got, s.bytes) {
			t.Errorf("version %s: %d bytes, %v", s.Version, len(got), err)
		}
	}
	for s, want := range map[*sent]string{&first: "NO_THREATS_FOUND", &second: ""} {
		if got, err := b.Verdict(t.Context(), s.File); err != nil || got != want {
			t.Errorf("verdict %q, %v, want %q", got, err, want)
		}
	}
	for range 2 { // a version that is gone is gone
		if err := b.Drop(t.Context(), "incoming/"+first.User+"/"+first.ID, first.Version); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Open(t.Context(), first.File); kind(err) != problem.Internal {
		t.Errorf("open a version that is gone: %v", err)
	}
	if _, err := b.Verdict(t.Context(), first.File); kind(err) != problem.Internal {
		t.Errorf("verdict on a version that is gone: %v", err)
	}
	if left := objecttest.Versions(t, client, name, ""); len(left) != 1 || *left[0].VersionId != second.Version {
		t.Errorf("%d versions stay", len(left))
	}
}

func TestDropKeepsToUploads(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	for key, version := range map[string]string{"blobs/" + sum(nil): "1", "derived/" + sum(nil) + "/text": "1", "incoming/a/b": ""} {
		if b.Drop(t.Context(), key, version) == nil {
			t.Errorf("dropped version %q of %s", version, key)
		}
	}
}

func TestOwner(t *testing.T) {
	b := object.New(objecttest.Client("http://127.0.0.1:1"), "files")
	user, upload := id.New(time.Now()), id.New(time.Now())
	if u, f, ours := b.Owner("incoming/" + user + "/" + upload); u != user || f != upload || !ours {
		t.Errorf("%q, %q, %v", u, f, ours)
	}
	for _, key := range []string{"", "incoming/", "incoming/" + user, "incoming/" + user + "/", "incoming/" + user + "/" + upload + "/x",
		"incoming//" + user + "/" + upload, "incoming/" + user + "/../" + upload, "blobs/" + user + "/" + upload, "incoming/" + strings.ToLower(user) + "/" + upload} {
		if _, _, ours := b.Owner(key); ours {
			t.Errorf("%q is an upload", key)
		}
	}
}

// counter counts what a client asks for.
type counter struct {
	mu    sync.Mutex
	calls []string
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls = append(c.calls, r.Method)
	c.mu.Unlock()
	return http.DefaultClient.Do(r)
}

// The one who sends what is there already may notice nothing of it.
func TestCopyKeepsABlobOnceAndLooksTheSame(t *testing.T) {
	client, name := objecttest.Bucket(t)
	first, second := send(2*file.PartSize+5, false), send(2*file.PartSize+5, false)
	var took [2]int
	var versions [2]string
	for i, s := range []sent{first, second} {
		s = arrive(t, client, name, s)
		tag(t, client, name, s, "NO_THREATS_FOUND")
		c := &counter{}
		b := object.New(s3.New(client.Options(), func(o *s3.Options) { o.HTTPClient = c }), name)
		if err := b.Copy(t.Context(), s.File); err != nil {
			t.Fatal(err)
		}
		took[i] = len(c.calls)
		blob := objecttest.Versions(t, client, name, "blobs/")
		if len(blob) != 1 || *blob[0].Key != "blobs/"+s.SHA256 {
			t.Fatalf("%d versions of blobs", len(blob))
		}
		versions[i] = *blob[0].VersionId
	}
	if took[0] != took[1] || took[0] != 3 || versions[0] != versions[1] {
		t.Errorf("calls %v, versions %v", took, versions)
	}
	history(t, client, name, "passing/"+first.User+"/"+first.ID) // what a try before has left
	again := arrive(t, client, name, first)
	again.Tries = 2
	if err := object.New(client, name).Copy(t.Context(), again.File); err != nil {
		t.Fatal(err)
	}
	if left := objecttest.Versions(t, client, name, "passing/"); len(left) != 0 {
		t.Errorf("%d copies stay", len(left))
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: aws.String("blobs/" + first.SHA256)})
	if err != nil || len(head.Metadata) != 0 || aws.ToString(head.ContentType) != "application/octet-stream" || aws.ToString(head.ContentDisposition) != "" || aws.ToInt32(head.TagCount) != 0 {
		t.Errorf("the blob says what its sender said: %+v, %v", head, err)
	}
	if !bytes.Equal(read(t, client, name, "blobs/"+first.SHA256), first.bytes) {
		t.Error("the blob has other bytes")
	}
}

// A file that came in parts has a checksum over those of its parts, which is none of
// the file's.
func TestWhatCameInPartsIsCopiedWhole(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	s := send(file.PartSize+5, true)
	var err error
	if s.Upload, err = b.Start(t.Context(), s.File); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if status, answer := put(t, signOne(t, b, s.File, n+1), s.part(n+1), nil); status != 200 {
			t.Fatalf("part %d: %d %s", n+1, status, answer)
		}
	}
	a, err := b.Arrival(t.Context(), s.File)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version, err = b.Assemble(t.Context(), s.File, a.Parts); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if err := b.Copy(t.Context(), s.File); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read(t, client, name, "blobs/"+s.SHA256), s.bytes) {
		t.Error("the blob has other bytes")
	}
}

func TestABlobThatIsNotTheFileIsAnError(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	s := arrive(t, client, name, send(1000, false))
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("blobs/" + s.SHA256), Body: strings.NewReader("other")})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Copy(t.Context(), s.File); kind(err) != problem.Internal {
		t.Errorf("blob of another size: %v", err)
	}
	gone := send(10, false)
	gone.Version = s.Version
	if err := b.Copy(t.Context(), gone.File); kind(err) != problem.Internal {
		t.Errorf("copy of what isn't there: %v", err)
	}
}

func TestWhatIsDerivedIsKeptOnce(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	sha := sum([]byte("blob"))
	if _, err := b.Text(t.Context(), sha, "text/html"); !errors.Is(err, file.ErrNoFile) {
		t.Errorf("text that isn't there: %v", err)
	}
	if _, _, err := b.Picture(t.Context(), sha); !errors.Is(err, file.ErrNoFile) {
		t.Errorf("picture that isn't there: %v", err)
	}
	for _, what := range []string{"first", "second"} {
		if err := b.PutText(t.Context(), sha, "text/html", []byte(what+" text")); err != nil {
			t.Fatal(err)
		}
		if err := b.PutPictures(t.Context(), sha, "image/"+what, []byte(what+" thumbnail"), []byte(what+" picture")); err != nil {
			t.Fatal(err)
		}
	}
	text, err := b.Text(t.Context(), sha, "text/html")
	if err != nil || string(text) != "first text" {
		t.Errorf("text %q, %v", text, err)
	}
	if _, err := b.Text(t.Context(), sha, "text/plain"); !errors.Is(err, file.ErrNoFile) {
		t.Errorf("text of the same bytes as another type: %v", err)
	}
	picture, contentType, err := b.Picture(t.Context(), sha)
	if err != nil || string(picture) != "first picture" || contentType != "image/first" {
		t.Errorf("picture %q of %q, %v", picture, contentType, err)
	}
	if n := len(objecttest.Versions(t, client, name, "")); n != 3 {
		t.Errorf("%d versions", n)
	}
}

// history gives a key two versions and a delete marker.
func history(t *testing.T, client *s3.Client, bucket, key string) {
	t.Helper()
	for _, body := range []string{"old", "new"} {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}

func TestRemovalLeavesNoVersionAndNothingElseGoes(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	mine, other := send(10, false), send(10, false)
	sibling := mine
	sibling.ID = id.Next(mine.ID)
	shas := []string{sum([]byte("a")), sum([]byte("b"))}
	var keys []string
	for _, s := range []sent{mine, sibling, other} {
		keys = append(keys, "incoming/"+s.User+"/"+s.ID)
	}
	keys = append(keys, "passing/"+mine.User+"/"+mine.ID, "passing/"+other.User+"/"+other.ID)
	for _, sha := range shas {
		keys = append(keys, "blobs/"+sha, "derived/"+sha+"/text", "derived/"+sha+"/picture")
	}
	for _, key := range keys {
		history(t, client, name, key)
	}
	for _, s := range []sent{mine, sibling, other} {
		if _, err := b.Start(t.Context(), s.File); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, err error, gone ...string) {
		t.Helper()
		keys = slices.DeleteFunc(keys, func(k string) bool { return slices.Contains(gone, k) })
		left := map[string]int{}
		for _, v := range objecttest.Versions(t, client, name, "") {
			left[*v.Key]++
		}
		for _, key := range keys {
			if left[key] != 3 {
				t.Errorf("%s: %d of 3 versions of %s stay", what, left[key], key)
			}
		}
		if err != nil || len(left) != len(keys) {
			t.Errorf("%s: %v; %d keys stay, want %d", what, err, len(left), len(keys))
		}
	}
	uploads := func(want int) {
		t.Helper()
		out, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &name})
		if err != nil || len(out.Uploads) != want {
			t.Errorf("%d uploads are under way, want %d (%v)", len(out.Uploads), want, err)
		}
	}
	for range 2 { // as a retry does
		check("discard", b.Discard(t.Context(), mine.File), "incoming/"+mine.User+"/"+mine.ID)
	}
	uploads(2)
	check("remove user", b.RemoveUser(t.Context(), mine.User), "incoming/"+sibling.User+"/"+sibling.ID, "passing/"+mine.User+"/"+mine.ID)
	uploads(1)
	for range 2 {
		check("remove blob", b.RemoveBlob(t.Context(), shas[0]), "blobs/"+shas[0], "derived/"+shas[0]+"/text", "derived/"+shas[0]+"/picture")
	}
	for _, bad := range []string{"", "..", shas[0][:63], strings.Repeat("z", 64)} {
		if b.RemoveBlob(t.Context(), bad) == nil || b.RemoveUser(t.Context(), bad) == nil {
			t.Errorf("removed %q", bad)
		}
	}
	check("what is none", nil)
}

// S3 copies delete markers and no removals of versions. So a removal of what is copied
// leaves one mark on each object, however often it is repeated, and nothing under it.
func TestARemovalFromACopiedBucketLeavesMarks(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name).Copied(true)
	sha, s := sum([]byte("a")), send(10, false)
	live, marked, sent := "derived/"+sha+"/text", "blobs/"+sha, "incoming/"+s.User+"/"+s.ID
	history(t, client, name, marked)
	history(t, client, name, sent)
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &live, Body: strings.NewReader("live")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(b.RemoveBlob(t.Context(), sha), b.Discard(t.Context(), s.File)); err != nil {
			t.Fatal(err)
		}
		out, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &name})
		if err != nil {
			t.Fatal(err)
		}
		var marks []string
		for _, m := range out.DeleteMarkers {
			marks = append(marks, *m.Key)
		}
		if slices.Sort(marks); len(out.Versions) > 0 || !slices.Equal(marks, []string{marked, live}) {
			t.Errorf("%d versions stay, and marks on %q", len(out.Versions), marks)
		}
	}
}

func TestAStorageThatIsAwayIsUnavailable(t *testing.T) {
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Fatal("AWS_ENDPOINT_URL is not set")
	}
	b := object.New(s3.New(objecttest.Client("http://127.0.0.1:1").Options(), func(o *s3.Options) { o.RetryMaxAttempts = 1 }), "files")
	s := send(10, false)
	s.Version = "v"
	_, opened := b.Open(t.Context(), s.File)
	_, verdict := b.Verdict(t.Context(), s.File)
	_, text := b.Text(t.Context(), s.SHA256, "text/plain")
	for what, err := range map[string]error{
		"open": opened, "verdict": verdict, "text": text, "copy": b.Copy(t.Context(), s.File), "put": b.PutText(t.Context(), s.SHA256, "text/plain", nil),
		"drop": b.Drop(t.Context(), "incoming/x", "v"), "discard": b.Discard(t.Context(), s.File), "remove": b.RemoveBlob(t.Context(), s.SHA256),
	} {
		if kind(err) != problem.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
}
