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

// Stages of a secret's versions, as Secrets Manager calls them.
const (
	stageCurrent = "AWSCURRENT"
	stageNext    = "AWSPENDING"
	stageBefore  = "AWSPREVIOUS"
)

// edgeSecret is the secret by which the edge proves itself to all regions. It is at
// Secrets Manager in the home region. The edge sends the current one. While it is
// being changed regions take two, and which these are is told by the stages that
// there are, so that whoever deploys meanwhile gives them the same.
type edgeSecret struct {
	name    string
	secrets *secretsmanager.Client
	current version
	next    version // regions take it already, the edge doesn't send it yet
	before  version // the edge has stopped sending it, regions take it still
}

// version is one value; without any it is empty.
type version struct{ id, value string }

// openSecret reads the secret, and makes it if it isn't there yet.
func (d *desk) openSecret(ctx context.Context, env *environment.Environment) (*edgeSecret, error) {
	home, err := openCloud(ctx, env.Home)
	if err != nil {
		return nil, err
	}
	s := &edgeSecret{name: env.Secret, secrets: secretsmanager.NewFromConfig(home.aws)}
	if err := s.read(ctx); err != nil {
		return nil, fmt.Errorf("the edge's secret %s in %s: %w", env.Secret, env.Home, err)
	}
	if s.current.value != "" {
		return s, nil
	}
	value := newSecret()
	res, err := s.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: &s.name, SecretString: &value,
		Description: aws.String("By it Parley's edge proves itself to the regions, environment " + env.Name),
		Tags:        []types.Tag{{Key: aws.String("project"), Value: aws.String("parley")}, {Key: aws.String("environment"), Value: &env.Name}},
	})
	if err != nil {
		return nil, fmt.Errorf("make the edge's secret %s in %s: %w", env.Secret, env.Home, err)
	}
	d.say("secret    %s made in %s", env.Secret, env.Home)
	s.current = version{aws.ToString(res.VersionId), value}
	return s, nil
}

// read reads what stages there are.
func (s *edgeSecret) read(ctx context.Context) error {
	for stage, v := range map[string]*version{stageCurrent: &s.current, stageNext: &s.next, stageBefore: &s.before} {
		*v = version{}
		res, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.name, VersionStage: &stage})
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
			continue
		}
		if err != nil {
			return err
		}
		*v = version{aws.ToString(res.VersionId), aws.ToString(res.SecretString)}
	}
	if s.next.id == s.current.id { // a change that was stopped just after the edge's turn began
		s.next = version{}
	}
	return nil
}

// parameters are what a stack is given of it. The edge's template takes one.
func (s *edgeSecret) parameters() map[string]string {
	if s.next.value != "" {
		return map[string]string{environment.EdgeSecret: s.next.value, environment.EdgeSecretBefore: s.current.value}
	}
	return map[string]string{environment.EdgeSecret: s.current.value, environment.EdgeSecretBefore: s.before.value}
}

// of are the parameters of one stack: the edge sends the current secret only.
func (s *edgeSecret) of(t *environment.Target) map[string]string {
	if t.Name == "edge" {
		return map[string]string{environment.EdgeSecret: s.current.value}
	}
	return s.parameters()
}

// announce makes the next secret.
func (s *edgeSecret) announce(ctx context.Context) error {
	value := newSecret()
	_, err := s.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.name, SecretString: &value, VersionStages: []string{stageNext}})
	if err != nil {
		return fmt.Errorf("make the next secret of %s: %w", s.name, err)
	}
	return s.read(ctx)
}

// promote makes the next secret the current one, and the current one that before.
func (s *edgeSecret) promote(ctx context.Context) error {
	if err := s.move(ctx, stageCurrent, s.next.id, s.current.id); err != nil {
		return err
	}
	if err := s.move(ctx, stageNext, "", s.next.id); err != nil {
		return err
	}
	return s.read(ctx)
}

// drop forgets the secret before.
func (s *edgeSecret) drop(ctx context.Context) error {
	if err := s.move(ctx, stageBefore, "", s.before.id); err != nil {
		return err
	}
	return s.read(ctx)
}

func (s *edgeSecret) move(ctx context.Context, stage, to, from string) error {
	in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: &s.name, VersionStage: &stage, RemoveFromVersionId: &from}
	if to != "" {
		in.MoveToVersionId = &to
	}
	if _, err := s.secrets.UpdateSecretVersionStage(ctx, in); err != nil {
		return fmt.Errorf("stage %s of secret %s: %w", stage, s.name, err)
	}
	return nil
}

// newSecret has no capitals: load balancers ignore case.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}
