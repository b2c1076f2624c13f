package object

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Secret returns how the text of a secret is read from Secrets Manager: a private
// key in a function's environment could be read by whoever may look at its settings.
func Secret(client *secretsmanager.Client, arn string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if err != nil {
			return "", fmt.Errorf("read secret %s: %w", arn, err)
		}
		return aws.ToString(out.SecretString), nil
	}
}
