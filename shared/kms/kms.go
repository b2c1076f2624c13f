// Package kms makes and opens signing keys with AWS KMS. The private half exists
// in the clear only in the memory of a function that signs.
package kms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Vault encrypts with one symmetric KMS key. It implements auth.KeyMaker and
// auth.Vault.
type Vault struct {
	client *kms.Client
	key    string
}

// New returns a Vault over the KMS key of that id or ARN.
func New(cfg aws.Config, key string) *Vault {
	return &Vault{client: kms.NewFromConfig(cfg), key: key}
}

// bound ties what is encrypted to its purpose and its kid: another row's key, or
// another application's, doesn't open. A policy can demand the purpose.
func bound(kid string) map[string]string {
	return map[string]string{"purpose": "parley-signing-key", "kid": kid}
}

// Make returns a fresh P-256 pair: the public key's DER, and the private one's
// (PKCS #8) encrypted. One call.
func (v *Vault) Make(ctx context.Context, kid string) (public, sealed []byte, err error) {
	out, err := v.client.GenerateDataKeyPairWithoutPlaintext(ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{
		KeyId: &v.key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: bound(kid),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("KMS: %w", err)
	}
	return out.PublicKey, out.PrivateKeyCiphertextBlob, nil
}

// Open decrypts the private key that Make gave for kid. One call.
func (v *Vault) Open(ctx context.Context, kid string, sealed []byte) ([]byte, error) {
	out, err := v.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId: aws.String(v.key), CiphertextBlob: sealed, EncryptionContext: bound(kid),
	})
	if err != nil {
		return nil, fmt.Errorf("KMS: %w", err)
	}
	return out.Plaintext, nil
}
