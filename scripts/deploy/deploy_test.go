package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"parley/fleet/serve"
	"parley/shared/api"
)

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-help", 0, ""},
		{"", exitUsage, "-env is missing"},
		{"-env prod", exitUsage, "give one of -region"},
		{"-env prod -region us-east-1 -edge", exitUsage, "give one of -region"},
		{"-env prod -all -billing", exitUsage, "give one of -region"},
		{"-env prod -region us-east-1 now", exitUsage, "flags only"},
		{"-env ../prod -region us-east-1", exitUsage, "not the name of an environment"},
		{"-env nowhere -region us-east-1", exitRefused, "nowhere"},
		{"-env prod -region eu-west-9 -root ../.. -dirty", exitRefused, "has no eu-west-9"},
		{"rollback -env prod -all", exitUsage, "one stack at a time"},
		{"dance -env prod", exitUsage, "no command \"dance\""},
		{"-env prod -fast", exitUsage, "-fast"},
	} {
		err := run(t.Context(), nil, strings.Fields(c.args), strings.NewReader(""), io.Discard)
		if code := exitCode(err); code != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q ends with %d, %v; want %d, %q", c.args, code, err, c.code, c.says)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), exitRefused},
		{fmt.Errorf("while: %w", exit(exitStays, "x")), exitStays},
		{fmt.Errorf("call AWS: %w", context.Canceled), exitInterrupted},
		{exit(exitStays, "the test failed: %w", context.Canceled), exitStays},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.want)
		}
	}
}

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 0, "Yes\n": 0, "y": 0, "n\n": exitNo, "\n": exitNo, "": exitNo, "yess\n": exitNo} {
		d := &desk{in: strings.NewReader(answer), out: io.Discard}
		if got := exitCode(d.confirm(t.Context(), "Sure?")); got != want {
			t.Errorf("%q is %d, want %d", answer, got, want)
		}
	}
	d := &desk{in: strings.NewReader("y\nn\n"), out: io.Discard} // two questions have two answers
	if err := d.confirm(t.Context(), "One?"); err != nil {
		t.Error(err)
	}
	if got := exitCode(d.confirm(t.Context(), "Two?")); got != exitNo {
		t.Errorf("the second answer is %d, want %d", got, exitNo)
	}
}

func TestConfirmEndsWithCtrlC(t *testing.T) {
	silent, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := &desk{in: silent, out: io.Discard}
	if got := exitCode(d.confirm(ctx, "Sure?")); got != exitInterrupted {
		t.Errorf("it ends with %d, want %d", got, exitInterrupted)
	}
}

func TestChangeSetType(t *testing.T) {
	for _, c := range []struct {
		status types.StackStatus
		want   types.ChangeSetType
		says   string
	}{
		{"", types.ChangeSetTypeCreate, ""},
		{types.StackStatusReviewInProgress, types.ChangeSetTypeCreate, ""},
		{types.StackStatusUpdateComplete, types.ChangeSetTypeUpdate, ""},
		{types.StackStatusUpdateRollbackComplete, types.ChangeSetTypeUpdate, ""},
		{types.StackStatusRollbackComplete, "", "delete-stack"},
		{types.StackStatusUpdateRollbackFailed, "", "continue-update-rollback"},
		{types.StackStatusUpdateInProgress, "", "somebody else"},
		{types.StackStatusUpdateCompleteCleanupInProgress, "", "somebody else"},
	} {
		var s *types.Stack
		if c.status != "" {
			s = &types.Stack{StackName: aws.String("parley"), StackStatus: c.status}
		}
		got, err := changeSetType(s)
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s gives %q, %v; want %q, %q", c.status, got, err, c.want, c.says)
		}
	}
}

func TestObjectOf(t *testing.T) {
	for location, want := range map[string]string{
		"https://s3.us-east-1.amazonaws.com/bucket/a/b.template":    "bucket a/b.template",
		"https://bucket.s3.eu-west-2.amazonaws.com/a/b.template":    "bucket a/b.template",
		"https://bucket.name.s3.amazonaws.com/b":                    "bucket.name b",
		"http://127.0.0.1:4566/bucket/a":                            "bucket a",
		"https://s3.us-east-1.amazonaws.com/bucket":                 "",
		"nested/template.yaml":                                      "",
		"":                                                          "",
		"https://s3.us-east-1.amazonaws.com/bucket/a%20b?version=1": "bucket a b",
	} {
		bucket, key, err := objectOf(location)
		if got := strings.TrimSpace(bucket + " " + key); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%s is %q, %v; want %q", location, got, err, want)
		}
	}
}

func TestSecretParameters(t *testing.T) {
	got, err := secretParameters([]byte("Parameters: {A: {Type: String, NoEcho: true}, B: {Type: String}}\nResources: {C: !Sub '${A}'}"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]bool{"A": true, "B": false}, got); d != "" {
		t.Error(d)
	}
	f := &former{Before: "abc", Parameters: map[string]string{"B": "b"}, Secrets: []string{"A"}}
	for _, p := range f.request("parley", nil).parameters {
		secret := aws.ToString(p.ParameterKey) == "A"
		if aws.ToBool(p.UsePreviousValue) != secret || (p.ParameterValue == nil) != secret {
			t.Errorf("the return gives %v", p)
		}
	}
}

// TestWhatFailedFirst has events as CloudFormation sends them when a resource deep
// within fails: others are cancelled, and the stacks around fail, too.
func TestWhatFailedFirst(t *testing.T) {
	event := func(stack, id, typ, physical, status, reason string) types.StackEvent {
		return types.StackEvent{EventId: aws.String(id + status), StackId: aws.String(stack), LogicalResourceId: aws.String(id), ResourceType: aws.String(typ),
			PhysicalResourceId: aws.String(physical), ResourceStatus: types.ResourceStatus(status), ResourceStatusReason: aws.String(reason), Timestamp: aws.Time(time.Unix(0, 0))}
	}
	const nested = "AWS::CloudFormation::Stack"
	for _, c := range []struct {
		name   string
		events []types.StackEvent
		failed string
		around string
	}{
		{
			name: "a resource",
			events: []types.StackEvent{
				event("arn:top", "Data", nested, "arn:data", "UPDATE_IN_PROGRESS", ""),
				event("arn:data", "Table", "AWS::DynamoDB::Table", "t", "UPDATE_FAILED", "Resource update cancelled"),
				event("arn:data", "Queue", "AWS::SQS::Queue", "q", "UPDATE_FAILED", "no such name"),
				event("arn:data", "parley-Data", nested, "arn:data", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
				event("arn:top", "Data", nested, "arn:data", "UPDATE_FAILED", "Embedded stack was not successfully updated"),
			},
			failed: "Data/Queue (AWS::SQS::Queue): no such name",
			around: "Data (AWS::CloudFormation::Stack): Embedded stack was not successfully updated",
		},
		{
			name: "a nested stack itself",
			events: []types.StackEvent{
				event("arn:top", "Data", nested, "arn:data", "CREATE_FAILED", "TemplateURL can't be read"),
				event("arn:top", "parley", nested, "arn:top", "CREATE_FAILED", "The following resource(s) failed: [Data]"),
			},
			around: "Data (AWS::CloudFormation::Stack): TemplateURL can't be read",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &execution{desk: &desk{out: io.Discard}, stack: "parley", nested: map[string]string{"arn:top": "", "arn:data": "Data"}, seen: map[string]bool{}}
			for _, e := range c.events {
				x.event(e)
			}
			if x.failed != c.failed || x.around != c.around {
				t.Errorf("failed first: %q, %q; want %q, %q", x.failed, x.around, c.failed, c.around)
			}
		})
	}
}

// answers is an API that answers as Parley does, but for one path.
func answers(path string, status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == path:
			w.WriteHeader(status)
			io.WriteString(w, body)
		case r.URL.Path == "/.well-known/jwks.json":
			io.WriteString(w, `{"keys":[{"kid":"a"}]}`)
		case r.URL.Path == "/v1/signup":
			w.WriteHeader(422)
			io.WriteString(w, `{"code":"invalid"}`)
		case r.Header.Get(api.EdgeSecretHeader) != "secret":
			w.WriteHeader(404)
		default:
			w.WriteHeader(401)
			io.WriteString(w, `{"code":"unauthenticated"}`)
		}
	})
}

func TestProbes(t *testing.T) {
	for _, c := range []struct {
		name, path string
		status     int
		body       string
		wants      string // in the error; empty: it is well
	}{
		{name: "well"},
		{"no keys", "/.well-known/jwks.json", 200, `{"keys":[]}`, "nobody can log in"},
		{"no key set", "/.well-known/jwks.json", 200, `<html>`, "no key set"},
		{"everybody may sign up", "/v1/signup", 201, `{}`, "201"},
		{"a gateway's own refusal", "/v1/chats", 401, `{"message":"Unauthorized"}`, "no problem of Parley's"},
		{"an open door", "/v1/me", 200, `{}`, "200"},
		{"a function that can't start", "/v1/search", 500, `{"message":"Internal Server Error"}`, "500"},
		{"a redirect", "/v1/files", 302, ``, "302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(answers(c.path, c.status, c.body))
			defer server.Close()
			err := newTest(server.URL+"/", "secret").run(t.Context(), &desk{out: io.Discard}, probes, 0)
			if (err == nil) != (c.wants == "") || err != nil && !strings.Contains(err.Error(), c.wants) {
				t.Errorf("error %v, want %q", err, c.wants)
			}
		})
	}
}

// TestProbesComeAgain: what is new may need a moment.
func TestProbesComeAgain(t *testing.T) {
	n := 0
	well := answers("", 0, "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n <= 2 {
			w.WriteHeader(503)
			return
		}
		well.ServeHTTP(w, r)
	}))
	defer server.Close()
	if err := newTest(server.URL, "secret").run(t.Context(), &desk{out: io.Discard}, probes, time.Minute); err != nil {
		t.Error(err)
	}
	if n != len(probes)+2 {
		t.Errorf("%d requests, want each once and two again", n)
	}
}

// TestPageFiles holds what is uploaded to what fleet/serve would show of the folder.
func TestPageFiles(t *testing.T) {
	web := os.DirFS("../../web")
	page, err := serve.Page("../../web")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pageFiles(web)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 10 || names[len(names)-1] != "index.html" {
		t.Errorf("the page has the files %q, want ten and more, index.html as the last", names)
	}
	err = fs.WalkDir(web, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || name == "index.html" { // which is served as /
			return err
		}
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, httptest.NewRequest("GET", "/"+name, nil))
		if uploaded := slices.Contains(names, name); uploaded != (answer.Code == http.StatusOK) {
			t.Errorf("%s is uploaded: %v, but fleet/serve answers %d", name, uploaded, answer.Code)
		} else if uploaded && contentTypes[path.Ext(name)] == "" && path.Ext(name) != "" {
			t.Errorf("what kind of file is %s?", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
