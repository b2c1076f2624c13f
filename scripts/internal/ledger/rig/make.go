package rig

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/id"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// unique adds to a name what no other rig has.
func unique(name string) string { return "rig-" + name + "-" + strings.ToLower(id.New(time.Now())) }

func (r *Rig) makeTables(ctx context.Context) error {
	r.AccountsTable, r.ChatsTable, r.FilesTable = unique("accounts"), unique("chats"), unique("files")
	for _, name := range []string{r.AccountsTable, r.ChatsTable, r.FilesTable} {
		if err := r.makeTable(ctx, name); err != nil {
			return fmt.Errorf("make table: %w", err)
		}
	}
	return nil
}

// makeTable makes a table as template.yaml has it.
func (r *Rig) makeTable(ctx context.Context, name string) error {
	if err := storetest.Create(ctx, r.DB, name); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		_, err := r.DB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		return err
	})
	return nil
}

func (r *Rig) makeQueues(ctx context.Context) error {
	for name, url := range map[string]*string{"free": &r.Queues.Free, "premium": &r.Queues.Premium, "dead": &r.Queues.Dead, "purge": &r.Queues.Purge, "files": &r.Queues.Files, "index": &r.Queues.Index} {
		out, err := r.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{
			QueueName: aws.String(unique(name)), Attributes: map[string]string{"VisibilityTimeout": "15"}})
		if err != nil {
			return fmt.Errorf("make queue: %w", err)
		}
		*url = *out.QueueUrl
		r.later(func(ctx context.Context) error {
			_, err := r.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
			return err
		})
	}
	return nil
}

func (r *Rig) makeBuckets(ctx context.Context) error {
	r.Bucket, r.Usage, r.Files, r.Index = unique("bodies"), unique("usage"), unique("files"), unique("index")
	return errors.Join(r.makeBucket(ctx, r.Bucket), r.makeBucket(ctx, r.Usage), r.makeBucket(ctx, r.Index), r.makeBucket(ctx, r.Files),
		r.keepVersions(ctx, r.Bucket), r.keepVersions(ctx, r.Files))
}

func (r *Rig) makeBucket(ctx context.Context, name string) error {
	client := r.S3
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
		return fmt.Errorf("make bucket: %w", err)
	}
	r.later(func(ctx context.Context) error {
		pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			if err := removeObjects(ctx, client, name, page); err != nil {
				return err
			}
		}
		_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
		return err
	})
	return nil
}

// UsageFiles is the bucket of usage records, past the recorder.
func (r *Rig) UsageFiles() *store.Usage {
	return store.NewUsage(r.S3, r.Usage)
}

func (r *Rig) keepVersions(ctx context.Context, name string) error {
	_, err := r.S3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name,
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	if err != nil {
		return fmt.Errorf("keep versions: %w", err)
	}
	return nil
}

func removeObjects(ctx context.Context, client *s3.Client, bucket string, page *s3.ListObjectVersionsOutput) error {
	var all []s3types.ObjectIdentifier
	for _, v := range page.Versions {
		all = append(all, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		all = append(all, s3types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	for _, o := range all {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key, VersionId: o.VersionId}); err != nil {
			return err
		}
	}
	return nil
}

// sender is whom the rig's mails come from.
const sender = "parley@example.com"

func (r *Rig) makeSender(ctx context.Context) error {
	client := sesv2.NewFromConfig(config(r.Services.AWS))
	_, err := client.CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(sender)})
	if _, there := errors.AsType[*sestypes.AlreadyExistsException](err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make sender: %w", err)
	}
	return nil // it stays, for other rigs
}

func (r *Rig) makeKey(ctx context.Context) error {
	client := kms.NewFromConfig(config(r.Services.AWS))
	out, err := client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	r.Key = *out.KeyMetadata.KeyId
	r.later(func(ctx context.Context) error {
		_, err := client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &r.Key, PendingWindowInDays: aws.Int32(7)})
		return err
	})
	return nil
}
