//go:build service

package ledger_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parley/scripts/internal/runtimeapi"
	"parley/shared/auth/authtest"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/quota"
)

// cdnKey keeps a private key as a secret, as a CDN's is kept, and returns its ARN.
func cdnKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	client := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	out, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("rig-cdn-" + id.New(time.Now())),
		SecretString: aws.String(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ARN // it goes with the emulator
}

// Where a CDN hands files out, the compiled function links to it, by a key that it
// reads once.
func TestFilesAreLinkedAtACDN(t *testing.T) {
	m := newMill(t)
	realm := authtest.New(t, time.Now)
	realm.Publish(t, m.Accounts)
	u := m.upload(t, "greeting.txt", []byte("hello"))
	if f := m.settle(t, u); f.Status != file.Ready {
		t.Fatalf("the file is %+v", f)
	}
	e, err := m.Start(t.Context(), "files", "FILES_CDN=https://files.example.com", "FILES_CDN_KEY_ID=K1", "FILES_CDN_KEY="+cdnKey(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	m.Recorder.Reset(nil)
	for range 2 {
		res, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "GET", Path: "/v1/files/" + u.ID + "/content",
			Header: map[string]string{"Authorization": "Bearer " + realm.Token(t, u.User, quota.Free)}})
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil || res.Status != 302 || to.Host != "files.example.com" || to.Path != "/blobs/"+u.SHA256 ||
			to.Query().Get("Key-Pair-Id") != "K1" || to.Query().Get("Signature") == "" {
			t.Errorf("answer %d to %v, %v: %s", res.Status, to, err, res.Body)
		}
	}
	calls, err := m.Recorder.Calls()
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for _, c := range calls {
		if c.Operation == "GetSecretValue" {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("the key was read %d times", reads)
	}
}
