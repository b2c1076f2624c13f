// Package store keeps accounts, chats and messages in DynamoDB, with bodies too
// large for a row in S3.
//
// Every key is built in key.go and begins with its owner, so that no caller can
// even ask for somebody else's row. A method is one use case's worth of reads or
// writes and says in its comment what it costs; the ledger test holds it to that.
//
// Errors: what a use case must tell apart comes back as a *problem.Error; a table
// that throttles or can't be reached is Unavailable.
package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/problem"
)

// AWS reads region, credentials and endpoint as the SDK does and adds the limits
// that it lacks: 1 s to connect, 25 s for a call, which a long poll needs and
// which a caller's own deadline shortens, and three tries. A function signs its calls
// with its name, so that logs of them tell who called.
func AWS(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().
		WithTimeout(25 * time.Second).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = time.Second }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = time.Second
			t.MaxIdleConnsPerHost = 64
		})
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithAppID(os.Getenv("AWS_LAMBDA_FUNCTION_NAME")), // without one, what AWS_SDK_UA_APP_ID says
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = 3
				o.MaxBackoff = 500 * time.Millisecond
			})
		}))
	if err != nil {
		return cfg, fmt.Errorf("AWS settings: %w", err)
	}
	return cfg, nil
}

// item is a row as DynamoDB has it.
type item = map[string]types.AttributeValue

func str(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func num[T ~int | ~int64](v T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
}

func bin(v []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: v} }

func yes() types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: true} }

// unavailable marks a failed call to AWS: the caller may try again.
func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	return problem.New(problem.Unavailable, "unavailable", "The service is busy; please try again in a moment.").
		Because(fmt.Errorf("%s: %w", what, err))
}

// conditionFailed reports whether a single write was refused by its condition,
// and the row that stood in the way if the call asked for it.
func conditionFailed(err error) (old item, failed bool) {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, true
	}
	return nil, false
}

// refusals returns, for a transaction that its conditions refused, the reason of
// each action in order; nil for any other error.
func refusals(err error) []types.CancellationReason {
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return e.CancellationReasons
	}
	return nil
}

// refused reports whether that action of a transaction failed its condition, and
// the row that stood in the way.
func refused(reasons []types.CancellationReason, action int) (old item, failed bool) {
	if action >= len(reasons) || aws.ToString(reasons[action].Code) != "ConditionalCheckFailed" {
		return nil, false
	}
	return reasons[action].Item, true
}

// Patient gives a client of S3 so long for a call with all its bytes. Until S3 says
// something it may take a minute.
func Patient(call time.Duration, more ...func(*http.Transport)) func(*s3.Options) {
	const silence = time.Minute
	return func(o *s3.Options) {
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = client.WithTimeout(call).
				WithTransportOptions(append(more[:len(more):len(more)], func(t *http.Transport) { t.ResponseHeaderTimeout = silence })...)
		}
	}
}

// DynamoDB opens the client for this region's tables.
func DynamoDB(cfg aws.Config) *dynamodb.Client { return dynamodb.NewFromConfig(cfg) }

// DynamoDBIn opens the client for another region's; empty is this one. Accounts are
// written in one region, because an address can be somebody's in one place only, and
// whoever is about to write one reads it there.
func DynamoDBIn(cfg aws.Config, region string) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if region != "" {
			o.Region = region
		}
	})
}
