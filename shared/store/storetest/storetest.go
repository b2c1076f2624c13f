// Package storetest gives tests real tables on a real DynamoDB wire.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/id"
)

// Client opens the database that DYNAMODB_URL names; the test fails without one.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	url := os.Getenv("DYNAMODB_URL")
	if url == "" {
		t.Fatal("DYNAMODB_URL is not set: `make test` starts a database and sets it")
	}
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: Wire{http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// Tables makes empty tables of the test's own, shaped as template.yaml has them,
// and removes them at its end.
func Tables(t testing.TB) (db *dynamodb.Client, accounts, chats string) {
	t.Helper()
	db = Client(t)
	return db, Table(t, db, "accounts"), Table(t, db, "chats")
}

// Table makes an empty table of the test's own, whose name begins so, and removes
// it at its end.
func Table(t testing.TB, db *dynamodb.Client, prefix string) (name string) {
	t.Helper()
	name = prefix + "-" + id.New(time.Now())
	if err := Create(t.Context(), db, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !gone { // the SDK's second try of a call that had come through
			t.Errorf("delete table %s: %v", name, err)
		}
	})
	return name
}

// Create makes an empty table, shaped as template.yaml has them, and returns when it
// can be used.
func Create(ctx context.Context, db *dynamodb.Client, name string) error {
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("SK"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("SK"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	in := &dynamodb.DescribeTableInput{TableName: &name}
	return dynamodb.NewTableExistsWaiter(db, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 100*time.Millisecond
	}).Wait(ctx, in, 10*time.Second)
}
