package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// cloud is AWS in one region.
type cloud struct {
	aws    aws.Config
	region string
	stacks *cloudformation.Client
	s3     *s3.Client
	lambda *lambda.Client
}

func openCloud(ctx context.Context, region string) (*cloud, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithLogger(logging.Nop{})) // what matters is in errors
	if err != nil {
		return nil, err
	}
	return &cloud{
		aws: c, region: region,
		stacks: cloudformation.NewFromConfig(c),
		s3:     s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = c.BaseEndpoint != nil }),
		lambda: lambda.NewFromConfig(c),
	}, nil
}

// stack describes a stack; nil is that there is none.
func (c *cloud) stack(ctx context.Context, name string) (*types.Stack, error) {
	res, err := c.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "ValidationError" && strings.Contains(e.ErrorMessage(), "does not exist") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("stack %s: %w", name, err)
	}
	if len(res.Stacks) == 0 {
		return nil, nil
	}
	return &res.Stacks[0], nil
}

// outputs of a stack that is deployed.
func (c *cloud) outputs(ctx context.Context, name string) (map[string]string, error) {
	s, err := c.stack(ctx, name)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("there is no stack %s in %s yet", name, c.region)
	}
	return outputsOf(s), nil
}

func outputsOf(s *types.Stack) map[string]string {
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs
}

// resources are those that a stack has.
func (c *cloud) resources(ctx context.Context, stack string) ([]types.StackResourceSummary, error) {
	var all []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(c.stacks, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("resources of %s: %w", stack, err)
		}
		all = append(all, page.StackResourceSummaries...)
	}
	return all, nil
}

// template is the one that a stack has, as it was given.
func (c *cloud) template(ctx context.Context, name string) ([]byte, error) {
	res, err := c.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("template of %s: %w", name, err)
	}
	return []byte(aws.ToString(res.TemplateBody)), nil
}
