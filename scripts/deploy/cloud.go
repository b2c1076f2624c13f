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
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
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
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, nil
}
