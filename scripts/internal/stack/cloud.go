package stack

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// cloud is the embedded AWS, as far as a deployment has to ask it: three
// calls. They are made by hand because the emulator checks no signature, and
// two more SDK clients for them would not pay.
type cloud struct{ url, region string }

// errNoStack: there is no stack of that name, or it isn't complete.
var errNoStack = errors.New("no complete stack")

// outputs returns the outputs of a stack that is completely deployed.
func (c cloud) outputs(ctx context.Context, stackName string) (map[string]string, error) {
	form := url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {stackName}}
	body, err := c.call(ctx, "cloudformation", http.MethodPost, "/", form.Encode())
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", errNoStack, stackName, err)
	}
	return parseOutputs(body)
}

func parseOutputs(body []byte) (map[string]string, error) {
	var res struct {
		Stack struct {
			Status  string `xml:"StackStatus"`
			Outputs []struct {
				Key   string `xml:"OutputKey"`
				Value string `xml:"OutputValue"`
			} `xml:"Outputs>member"`
		} `xml:"DescribeStacksResult>Stacks>member"`
	}
	if err := xml.Unmarshal(body, &res); err != nil {
		return nil, fmt.Errorf("answer of DescribeStacks: %w", err)
	}
	if status := res.Stack.Status; status != "CREATE_COMPLETE" && status != "UPDATE_COMPLETE" {
		return nil, fmt.Errorf("%w: its status is %q", errNoStack, status)
	}
	outputs := map[string]string{}
	for _, o := range res.Stack.Outputs {
		outputs[o.Key] = o.Value
	}
	return outputs, nil
}

// makeBucket creates a bucket; one that exists is left as it is.
func (c cloud) makeBucket(ctx context.Context, name string) error {
	body := ""
	if c.region != "us-east-1" { // where S3 began, and wants nothing said
		body = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + c.region + `</LocationConstraint></CreateBucketConfiguration>`
	}
	_, err := c.call(ctx, "s3", http.MethodPut, "/"+name, body)
	if err != nil && strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		return nil
	}
	return err
}

// invoke calls a function once, with an empty event.
func (c cloud) invoke(ctx context.Context, function string) error {
	path := "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations"
	_, err := c.call(ctx, "lambda", http.MethodPost, path, "{}")
	return err
}

// call sends one request; service is what the emulator routes it by.
func (c cloud) call(ctx context.Context, service, method, path, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", fmt.Sprintf(
		"AWS4-HMAC-SHA256 Credential=test/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=none", c.region, service))
	if service == "cloudformation" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 || res.Header.Get("X-Amz-Function-Error") != "" {
		return nil, fmt.Errorf("%s answered %s: %s", service, res.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}

var executeAPI = regexp.MustCompile(`^https?://([a-z0-9]+)\.execute-api\.[^/]+(?:/([^/]+))?/?$`)

// localAPI turns an API's URL into the one under which this machine reaches
// it: the emulator takes the API's id from the path, so that no name has to
// be resolved.
func (c cloud) localAPI(apiURL string) string {
	m := executeAPI.FindStringSubmatch(apiURL)
	if m == nil {
		return apiURL
	}
	stage := m[2]
	if stage == "" {
		stage = "$default"
	}
	return c.url + "/_aws/execute-api/" + m[1] + "/" + stage
}
