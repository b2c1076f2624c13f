package stack

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"

	"parley/scripts/internal/policy"
)

// calls are what functions and fleet ask of AWS, recorded on its way.
type calls struct {
	recorder *policy.Recorder
	names    map[string]string // logical ids by the names that the deployment gave
}

// recordCalls puts a recorder before AWS, if calls are to be recorded.
func (s *Stack) recordCalls() (err error) {
	if s.opts.Calls == "" {
		return nil
	}
	s.calls = &calls{recorder: policy.NewRecorder(), names: map[string]string{}}
	s.opts.Endpoint, err = s.calls.past(s.endpoint())
	return err
}

// past is where a service is reached, past the recorder if there is one.
func (c *calls) past(service string) (string, error) {
	if c == nil {
		return service, nil
	}
	return c.recorder.Listen(service)
}

// nameCalls asks what things of the templates are called in this deployment.
func (s *Stack) nameCalls(ctx context.Context) error {
	if s.calls == nil {
		return nil
	}
	return s.cloud.names(ctx, stackName, s.calls.names)
}

// saveCalls writes what was recorded. Nobody calls any more.
func (s *Stack) saveCalls() {
	if s.calls == nil {
		return
	}
	s.calls.recorder.Close()
	if err := s.calls.recorder.Save(s.opts.Calls, s.calls.names); err != nil {
		fmt.Fprintf(s.opts.Progress, "calls could not be saved: %v\n", err)
	}
}

// named are the types of what calls AWS and what it is asked about. Others' names would
// stand in their way: a function's log group ends as the function does.
var named = []string{"AWS::Lambda::Function", "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::KMS::Key", "AWS::KMS::ReplicaKey"}

// names adds the logical ids of a stack's resources, and of those of stacks in it, by
// the names that were given to them.
func (c cloud) names(ctx context.Context, stackName string, into map[string]string) error {
	form := url.Values{"Action": {"DescribeStackResources"}, "Version": {"2010-05-15"}, "StackName": {stackName}}
	body, err := c.call(ctx, "cloudformation", http.MethodPost, "/", form.Encode())
	if err != nil {
		return fmt.Errorf("resources of %s: %w", stackName, err)
	}
	var res struct {
		Resources []struct {
			Type     string `xml:"ResourceType"`
			Logical  string `xml:"LogicalResourceId"`
			Physical string `xml:"PhysicalResourceId"`
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	if err := xml.Unmarshal(body, &res); err != nil {
		return fmt.Errorf("resources of %s: %w", stackName, err)
	}
	for _, r := range res.Resources {
		if r.Type == "AWS::CloudFormation::Stack" {
			if err := c.names(ctx, r.Physical, into); err != nil {
				return err
			}
			continue
		}
		if slices.Contains(named, r.Type) {
			into[path.Base(r.Physical)] = r.Logical // a queue's is a URL
		}
	}
	return nil
}
