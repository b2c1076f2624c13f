//go:build service

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"parley/shared/api"
)

// world is a checkout of its own with a stack of its own at the embedded AWS. Its
// root template says where its API is: the one of the Parley that runs there.
type world struct {
	t     *testing.T
	root  string
	stack string
	cloud *cloud
	out   strings.Builder

	linted bool // the templates were, which takes longer than all else
}

const rootTemplate = `
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Api: {Type: String, AllowedPattern: 'https?://.+'}
  EdgeSecret: {Type: String, NoEcho: true, Default: ''}
  EdgeSecretBefore: {Type: String, NoEcho: true, Default: ''}
  Release: {Type: String, Default: ''}
Resources:
  Data: {Type: AWS::Serverless::Application, DeletionPolicy: Delete, Properties: {Location: data.yaml, Parameters: {EdgeSecret: !Ref EdgeSecret, EdgeSecretBefore: !Ref EdgeSecretBefore, Api: !Ref Api}}}
Outputs:
  ApiUrl: {Value: !Ref Api}
  Table: {Value: !GetAtt Data.Outputs.Table}
  Release: {Value: !Ref Release}
`

const dataTemplate = `
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  EdgeSecret: {Type: String, NoEcho: true}
  EdgeSecretBefore: {Type: String, NoEcho: true}
  Api: {Type: String}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: PK, AttributeType: S}]
      KeySchema: [{AttributeName: PK, KeyType: HASH}]
      Tags: [{Key: takes, Value: !Sub '${EdgeSecret} ${EdgeSecretBefore}'}, {Key: api, Value: !Ref Api}] # where the test sees them
Outputs:
  Table: {Value: !Ref Table}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	c, err := openCloud(ctx, os.Getenv("AWS_REGION"))
	if err != nil {
		t.Fatal(err)
	}
	who, err := sts.NewFromConfig(c.aws).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("deploy-%d", time.Now().UnixNano())
	w := &world{t: t, root: t.TempDir(), stack: name, cloud: c}
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(repo, ".tools"), filepath.Join(w.root, ".tools")); err != nil {
		t.Fatal(err)
	}
	w.write("template.yaml", rootTemplate)
	w.write("data.yaml", dataTemplate)
	w.write("env/test/environment.yaml", fmt.Sprintf("{account: '%s', stack: %s, home: %s, serving: [%s], secret: %s/edge, url: 'http://127.0.0.1:1'}",
		aws.ToString(who.Account), name, c.region, c.region, name))
	w.git("init", "-q")
	t.Cleanup(func() {
		for _, stack := range []string{name, name + "-edge"} {
			_, err := c.stacks.DeleteStack(context.Background(), &cloudformation.DeleteStackInput{StackName: &stack})
			if err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// api has the region's file say where the API is.
func (w *world) api(url string) {
	w.t.Helper()
	w.write("env/test/"+w.cloud.region+".yaml", fmt.Sprintf("parameters: {Api: '%s'}", url))
}

func (w *world) git(args ...string) {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", w.root, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func (w *world) commit(message string) {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "-m", message)
}

// run runs the program, answering its questions, and holds its exit code to what
// is wanted. It returns what it printed, with the error at the end.
func (w *world) run(code int, answers string, args ...string) string {
	w.t.Helper()
	w.out.Reset()
	args = append(args, "-root", w.root, "-files", "env", "-env", "test", "-bucket", "parley-artifacts")
	if args[0] != "rotate-secret" && !slices.Contains(args, "-edge") {
		args = append(args, "-region", w.cloud.region)
	}
	d, err := parse(args, strings.NewReader(answers), &w.out)
	if err != nil {
		w.t.Fatal(err)
	}
	d.linted = w.linted
	err = d.do(w.t.Context())
	fmt.Fprintln(&w.out, err)
	if got := exitCode(err); got != code {
		w.t.Fatalf("deploy %q ended with %d, want %d:\n%s", args, got, code, &w.out)
	}
	return w.out.String()
}

func (w *world) has(out string, wants ...string) {
	w.t.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			w.t.Errorf("no %q in what was said:\n%s", want, out)
		}
	}
}

func (w *world) outputs() map[string]string {
	w.t.Helper()
	outputs, err := w.cloud.outputs(w.t.Context(), w.stack)
	if err != nil {
		w.t.Fatal(err)
	}
	return outputs
}

// stoppedAtTheQuestion presses Ctrl-C when the program asks: nothing is left of it.
func (w *world) stoppedAtTheQuestion() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	silent, never := io.Pipe()
	defer never.Close()
	out := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "[y/N]") {
			cancel()
		}
		return len(p), nil
	})
	d, err := parse([]string{"-root", w.root, "-files", "env", "-env", "test", "-bucket", "parley-artifacts", "-region", w.cloud.region}, silent, out)
	if err != nil {
		w.t.Fatal(err)
	}
	d.linted = true
	if err := d.do(ctx); exitCode(err) != exitInterrupted || !strings.Contains(fmt.Sprint(err), "nothing was changed") {
		w.t.Errorf("Ctrl-C at the question ends with %d, %v; want %d and that nothing was changed", exitCode(err), err, exitInterrupted)
	}
	sets, err := w.cloud.stacks.ListChangeSets(w.t.Context(), &cloudformation.ListChangeSetsInput{StackName: &w.stack})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, set := range sets.Summaries {
		if set.ExecutionStatus == "AVAILABLE" {
			w.t.Errorf("the change set %s is left", aws.ToString(set.ChangeSetName))
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestDeploy takes one stack through its life. Its steps follow from each other.
func TestDeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.api(os.Getenv("API_URL"))
	secret := &secretsmanager.CreateSecretInput{Name: aws.String(w.stack + "/edge"), SecretString: aws.String(os.Getenv("EDGE_SECRET"))}
	if _, err := secretsmanager.NewFromConfig(w.cloud.aws).CreateSecret(ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.commit("first")

	// A plan of what isn't there yet leaves nothing.
	w.has(w.run(exitNo, "", "-plan"), "sam validate --lint finds nothing", "Add", "AWS::DynamoDB::Table", "-plan")
	if s, err := w.cloud.stack(ctx, w.stack); err != nil || s != nil && s.StackStatus != "DELETE_COMPLETE" {
		t.Errorf("after a plan there is the stack %v (%v)", s, err)
	}

	w.linted = true // but once is enough here

	// The first deployment is tested against the API that its output names.
	out := w.run(0, "y\n")
	w.has(out, "CREATE_COMPLETE", "Data/Table", "ok    sign-up that is refused", "ok    search", "is well")
	first := w.outputs()
	db := dynamodb.NewFromConfig(w.cloud.aws)
	item := map[string]dbtypes.AttributeValue{"PK": &dbtypes.AttributeValueMemberS{Value: "kept"}}
	if _, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(first["Table"]), Item: item}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, os.Getenv("EDGE_SECRET")) {
		t.Error("the edge's secret was printed")
	}
	w.has(w.run(0, ""), "nothing to change")

	// What isn't committed is not deployed.
	w.write("data.yaml", strings.Replace(dataTemplate, "Outputs:", "  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: '"+w.stack+"'}}\nOutputs:", 1))
	w.has(w.run(exitRefused, ""), "data.yaml", "aren't committed")
	w.commit("a queue")

	// Nor is what nobody confirms; a plan says the same.
	w.has(w.run(exitNo, "n\n"), "Data", "Add", "Queue", "AWS::SQS::Queue", "not confirmed")
	w.stoppedAtTheQuestion()
	w.has(w.run(0, "y\n"), "_COMPLETE", "Data/Queue", "is well")

	// A table's replacement is refused before anybody is asked, deep as it is.
	data, err := os.ReadFile(filepath.Join(w.root, "data.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("data.yaml", strings.ReplaceAll(string(data), "AttributeName: PK", "AttributeName: ID"))
	w.commit("another key")
	w.has(w.run(exitRefused, "y\n", "-yes"), "Data/Table: this table would be replaced", "KeySchema", "LOST", "refused")
	w.has(w.run(exitNo, "", "-plan", "-lose", "Data/Table"), "LOST", "-plan")
	w.write("template.yaml", strings.NewReplacer("  Data: {Type", "  Store: {Type", "Data.Outputs", "Store.Outputs").Replace(rootTemplate))
	w.commit("another name for all of it")
	w.has(w.run(exitRefused, "", "-yes"), "Data/Table: this table would be removed", "Data/Queue: this queue would be removed")
	if got, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(first["Table"]), Key: item}); err != nil || got.Item == nil {
		t.Errorf("the row in the table: %v (%v)", got, err)
	}
	w.write("template.yaml", rootTemplate)

	// What CloudFormation can't do it takes back, and the reason is said.
	w.write("data.yaml", strings.Replace(string(data), "Outputs:", "  Bad: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 99999}}\nOutputs:", 1))
	w.commit("what can't be")
	w.has(w.run(exitDeployment, "", "-yes"), "What failed first: Data/Bad (AWS::SQS::Queue)")
	w.write("data.yaml", string(data))

	// A release that doesn't answer goes back to what was before.
	w.api("http://127.0.0.1:1")
	w.commit("nobody answers there")
	w.has(w.run(exitReturned, "", "-yes", "-smoke", "1s"), "UPDATE_COMPLETE", "The test failed", "Back to what was before", "again")
	if got := w.outputs(); got["ApiUrl"] != first["ApiUrl"] || got["Table"] != first["Table"] {
		t.Errorf("after the return the outputs are %v, want %v", got, first)
	}

	// The same release stays when somebody says no to the return, until rollback.
	w.has(w.run(exitStays, "y\nn\n", "-smoke", "1s"), "did not return", "not confirmed")
	if got := w.outputs(); got["ApiUrl"] != "http://127.0.0.1:1" {
		t.Errorf("the API is at %s, want where the release says", got["ApiUrl"])
	}
	w.has(w.run(0, "y\n", "rollback"), "is what it was before")
	if got := w.outputs(); got["ApiUrl"] != first["ApiUrl"] {
		t.Errorf("after rollback the API is at %s, want %s", got["ApiUrl"], first["ApiUrl"])
	}
}

// edgeTemplate is of another stack, which has the secret that is sent in a tag.
const edgeTemplate = `
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  EdgeSecret: {Type: String, NoEcho: true}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: PK, AttributeType: S}]
      KeySchema: [{AttributeName: PK, KeyType: HASH}]
      Tags: [{Key: sends, Value: !Ref EdgeSecret}]
  Page: {Type: AWS::S3::Bucket, DeletionPolicy: Delete}
Outputs:
  PageBucket: {Value: !Ref Page}
  Table: {Value: !Ref Table}
`

// tags of the table of a stack.
func (w *world) tags(stack string) []string {
	w.t.Helper()
	outputs, err := w.cloud.outputs(w.t.Context(), stack)
	if err != nil {
		w.t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(w.cloud.aws)
	table, err := db.DescribeTable(w.t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(outputs["Table"])})
	if err != nil {
		w.t.Fatal(err)
	}
	tags, err := db.ListTagsOfResource(w.t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, tag := range tags.Tags {
		if key := aws.ToString(tag.Key); key == "takes" || key == "sends" {
			return strings.Fields(aws.ToString(tag.Value))
		}
	}
	return nil
}

// TestRotateSecret changes the secret between a region and an edge, and has the
// first run die half-way.
func TestRotateSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linted = true
	served := map[string]bool{} // secrets with which the region's API was asked
	lost := false               // the API answers nobody
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		served[r.Header.Get(api.EdgeSecretHeader)] = true
		switch {
		case lost:
			rw.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/":
		default:
			r.Header.Set(api.EdgeSecretHeader, "secret")
			answers("", 0, "").ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(server.Close)
	w.api(server.URL)
	w.write("web/template.yaml", edgeTemplate)
	w.write("env/test/edge.yaml", "parameters: {}")
	environment, err := os.ReadFile(filepath.Join(w.root, "env/test/environment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("env/test/environment.yaml", strings.Replace(string(environment), "http://127.0.0.1:1", server.URL, 1))
	w.commit("first")

	w.has(w.run(0, "", "-yes"), "/edge made in")
	w.write("web/index.html", "<!doctype html>")
	w.write("web/template_test.go", "package web")
	w.write("web/old.js", "1")
	w.commit("a page")
	w.has(w.run(0, "", "-yes", "-edge"), "2 files, of which 2 were new; 0 went")
	if err := os.Remove(filepath.Join(w.root, "web/old.js")); err != nil {
		t.Fatal(err)
	}
	w.commit("less of it")
	w.has(w.run(0, "", "-yes", "-edge"), "nothing to change", "1 files, of which 0 were new; 1 went")
	old := w.tags(w.stack)
	if len(old) != 1 || len(old[0]) != 64 || !slices.Equal(w.tags(w.stack+"-edge"), old) || !served[old[0]] {
		t.Fatalf("the region takes %d secrets, want the one of 64 characters that the edge sends", len(old))
	}

	// The region's test fails: it takes both by then, and the edge sends the old one.
	lost = true
	w.has(w.run(exitRefused, "", "rotate-secret", "-yes", "-smoke", "1s"), "another rotate-secret goes on")
	both := w.tags(w.stack)
	if len(both) != 2 || both[0] == old[0] || both[1] != old[0] {
		t.Fatalf("the region takes %d secrets, want the next one and that of before", len(both))
	}
	if got := w.tags(w.stack + "-edge"); !slices.Equal(got, old) {
		t.Error("the edge sends another secret before the region was seen to take it")
	}
	lost = false
	w.has(w.run(0, "", "-yes"), "nothing to change") // whoever deploys meanwhile gives it the same

	w.has(w.run(0, "", "rotate-secret", "-yes"), "has it already", "another one now")
	now := w.tags(w.stack)
	if !slices.Equal(now, both[:1]) || !slices.Equal(w.tags(w.stack+"-edge"), now) {
		t.Errorf("the region takes %d secrets, want the new one alone, which the edge sends", len(now))
	}
	if !served[now[0]] {
		t.Error("the region was never asked with the new secret")
	}
	w.has(w.run(0, "", "-yes"), "nothing to change")
	if out := w.out.String(); strings.Contains(out, now[0]) || strings.Contains(out, old[0]) {
		t.Error("a secret was printed")
	}
}
