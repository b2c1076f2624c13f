//go:build service

package object_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
)

// sent is a file's bytes with what its sender says of them.
type sent struct {
	file.File
	bytes []byte
}

// send makes a file of that many bytes; with sums, its parts' hashes are told.
func send(size int, sums bool) sent {
	now := time.Now()
	s := sent{bytes: make([]byte, size)}
	for i := range s.bytes {
		s.bytes[i] = byte(i >> 20) // the parts differ
	}
	s.File = file.File{ID: id.New(now), User: id.New(now), Size: int64(size), SHA256: sum(s.bytes)}
	if sums {
		for n := range file.PartCount(s.Size) {
			s.Parts = append(s.Parts, sum(s.part(n+1)))
		}
	}
	return s
}

func (s sent) part(n int) []byte {
	return s.bytes[(n-1)*file.PartSize : min(n*file.PartSize, len(s.bytes))]
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// put sends bytes as a client would, with headers changed; an empty value takes one
// away.
func put(t *testing.T, p file.Part, body []byte, change map[string]string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	for k, v := range change {
		if req.Header.Set(k, v); v == "" {
			req.Header.Del(k)
		}
	}
	if req.Header.Get("Transfer-Encoding") != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader("any")), -1
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(out)
}

func signOne(t *testing.T, b *object.Bucket, f file.File, n int) file.Part {
	t.Helper()
	parts, err := b.Sign(t.Context(), f, []int{n}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return parts[0]
}

// TestAURLTakesTheFileAndNothingElse sends what was announced only after all that
// wasn't.
func TestAURLTakesTheFileAndNothingElse(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	s := send(1000, false)
	p := signOne(t, b, s.File, 1)
	other := append([]byte{1}, s.bytes[1:]...)
	for _, c := range []struct {
		what   string
		body   []byte
		change map[string]string
		want   string
	}{
		{"other bytes of that size", other, nil, "BadDigest"},
		{"other bytes with their own checksum", other, map[string]string{"X-Amz-Checksum-Sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, "SignatureDoesNotMatch"},
		{"no checksum", other, map[string]string{"X-Amz-Checksum-Sha256": ""}, "SignatureDoesNotMatch"},
		{"fewer bytes", s.bytes[:999], nil, "SignatureDoesNotMatch"},
		{"more bytes", append(s.bytes[:1000:1000], 0), nil, "SignatureDoesNotMatch"},
		{"nothing", nil, nil, "SignatureDoesNotMatch"},
		{"in the place of another", s.bytes, map[string]string{"If-None-Match": ""}, "SignatureDoesNotMatch"},
	} {
		if status, answer := put(t, p, c.body, c.change); status/100 != 4 || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s, want %s", c.what, status, answer, c.want)
		}
	}
	if status, answer := put(t, p, nil, map[string]string{"Transfer-Encoding": "chunked"}); status/100 != 4 {
		t.Errorf("as many as come: %d %s", status, answer)
	}
	if a, err := b.Arrival(t.Context(), s.File); err != nil || a.Whole || a.Closed {
		t.Fatalf("nothing has arrived: %+v, %v", a, err)
	}
	if status, answer := put(t, p, s.bytes, nil); status != 200 {
		t.Fatalf("what was announced: %d %s", status, answer)
	}
	a, err := b.Arrival(t.Context(), s.File)
	if err != nil || !a.Whole || a.Version == "" {
		t.Errorf("it has arrived: %+v, %v", a, err)
	}
	if status, _ := put(t, p, s.bytes, nil); status != http.StatusPreconditionFailed {
		t.Errorf("a second time: %d", status)
	}
}

func TestPartsBecomeTheFile(t *testing.T) {
	for _, sums := range []bool{true, false} {
		client, name := objecttest.Bucket(t)
		b := object.New(client, name)
		s := send(2*file.PartSize+5, sums)
		var err error
		if s.Upload, err = b.Start(t.Context(), s.File); err != nil {
			t.Fatal(err)
		}
		parts, err := b.Sign(t.Context(), s.File, []int{1, 2, 3}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		swapped, answer := put(t, parts[0], s.part(2), nil)
		if sums && (swapped != 400 || !strings.Contains(answer, "BadDigest")) {
			t.Errorf("part 2 in the place of part 1: %d %s", swapped, answer)
		}
		for _, n := range []int{3, 1, 2, 1} { // in any order, and again
			if status, answer := put(t, parts[n-1], s.part(n), nil); status != 200 {
				t.Fatalf("part %d: %d %s", n, status, answer)
			}
		}
		a, err := b.Arrival(t.Context(), s.File)
		if err != nil || a.Whole || len(a.Parts) != 3 || a.Parts[2].Size != 5 || sums && a.Parts[0].SHA256 != s.Parts[0] {
			t.Fatalf("all parts are there: %+v, %v", a, err)
		}
		version, err := b.Assemble(t.Context(), s.File, a.Parts)
		if err != nil || version == "" {
			t.Fatalf("assemble: %q, %v", version, err)
		}
		if a, err = b.Arrival(t.Context(), s.File); err != nil || !a.Whole || a.Version != version {
			t.Errorf("the whole is there: %+v, %v", a, err)
		}
		versions := objecttest.Versions(t, client, name, "incoming/"+s.User+"/"+s.ID)
		if len(versions) != 1 || !bytes.Equal(read(t, client, name, *versions[0].Key), s.bytes) {
			t.Errorf("%d versions, or other bytes", len(versions))
		}
	}
}

func read(t *testing.T, client *s3.Client, bucket, key string) []byte {
	t.Helper()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestAssemblingWhatHasChanged has a part replaced, and the upload abandoned, after
// it was looked at.
func TestAssemblingWhatHasChanged(t *testing.T) {
	client, name := objecttest.Bucket(t)
	b := object.New(client, name)
	s := send(file.PartSize+5, false)
	var err error
	if s.Upload, err = b.Start(t.Context(), s.File); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2} {
		if status, answer := put(t, signOne(t, b, s.File, n), s.part(n), nil); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	a, err := b.Arrival(t.Context(), s.File)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := put(t, signOne(t, b, s.File, 2), []byte("other"), nil); status != 200 {
		t.Fatal(status)
	}
	if _, err := b.Assemble(t.Context(), s.File, a.Parts); !errors.Is(err, file.ErrMoved) {
		t.Errorf("with a part that was replaced: %v", err)
	}
	for range 2 {
		if err := b.Abandon(t.Context(), s.File); err != nil {
			t.Errorf("abandon: %v", err)
		}
	}
	if _, err := b.Assemble(t.Context(), s.File, a.Parts); !errors.Is(err, file.ErrMoved) {
		t.Errorf("after it was abandoned: %v", err)
	}
	a, err = b.Arrival(t.Context(), s.File)
	if err != nil || a.Whole || !a.Closed || !slices.Equal(a.Parts, nil) {
		t.Errorf("abandoned: %+v, %v", a, err)
	}
	if status, _ := put(t, signOne(t, b, s.File, 1), s.part(1), nil); status != 404 {
		t.Errorf("a part of an abandoned upload: %d", status)
	}
}
