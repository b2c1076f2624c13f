package object

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/problem"
)

// vault holds a private key, and counts who reads it.
type vault struct {
	key   *rsa.PrivateKey
	reads int
	ails  bool
}

func newVault(t *testing.T) *vault {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &vault{key: key}
}

func (v *vault) read(context.Context) (string, error) {
	if v.reads++; v.ails {
		return "", errors.New("the vault is shut")
	}
	der, err := x509.MarshalPKCS8PrivateKey(v.key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
}

// verify does what CloudFront does with a signed URL: it makes the canned policy of
// all that stands before its own fields, and checks the signature over it.
func (v *vault) verify(signed string) error {
	resource, own, _ := strings.Cut(signed, "&Expires=")
	q, err := url.ParseQuery("Expires=" + own)
	if err != nil {
		return err
	}
	if q.Get("Key-Pair-Id") != "K2JCJMDEHXQW5F" {
		return fmt.Errorf("key %q", q.Get("Key-Pair-Id"))
	}
	policy := fmt.Sprintf(`{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%s}}}]}`, resource, q.Get("Expires"))
	signature, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(q.Get("Signature")))
	if err != nil {
		return err
	}
	digest := sha1.Sum([]byte(policy))
	return rsa.VerifyPKCS1v15(&v.key.PublicKey, crypto.SHA1, digest[:], signature)
}

func TestCloudFrontWouldTakeALink(t *testing.T) {
	v, now := newVault(t), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	cdn := NewCDN("https://files.example", "K2JCJMDEHXQW5F", v.read, func() time.Time { return now })
	f := file.File{SHA256: strings.Repeat("0a", 32)}
	disposition := `attachment; filename="Gr__e_.pdf"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%22.pdf`
	to, err := cdn.Content(t.Context(), f, "application/pdf", disposition)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.verify(to); err != nil {
		t.Errorf("%s: %v", to, err)
	}
	if err := v.verify(strings.Replace(to, "0a0a", "0b0b", 1)); err == nil {
		t.Error("the signature is good for another file")
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "https" || u.Host != "files.example" || u.Path != "/blobs/"+f.SHA256 || q.Get("response-content-disposition") != disposition ||
		q.Get("response-content-type") != "application/pdf" || q.Get("response-cache-control") != "private, max-age=300" || q.Get("Expires") != fmt.Sprint(now.Add(5*time.Minute).Unix()) {
		t.Errorf("%s", to)
	}
	if strings.Contains(u.RawQuery, "+") {
		t.Errorf("a space that S3's signatures write otherwise: %s", to)
	}
	small, err := cdn.Thumbnail(t.Context(), f)
	if err != nil || v.verify(small) != nil || !strings.HasPrefix(small, "https://files.example/derived/"+f.SHA256+"/thumbnail?") || !strings.Contains(small, "response-cache-control=private") {
		t.Errorf("%s, %v", small, err)
	}
	if v.reads != 1 {
		t.Errorf("the key was read %d times", v.reads)
	}
}

// TestTheCDNsKeyIsAway until the second try.
func TestTheCDNsKeyIsAway(t *testing.T) {
	v := newVault(t)
	v.ails = true
	cdn := NewCDN("https://files.example", "K2JCJMDEHXQW5F", v.read, time.Now)
	_, err := cdn.Thumbnail(t.Context(), file.File{SHA256: "0a"})
	if e := problem.From(err); e == nil || e.Kind != problem.Unavailable || strings.Contains(e.Message, "vault") {
		t.Errorf("%v", err)
	}
	v.ails = false
	if _, err := cdn.Thumbnail(t.Context(), file.File{SHA256: "0a"}); err != nil {
		t.Errorf("after that: %v", err)
	}
}
