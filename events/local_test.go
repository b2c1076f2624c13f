//go:build sam

package events_test

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"go.yaml.in/yaml/v4"
)

// local is what a sam local command needs to run the functions of a deployed
// stack in containers that reach the embedded AWS.
type local struct {
	cli   string
	flags []string
}

// newLocal reads what scripts/test-sam and the running stack say.
func newLocal(t *testing.T) *local {
	t.Helper()
	endpoint := forward(t, need(t, "AWS_ENDPOINT_URL"), need(t, "HOST_GATEWAY"))
	template, variables := declareEndpoint(t, filepath.Join(need(t, "DATA_DIR"), "sam", "build")), filepath.Join(t.TempDir(), "variables.json")
	writeVariables(t, variables, endpoint)
	return &local{cli: need(t, "SAM"), flags: []string{
		"--template", template, "--env-vars", variables, "--skip-pull-image",
		"--parameter-overrides", "Architecture=" + need(t, "ARCHITECTURE")}}
}

func need(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set: run make test-sam", name)
	}
	return v
}

// declareEndpoint copies the built templates with one more variable for all
// functions, since SAM hands on only what a template declares, and returns the
// copy of the root. Of templates with loops sam local reads no routes, so what
// needs loops is left out: the data, logs and alarms.
func declareEndpoint(t *testing.T, build string) string {
	t.Helper()
	root := filepath.Join(build, "local.yaml")
	edit(t, filepath.Join(build, "template.yaml"), root, func(doc *yaml.Node) {
		drop(under(t, doc, "Resources"), "Data")
		under(t, doc, "Resources", "Functions", "Properties", "Location").Value = "Functions/local.yaml"
	})
	edit(t, filepath.Join(build, "Functions", "template.yaml"), filepath.Join(build, "Functions", "local.yaml"), func(doc *yaml.Node) {
		*under(t, doc, "Transform") = yaml.Node{Kind: yaml.ScalarNode, Value: "AWS::Serverless-2016-10-31"}
		drop(under(t, doc, "Resources"), "Fn::ForEach::")
		variables := under(t, doc, "Globals", "Function", "Environment", "Variables")
		variables.Content = append(variables.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Value: "AWS_ENDPOINT_URL"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "-"})
	})
	return root
}

// drop removes from a map the keys that begin so.
func drop(n *yaml.Node, prefix string) {
	for i := 0; i < len(n.Content); {
		if strings.HasPrefix(n.Content[i].Value, prefix) {
			n.Content = slices.Delete(n.Content, i, i+2)
		} else {
			i += 2
		}
	}
}

// edit copies a template with a change.
func edit(t *testing.T, from, to string, change func(doc *yaml.Node)) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node // keeps !Ref and its like
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	change(doc.Content[0])
	if text, err = yaml.Marshal(&doc); err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// under returns what a template has under nested keys.
func under(t *testing.T, n *yaml.Node, keys ...string) *yaml.Node {
	t.Helper()
	for _, key := range keys {
		i := slices.IndexFunc(n.Content, func(n *yaml.Node) bool { return n.Value == key })
		if i < 0 {
			t.Fatalf("there is no %s in the template", key)
		}
		n = n.Content[i+1]
	}
	return n
}

// writeVariables writes the environment that each function has where it is
// deployed, in the form of --env-vars, with the endpoint as containers see it.
func writeVariables(t *testing.T, file, endpoint string) {
	t.Helper()
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stacks := cloudformation.NewFromConfig(cfg)
	all := map[string]map[string]string{}
	for name, function := range resources(t, stacks, resources(t, stacks, "parley")["Functions"]) {
		if strings.HasSuffix(name, "Function") {
			all[name] = environmentOf(t, function)
			all[name]["AWS_ENDPOINT_URL"] = endpoint
			all[name]["EDGE_SECRET"], all[name]["EDGE_SECRET_BEFORE"] = "", "" // nothing stands before them
		}
	}
	for _, in := range invocations {
		if all[in.function] == nil {
			t.Fatalf("%s isn't deployed, only %v", in.function, slices.Sorted(maps.Keys(all)))
		}
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// resources returns the physical ids of what a stack has, by their logical ones.
func resources(t *testing.T, stacks *cloudformation.Client, stack string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	pages := cloudformation.NewListStackResourcesPaginator(stacks, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		list, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("resources of stack %q: %v", stack, err)
		}
		for _, r := range list.StackResourceSummaries {
			ids[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return ids
}

// environmentOf asks the embedded AWS, which checks no signature, for the
// variables of a deployed function.
func environmentOf(t *testing.T, function string) map[string]string {
	t.Helper()
	res, err := http.Get(os.Getenv("AWS_ENDPOINT_URL") + "/2015-03-31/functions/" + url.PathEscape(function) + "/configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var c struct {
		Environment struct{ Variables map[string]string }
	}
	if err := json.NewDecoder(res.Body).Decode(&c); err != nil || c.Environment.Variables == nil {
		t.Fatalf("configuration of %s: %s, %v", function, res.Status, err)
	}
	return c.Environment.Variables
}

// forward makes the embedded AWS, which listens on loopback only, reachable from
// containers, and returns its address there: a number, because the SDK puts a
// bucket before a name. An engine that runs in a machine of its own, as on macOS,
// forwards by itself: gateway is none of our addresses then.
func forward(t *testing.T, endpoint, gateway string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		return "http://" + net.JoinHostPort(gateway, target.Port())
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go join(conn, target.Host)
		}
	}()
	return "http://" + l.Addr().String()
}

// join copies between a connection and target until either side ends.
func join(conn net.Conn, target string) {
	defer conn.Close()
	out, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	ended := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{conn, out}, {out, conn}} {
		go func() {
			io.Copy(pair[0], pair[1])
			ended <- struct{}{}
		}()
	}
	<-ended
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
