//go:build service

package reconcile

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// world is a table and a bucket of a test's own.
type world struct {
	t      *testing.T
	files  *store.Files
	bucket *object.Bucket
	db     *dynamodb.Client
	table  string
	s3     *s3.Client
	name   string // of the bucket
	later  time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, later: 48 * time.Hour}
	db, _, chats := storetest.Tables(t)
	w.db, w.table = db, storetest.Table(t, db, "files")
	w.s3, w.name = objecttest.Bucket(t)
	w.files, w.bucket = store.NewFiles(db, w.table, chats), object.New(w.s3, w.name)
	return w
}

// check looks at everything as somebody would later, and returns what differs.
func (w *world) check(change func(*Check)) (Summary, []Difference) {
	w.t.Helper()
	var all []Difference
	c := Check{Files: w.files, Bucket: w.bucket,
		Remover: &file.Remover{Files: w.files, Graves: w.files, Estates: w.files, Bytes: w.bucket},
		Now:     func() time.Time { return time.Now().Add(w.later) }, Grace: 24 * time.Hour,
		Again: w.process,
		Found: func(d Difference) error { all = append(all, d); return nil }}
	if change != nil {
		change(&c)
	}
	sum, err := c.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return sum, all
}

// process is what comes of a file whose processing begins again: it is no good, or
// what is made of it is there again.
func (w *world) process(ctx context.Context, f file.File, key string) error {
	if key != "incoming/"+f.User+"/"+f.ID || f.Version == "" {
		w.t.Errorf("%q is to be processed as %+v", key, f)
	}
	if f.Status == file.Ready {
		return errors.Join(w.bucket.PutText(ctx, f.SHA256, f.ContentType, []byte("made again")),
			w.bucket.PutPictures(ctx, f.SHA256, "image/png", []byte("made again"), []byte("made again")))
	}
	w.must(w.files.Reject(ctx, f, file.Remark{Code: "no_good", Detail: "It is no good."}))
	return w.bucket.Discard(ctx, f)
}

func repair(c *Check) { c.Repair = true }

// must is for steps that are no part of what is tested.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// arrive makes a file whose bytes have been sent.
func (w *world) arrive(user, text string) file.File {
	w.t.Helper()
	sum, at := sha256.Sum256([]byte(text)), time.Now().UTC()
	f := file.File{ID: id.New(at), User: user, Name: "a.txt", Size: int64(len(text)), ContentType: "text/plain",
		SHA256: hex.EncodeToString(sum[:]), Status: file.Uploading, CreatedAt: at, ExpiresAt: at.Add(file.UploadLife)}
	w.must(w.files.Create(w.t.Context(), f, 1<<40))
	f, err := w.files.Arrived(w.t.Context(), user, f.ID, w.put("incoming/"+user+"/"+f.ID, text))
	w.must(err)
	f, err = w.files.Begin(w.t.Context(), f, file.Verify)
	w.must(err)
	return f
}

// ready makes a file that is ready, with something made of it.
func (w *world) ready(user, text string) file.File {
	w.t.Helper()
	f := w.arrive(user, text)
	w.must(w.files.Hold(w.t.Context(), f))
	w.must(w.bucket.Copy(w.t.Context(), f))
	w.put(textOf(f), "made of it")
	w.must(w.bucket.Discard(w.t.Context(), f))
	f.Kind = file.Text
	w.must(w.files.Ready(w.t.Context(), f))
	return f
}

func textOf(f file.File) string { return "derived/" + f.SHA256 + "/text/" + f.ContentType }

func (w *world) put(key, text string) (version string) {
	w.t.Helper()
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &w.name, Key: &key, Body: strings.NewReader(text)})
	w.must(err)
	return aws.ToString(out.VersionId)
}

// forget removes an object with all its versions.
func (w *world) forget(key string) {
	w.t.Helper()
	for _, v := range objecttest.Versions(w.t, w.s3, w.name, key) {
		_, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: &w.name, Key: v.Key, VersionId: v.VersionId})
		w.must(err)
	}
}

// hide deletes an object by its key alone.
func (w *world) hide(key string) {
	w.t.Helper()
	_, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: &w.name, Key: &key})
	w.must(err)
}

// row writes a row as nothing else would.
func (w *world) row(pk, sk string, numbers map[string]string) {
	w.t.Helper()
	update, values, names := "SET", map[string]types.AttributeValue{}, map[string]string{}
	for name, value := range numbers {
		update += " #" + name + " = :" + name + ","
		values[":"+name], names["#"+name] = &types.AttributeValueMemberN{Value: value}, name
	}
	_, err := w.db.UpdateItem(w.t.Context(), &dynamodb.UpdateItemInput{TableName: &w.table, Key: rowKey(pk, sk),
		UpdateExpression: aws.String(strings.TrimSuffix(update, ",")), ExpressionAttributeValues: values, ExpressionAttributeNames: names})
	w.must(err)
}

func (w *world) drop(pk, sk string) {
	w.t.Helper()
	_, err := w.db.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: rowKey(pk, sk)})
	w.must(err)
}

func rowKey(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk}}
}

// newHash is of bytes that nobody has.
func newHash() string {
	var b [32]byte
	_, _ = cryptorand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func newID() string { return id.New(time.Now()) }
