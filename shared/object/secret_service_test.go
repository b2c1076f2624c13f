//go:build service

package object_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parley/shared/id"
	"parley/shared/object"
)

func TestASecretIsRead(t *testing.T) {
	url := os.Getenv("AWS_ENDPOINT_URL")
	client := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	name := "cdn-" + strings.ToLower(id.New(time.Now()))
	out, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("-----BEGIN")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := object.Secret(client, *out.ARN)(t.Context()); got != "-----BEGIN" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err = client.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: out.ARN, ForceDeleteWithoutRecovery: aws.Bool(true)})
	if err != nil {
		t.Error(err)
	}
	if _, err := object.Secret(client, *out.ARN)(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a secret that is gone: %v", err)
	}
}
