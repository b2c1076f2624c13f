package fleettest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parley/shared/id"
)

// Deployment is a stack that a test has deployed to the embedded AWS beside Parley's
// own; it goes with the test.
type Deployment struct {
	Outputs   map[string]string
	Resources map[string]string // types, by logical id
}

// Place is an environment of a test's own: a name, and a domain with a hosted zone.
type Place struct{ Environment, Domain, Zone, GpuImage string }

// place has what templates expect to find: a zone, and AWS's own name for an image.
const place = `AWSTemplateFormatVersion: '2010-09-09'
Parameters: {Name: {Type: String}}
Resources:
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: !Sub '${Name}.example'}}
  GpuImage: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '/${Name}/gpu', Type: String, Value: ami-0123456789abcdef0}}
Outputs:
  Zone: {Value: !Ref Zone}
  GpuImage: {Value: !Ref GpuImage}
`

// NewPlace makes one.
func NewPlace(t testing.TB) Place {
	t.Helper()
	name := "t" + strings.ToLower(id.New(time.Now()))[14:]
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(place), 0o600); err != nil {
		t.Fatal(err)
	}
	made := Deploy(t, file, "place-"+name, "Name="+name)
	return Place{Environment: name, Domain: name + ".example", Zone: made.Outputs["Zone"], GpuImage: made.Outputs["GpuImage"]}
}

// Deploy deploys a template by SAM CLI; its path is taken from the checkout's top.
func Deploy(t testing.TB, template, stack string, parameters ...string) Deployment {
	t.Helper()
	top := root(t)
	if !filepath.IsAbs(template) {
		template = filepath.Join(top, template)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := cloudformation.NewFromConfig(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
			t.Errorf("delete %s: %v", stack, err)
		}
	})
	args := []string{"deploy", "--template-file", template, "--stack-name", stack, "--s3-bucket", "parley-artifacts", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
		"--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"}
	sam := exec.CommandContext(t.Context(), filepath.Join(top, ".tools/sam/bin/sam"), append(args, parameters...)...)
	sam.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0")
	sam.Dir = t.TempDir() // without a samconfig.toml
	if out, err := sam.CombinedOutput(); err != nil {
		t.Fatalf("deploy %s: %v\n%s", template, err, out)
	}
	return describe(t, client, stack)
}

func describe(t testing.TB, client *cloudformation.Client, stack string) Deployment {
	t.Helper()
	stacks, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil || len(stacks.Stacks) != 1 || stacks.Stacks[0].StackStatus != types.StackStatusCreateComplete {
		t.Fatalf("%s: %+v, %v", stack, stacks, err)
	}
	d := Deployment{map[string]string{}, map[string]string{}}
	for _, o := range stacks.Stacks[0].Outputs {
		d.Outputs[*o.OutputKey] = *o.OutputValue
	}
	resources, err := client.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: &stack})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources.StackResources {
		d.Resources[*r.LogicalResourceId] = *r.ResourceType
	}
	return d
}
