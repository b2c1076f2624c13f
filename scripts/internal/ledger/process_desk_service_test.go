//go:build service

package ledger_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/file"
	"parley/shared/id"
	filebucket "parley/shared/object"
	"parley/shared/store"
)

// mill is where tests let files be processed by the compiled function.
type mill struct {
	*rig.Rig
	log    *output // what the functions print
	rows   *store.Files
	s3     *s3.Client
	bucket *filebucket.Bucket
}

func newMill(t *testing.T) *mill {
	t.Helper()
	r, log := newRig(t)
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &r.Services.AWS, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return &mill{Rig: r, log: log, rows: store.NewFiles(r.DB, r.FilesTable, r.ChatsTable), s3: client, bucket: filebucket.New(client, r.Files)}
}

// start starts a fresh environment of process-upload, which has a folder for
// temporary files of its own.
func (m *mill) start(t *testing.T, env ...string) *runtimeapi.Environment {
	t.Helper()
	e, err := m.Start(t.Context(), "process-upload", append([]string{"TMPDIR=" + t.TempDir()}, env...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if _, err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// upload is a file whose bytes have arrived, and the event that says so.
type upload struct {
	file.File
	event []byte
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// upload has a new user send bytes; state changes what they state of them.
func (m *mill) upload(t *testing.T, name string, body []byte, state ...func(*file.File)) upload {
	t.Helper()
	now := time.Now()
	f := file.File{ID: id.New(now), User: id.New(now), Name: name, ContentType: "application/x-stated", Size: int64(len(body)), SHA256: hexSum(body),
		Status: file.Uploading, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	for _, s := range state {
		s(&f)
	}
	if err := m.rows.Create(t.Context(), f, 1<<40); err != nil {
		t.Fatal(err)
	}
	key := "incoming/" + f.User + "/" + f.ID
	out, err := m.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &m.Files, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return upload{f, arrivalEvent(t, m.Files, key, *out.VersionId, now)}
}

// arrivalEvent is what Lambda gets for what S3 says of an object.
func arrivalEvent(t *testing.T, bucket, key, version string, at time.Time) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": at,
		"s3": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key, "versionId": version}}}}})
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: id.New(at), ReceiptHandle: "none", Body: string(body),
		EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": "1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// deliver gives an event to an environment and reports whether it is acknowledged.
func deliver(ctx context.Context, e *runtimeapi.Environment, event []byte) (done bool, err error) {
	res, err := e.Invoke(ctx, event)
	if err != nil {
		return false, err
	}
	var out events.SQSEventResponse
	err = json.Unmarshal(res.Payload, &out)
	return len(out.BatchItemFailures) == 0, err
}

// settle delivers an event to fresh environments until it is acknowledged, as the
// queue does.
func (m *mill) settle(t *testing.T, u upload, env ...string) file.File {
	t.Helper()
	for range 4 {
		e := m.start(t, env...)
		done, err := deliver(t.Context(), e, u.event)
		e.Close()
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return m.file(t, u)
		}
	}
	t.Fatal("the event was never acknowledged")
	return file.File{}
}

func (m *mill) file(t *testing.T, u upload) file.File {
	t.Helper()
	f, err := m.rows.File(t.Context(), u.User, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// versions lists what the files' bucket has under a prefix, as keptIn does.
func (m *mill) versions(t *testing.T, prefix string) []string {
	t.Helper()
	return keptIn(t, m.s3, m.Files, prefix)
}

// keptIn lists what a bucket has under a prefix: its keys, each as often as it has
// versions.
func keptIn(t *testing.T, client *s3.Client, bucket, prefix string) []string {
	t.Helper()
	out, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, v := range out.Versions {
		keys = append(keys, *v.Key)
	}
	for _, v := range out.DeleteMarkers {
		keys = append(keys, *v.Key+" deleted")
	}
	slices.Sort(keys)
	return keys
}

// references is how many files count at a blob; -1: it has no row.
func (m *mill) references(t *testing.T, sha string) int {
	t.Helper()
	out, err := m.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &m.FilesTable, ConsistentRead: aws.Bool(true),
		Key: item{"PK": &types.AttributeValueMemberS{Value: "B#" + sha}, "SK": &types.AttributeValueMemberS{Value: "B"}}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Item == nil {
		return -1
	}
	n, err := strconv.Atoi(text(out.Item, "n"))
	if err != nil {
		t.Fatalf("row of a blob %v", out.Item)
	}
	return n
}

// wantStored asserts that a blob is there once, with so many references, and that
// nothing is left where u's bytes arrived.
func (m *mill) wantStored(t *testing.T, u upload, references int) {
	t.Helper()
	if got := m.versions(t, "blobs/"+u.SHA256); len(got) != 1 {
		t.Errorf("versions of the blob: %q", got)
	}
	if got := m.references(t, u.SHA256); got != references {
		t.Errorf("%d files count at the blob, want %d", got, references)
	}
	for _, folder := range []string{"incoming/", "passing/"} {
		if got := m.versions(t, folder+u.User); len(got) != 0 {
			t.Errorf("what was only passing: %q", got)
		}
	}
}

// wantText asserts that u is ready and that its text can be found.
func (m *mill) wantText(t *testing.T, u upload) {
	t.Helper()
	f := m.file(t, u)
	if f.Status != file.Ready || f.Kind != file.Text || f.Note != nil || f.Characters == 0 || f.Malware == "" {
		t.Errorf("the file is %+v, note %+v", f, f.Note)
	}
	if got := m.versions(t, "derived/"+u.SHA256); len(got) != 1 || got[0] != "derived/"+u.SHA256+"/text/text/plain" {
		t.Errorf("made of the blob: %q", got)
	}
}

// wantImage asserts that u is ready and that its pictures can be found.
func (m *mill) wantImage(t *testing.T, u upload) {
	t.Helper()
	f := m.file(t, u)
	if f.Status != file.Ready || f.Kind != file.Image || f.Note != nil || f.Width != 40 || f.Height != 30 || f.ContentType != "image/png" {
		t.Errorf("the file is %+v, note %+v", f, f.Note)
	}
	got := m.versions(t, "derived/"+u.SHA256)
	if len(got) != 2 || filepath.Base(got[0]) != "picture" || filepath.Base(got[1]) != "thumbnail" {
		t.Errorf("made of the blob: %q", got)
	}
}

// picture is an image that no other test has.
func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	rand.NewChaCha8(sha256.Sum256([]byte(id.New(time.Now())))).Read(img.Pix)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mark tags what arrived as the scanner does.
func (m *mill) mark(t *testing.T, u upload, status string) {
	t.Helper()
	key := "incoming/" + u.User + "/" + u.ID
	_, err := m.s3.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: &m.Files, Key: &key,
		Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("GuardDutyMalwareScanStatus"), Value: &status}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// lines is a text of about that many bytes that no other test has.
func lines(size int) []byte {
	var b bytes.Buffer
	for n := 0; b.Len() < size; n++ {
		fmt.Fprintf(&b, "Line %d of %s tells nothing else.\n", n, id.New(time.Now()))
	}
	return b.Bytes()
}

// children returns the processes that read files for environments of this rig.
func (m *mill) children(t *testing.T) []int {
	t.Helper()
	binary, err := m.Binary(t.Context(), "process-upload")
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, dir := range all {
		exe, _ := os.Readlink(filepath.Join(dir, "exe")) // it may have ended
		words, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if exe == binary && strings.HasPrefix(string(words), "parley-reads-a-file\x00") {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
