//go:build service

package kms_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"parley/shared/kms"
	"parley/shared/store"
)

func TestVaultOpensWhatItMade(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := awskms.NewFromConfig(cfg).CreateKey(t.Context(), &awskms.CreateKeyInput{})
	if err != nil {
		t.Fatalf("this test needs the embedded AWS, which `make test` starts: %v", err)
	}
	v := kms.New(cfg, *key.KeyMetadata.Arn)
	public, sealed, err := v.Make(t.Context(), "k1")
	if err != nil {
		t.Fatal(err)
	}
	der, err := v.Open(t.Context(), "k1", sealed)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, der) {
		t.Error("the private key is in the clear")
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.ParsePKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if ec, ok := private.(*ecdsa.PrivateKey); !ok || !ec.PublicKey.Equal(want) {
		t.Error("the halves don't belong together")
	}
	if _, err := v.Open(t.Context(), "k2", sealed); err == nil {
		t.Error("the key of one kid opened as another's")
	}
}
