// Package finance is where a bill's material and the bill itself are on AWS: the
// bucket of finance, and the list of the account's functions.
//
// Errors are AWS's own, with what was tried: no user sees them.
package finance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/bill"
)

// Bucket is finance's bucket. It implements bill.Bucket.
type Bucket struct {
	s3   *s3.Client
	name string
}

// New opens the bucket of that name.
func New(client *s3.Client, bucket string) *Bucket { return &Bucket{s3: client, name: bucket} }

// List returns what begins so, by name: one call for 1,000.
func (b *Bucket) List(ctx context.Context, prefix string) ([]bill.Object, error) {
	var all []bill.Object
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	for pages := s3.NewListObjectsV2Paginator(b.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, o := range page.Contents {
			all = append(all, bill.Object{Name: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Tag: aws.ToString(o.ETag)})
		}
	}
	return all, nil
}

// Open reads an object: one GET.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &name})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return out.Body, nil
}

// Put keeps an object: one PUT. The same name again replaces it.
func (b *Bucket) Put(ctx context.Context, name, contentType string, body []byte) error {
	_, err := b.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &name, Body: bytes.NewReader(body), ContentType: &contentType})
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// Functions lists the Lambda functions of one or several regions. It implements
// bill.Inventory.
type Functions struct {
	cfg     aws.Config
	regions []string
}

// NewFunctions lists those of these regions; without any, those of cfg's.
func NewFunctions(cfg aws.Config, regions ...string) *Functions {
	if len(regions) == 0 {
		regions = []string{cfg.Region}
	}
	return &Functions{cfg, regions}
}

// centreTags are how the tag of a cost centre is spelt.
var centreTags = []string{"cost-centre", "cost-center", "CostCentre", "CostCenter"}

// Functions takes a call for 50 functions and one for the tags of each.
func (f *Functions) Functions(ctx context.Context) ([]bill.Function, error) {
	var all []bill.Function
	for _, region := range f.regions {
		client := lambda.NewFromConfig(f.cfg, func(o *lambda.Options) { o.Region = region })
		for pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("list functions of %s: %w", region, err)
			}
			for _, c := range page.Functions {
				tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: c.FunctionArn})
				if err != nil {
					return nil, fmt.Errorf("tags of %s: %w", aws.ToString(c.FunctionName), err)
				}
				all = append(all, function(region, c, tags.Tags))
			}
		}
	}
	return all, nil
}

func function(region string, c lambdatypes.FunctionConfiguration, tags map[string]string) bill.Function {
	out := bill.Function{Name: aws.ToString(c.FunctionName), Region: region, Architecture: "x86_64"} // Lambda's own default
	if slices.Contains(c.Architectures, lambdatypes.ArchitectureArm64) {
		out.Architecture = "arm64"
	}
	for _, name := range centreTags {
		if out.Centre == "" {
			out.Centre = tags[name]
		}
	}
	return out
}
