// Package objecttest gives tests a bucket of their own on the embedded AWS.
package objecttest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/id"
)

// Client opens S3 at that address.
func Client(url string) *s3.Client {
	return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// Bucket makes an empty bucket with versions, as template.yaml has it, on the
// embedded AWS that AWS_ENDPOINT_URL names, and removes it at the end of the test
// with what is in it.
func Bucket(t testing.TB) (client *s3.Client, name string) {
	t.Helper()
	url := os.Getenv("AWS_ENDPOINT_URL")
	if url == "" {
		t.Fatal("AWS_ENDPOINT_URL is not set: `make test` starts an embedded AWS and sets it")
	}
	client, name = Client(url), "files-"+strings.ToLower(id.New(time.Now()))
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Remove(t, client, name) })
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	return client, name
}

// Remove removes a bucket with what is in it.
func Remove(t testing.TB, client *s3.Client, name string) {
	t.Helper()
	ctx := context.Background()
	var ids []types.ObjectIdentifier
	for _, o := range Versions(t, client, name, "") {
		ids = append(ids, types.ObjectIdentifier{Key: o.Key, VersionId: o.VersionId})
	}
	for ; len(ids) > 0; ids = ids[min(len(ids), 1000):] {
		_, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name,
			Delete: &types.Delete{Objects: ids[:min(len(ids), 1000)], Quiet: aws.Bool(true)}})
		if err != nil {
			t.Errorf("empty bucket %s: %v", name, err)
		}
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name}); err != nil {
		t.Errorf("delete bucket %s: %v", name, err)
	}
}

// Versions lists every version under a prefix, those that only mark a deletion
// included.
func Versions(t testing.TB, client *s3.Client, name, prefix string) []types.ObjectIdentifier {
	t.Helper()
	var all []types.ObjectIdentifier
	in := &s3.ListObjectVersionsInput{Bucket: &name, Prefix: &prefix}
	for pages := s3.NewListObjectVersionsPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatalf("list bucket %s: %v", name, err)
		}
		for _, v := range page.Versions {
			all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			all = append(all, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
	}
	return all
}
