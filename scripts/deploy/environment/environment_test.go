package environment

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkout is a small one: a template for regions, an environment of two.
var checkout = map[string]string{
	"template.yaml": `
Parameters:
  Origin: {Type: String, AllowedPattern: 'https?://[^/]+'}
  Plan: {Type: String, Default: free, AllowedValues: [free, premium]}
  Days: {Type: Number, Default: 30, MinValue: 1, MaxValue: 90}
  Peer: {Type: String, Default: '', AllowedPattern: '[a-z-]*'}
  EdgeSecret: {Type: String, NoEcho: true, Default: '', AllowedPattern: '([a-z0-9]{4,8})?'}
  Release: {Type: String, AllowedPattern: '[0-9a-f]{10,64}'}
Resources:
  Data: {Type: AWS::Serverless::Application, Properties: {Location: shared/template.yaml}}
Outputs:
  Table: {Value: !GetAtt Data.Outputs.Table}
`,
	"shared/template.yaml": "Resources: {Table: {Type: AWS::DynamoDB::Table}}\n",
	"env/test/environment.yaml": `
account: '123456789012'
stack: parley
home: eu-west-2
serving: [us-east-1, eu-west-2]
secret: parley/test
url: https://chat.example.com
parameters:
  Origin: https://chat.example.com
`,
	"env/test/us-east-1.yaml": "parameters: {Days: 7, Peer: '${eu-west-2.Table}'}\n",
	"env/test/eu-west-2.yaml": "# nothing of its own\n",
}

// write makes a checkout with some files changed; "" takes one away.
func write(t *testing.T, changes map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files := maps.Clone(checkout)
	maps.Copy(files, changes)
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCheckNamesEveryMistake(t *testing.T) {
	environment := checkout["env/test/environment.yaml"]
	region := func(s string) map[string]string { return map[string]string{"env/test/us-east-1.yaml": s} }
	env := func(old, new string) map[string]string {
		if !strings.Contains(environment, old) {
			t.Fatalf("%q isn't in the file", old)
		}
		return map[string]string{"env/test/environment.yaml": strings.Replace(environment, old, new, 1)}
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // in the error; none: it is well
	}{
		{name: "as it is"},
		{"a key that nobody knows", region("parameter: {Days: 7}"), []string{"us-east-1.yaml", "parameter"}},
		{"a key that nobody knows, of the environment", env("home:", "hom: x\nhome:"), []string{"environment.yaml", "hom"}},
		{"a key twice", env("home:", "home: us-east-1\nhome:"), []string{"environment.yaml"}},
		{"two documents", region("parameters: {}\n---\nparameters: {}"), []string{"us-east-1.yaml", "more than one document"}},
		{"a parameter that the template hasn't", region("parameters: {Dayz: 7}"), []string{"test/us-east-1:", "Dayz", "no such parameter"}},
		{"a shared parameter that no template has", env("  Origin", "  Orign: x\n  Origin"), []string{"Orign"}},
		{"one that is missing", env("parameters:\n  Origin: https://chat.example.com\n", ""), []string{"test/us-east-1:", "test/eu-west-2:", "Origin: is missing"}},
		{"values that aren't allowed", region("parameters: {Origin: 'ftp://x', Plan: gold, Days: 91}"), []string{"Origin: ", "Plan: ", "Days: "}},
		{"a pattern that fits a part only", region("parameters: {Origin: 'https://a/b'}"), []string{"Origin: "}},
		{"no number", region("parameters: {Days: seven}"), []string{"Days: ", "no number"}},
		{"a secret in a file", region("parameters: {EdgeSecret: abcd}"), []string{"EdgeSecret", "no file may hold"}},
		{"a release in a file", region("parameters: {Release: abcdef}"), []string{"Release", "in no file"}},
		{"an output that isn't there", region("parameters: {Peer: '${eu-west-2.Tables}'}"), []string{"Peer", "eu-west-2 has no output Tables"}},
		{"a stack that isn't there", region("parameters: {Peer: '${eu-west-3.Table}'}"), []string{"Peer", "no stack eu-west-3"}},
		{"a region without a file", map[string]string{"env/test/eu-west-2.yaml": ""}, []string{"no eu-west-2.yaml"}},
		{"a file without a region", map[string]string{"env/test/eu-west-1.yaml": "parameters: {}"}, []string{"eu-west-1"}},
		{"a file that doesn't belong", map[string]string{"env/test/notes.txt": "x"}, []string{"notes.txt"}},
		{"a home that doesn't serve", env("home: eu-west-2", "home: eu-west-1"), []string{"eu-west-1 doesn't serve"}},
		{"a region twice", env("[us-east-1, eu-west-2]", "[us-east-1, eu-west-2, us-east-1]"), []string{"us-east-1 is named twice"}},
		{"no account", env("'123456789012'", "'1234'"), []string{"account", "1234"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, c.files)
			e, err := Read(filepath.Join(root, "env/test"))
			if err == nil {
				err = e.Check(root)
			}
			if (err != nil) != (len(c.want) > 0) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q has no %q", err, want)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	root := write(t, nil)
	e, err := Read(filepath.Join(root, "env/test"))
	if err != nil {
		t.Fatal(err)
	}
	target, err := e.Target("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	template, err := ReadTemplate(filepath.Join(root, target.Template))
	if err != nil {
		t.Fatal(err)
	}
	output := func(target, name string) (string, error) {
		if target != "eu-west-2" || name != "Table" {
			return "", errors.New("another output was asked for")
		}
		return "chats", nil
	}
	got, err := target.Resolve(template, output, map[string]string{EdgeSecret: "abcdef", "Other": "left out"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Origin": "https://chat.example.com", "Days": "7", "Peer": "chats", EdgeSecret: "abcdef"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"eu-west-2"}, references(target, template)); d != "" {
		t.Error(d)
	}
	target.parameters["Peer"] = "${eu-west-2.Table?}"
	if n := len(references(target, template)); n != 0 {
		t.Errorf("it needs %d other stacks, want none", n)
	}
	got, err = target.Resolve(template, func(string, string) (string, error) { return "", ErrAbsent }, nil)
	if err != nil || got["Peer"] != "" {
		t.Errorf("what may be absent is %q, %v", got["Peer"], err)
	}
	target.parameters["Peer"] = "${eu-west-2.Table}"
	if _, err = target.Resolve(template, func(string, string) (string, error) { return "", ErrAbsent }, nil); !errors.Is(err, ErrAbsent) {
		t.Errorf("what has to be there is absent: %v", err)
	}
	_, err = target.Resolve(template, func(string, string) (string, error) { return "UPPER", nil }, map[string]string{EdgeSecret: "hidden value"})
	if err == nil || !strings.Contains(err.Error(), "Peer") || !strings.Contains(err.Error(), EdgeSecret) {
		t.Errorf("error %v, want one that names Peer and EdgeSecret", err)
	}
	if err != nil && strings.Contains(err.Error(), "hidden value") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestOrder(t *testing.T) {
	root := write(t, nil)
	e, err := Read(filepath.Join(root, "env/test"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, target := range e.Order() {
		got = append(got, target.Name)
	}
	if d := cmp.Diff([]string{"eu-west-2", "us-east-1"}, got); d != "" { // the home first
		t.Error(d)
	}
	nested, err := Nested(root, "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"shared/template.yaml", "template.yaml"}, nested); d != "" {
		t.Error(d)
	}
}

// references are the other stacks without whose outputs a stack can't be.
func references(t *Target, template *Template) []string {
	seen := map[string]bool{}
	for _, value := range t.Given(template) {
		for _, m := range reference.FindAllStringSubmatch(value, -1) {
			if m[3] == "" {
				seen[t.meant(m[1])] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestProduction holds the repository's own parameter files to its templates.
func TestProduction(t *testing.T) {
	e, err := Read("../prod")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Check("../../.."); err != nil {
		t.Fatal(err)
	}
	if len(e.Serving) != 5 || len(e.Standby) != 3 {
		t.Errorf("%d regions serve and %d stand by, want five and three", len(e.Serving), len(e.Standby))
	}
	names := make([]string, 0, len(e.Order()))
	for i, target := range e.Order() {
		names = append(names, target.Name)
		template, err := ReadTemplate(filepath.Join("../../..", target.Template))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range references(target, template) {
			if at := slices.Index(names, other); at < 0 || at >= i {
				t.Errorf("%s needs an output of %s, which is deployed later", target.Name, other)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name, text := range checkout {
		if strings.HasPrefix(name, "env/") {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte("parameters: &a {b: *a}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s sections
		if err := decode(text, &s); err == nil && len(text) > largestFile {
			t.Error("a file that is too long was read")
		}
		var e file
		_ = decode(text, &e)
	})
}
