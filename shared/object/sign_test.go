package object_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/object"
)

// TestTheSignatureCoversWhatBindsAURL reads what AWS would hold a client to,
// whatever the emulator does. The credentials are of a function: they pass.
func TestTheSignatureCoversWhatBindsAURL(t *testing.T) {
	b := object.New(s3.New(s3.Options{Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "session")}), "files")
	sum := strings.Repeat("0a", 32)
	for what, c := range map[string]struct {
		f       file.File
		signed  string
		headers int
	}{
		"one part": {file.File{Size: 1000, SHA256: sum}, "content-length;host;if-none-match;x-amz-checksum-sha256", 2},
		"of many, with a hash": {file.File{Size: file.PartSize + 1, Upload: "u", Parts: []string{sum, sum}},
			"content-length;host;x-amz-checksum-sha256", 1},
		"of many, without a hash": {file.File{Size: file.PartSize + 1, Upload: "u"}, "content-length;host", 0},
	} {
		c.f.User, c.f.ID = "U", "F"
		parts, err := b.Sign(t.Context(), c.f, []int{1}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(parts[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Host != "files.s3.eu-central-1.amazonaws.com" || u.Scheme != "https" || u.Path != "/incoming/U/F" || q.Get("X-Amz-Security-Token") != "session" {
			t.Errorf("%s: %s", what, u)
		}
		if got := q.Get("X-Amz-SignedHeaders"); got != c.signed || len(parts[0].Headers) != c.headers {
			t.Errorf("%s: signed headers %q, want %q; to send are %v", what, got, c.signed, parts[0].Headers)
		}
		if q.Get("X-Amz-Expires") != "60" {
			t.Errorf("%s: works for %s s", what, q.Get("X-Amz-Expires"))
		}
		for key := range q {
			if strings.Contains(strings.ToLower(key), "checksum") {
				t.Errorf("%s: %s stands in the query, where AWS doesn't hold bytes to it", what, key)
			}
		}
	}
}
