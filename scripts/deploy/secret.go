package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"parley/scripts/deploy/environment"
)

// edgeSecret reads the secret by which the edge proves itself to all regions; it
// is at Secrets Manager in the home region, and made if it isn't there yet.
func (d *desk) edgeSecret(ctx context.Context, env *environment.Environment) (string, error) {
	home, err := openCloud(ctx, env.Home)
	if err != nil {
		return "", err
	}
	secrets := secretsmanager.NewFromConfig(home.aws)
	res, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &env.Secret})
	if err == nil {
		return aws.ToString(res.SecretString), nil
	}
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); !missing {
		return "", fmt.Errorf("the edge's secret %s in %s: %w", env.Secret, env.Home, err)
	}
	value := newSecret()
	_, err = secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: &env.Secret, SecretString: &value,
		Description: aws.String("By it Parley's edge proves itself to the regions, environment " + env.Name),
		Tags:        []types.Tag{{Key: aws.String("project"), Value: aws.String("parley")}, {Key: aws.String("environment"), Value: &env.Name}},
	})
	if err != nil {
		return "", fmt.Errorf("make the edge's secret %s in %s: %w", env.Secret, env.Home, err)
	}
	d.say("secret    %s made in %s", env.Secret, env.Home)
	return value, nil
}

// newSecret has no capitals: load balancers ignore case.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}
