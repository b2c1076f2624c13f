package change

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// before is a nested stack that holds data.
const before = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: PK, KeyType: HASH}]
      TableName: !Ref Name
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: files}
  Key:
    Type: AWS::KMS::Key
    Properties: {KeySpec: SYMMETRIC_DEFAULT, Description: old}
  Role:
    Type: AWS::IAM::Role
    Properties: {RoleName: role}
`

func resources(t *testing.T, text string) map[string]Resource {
	t.Helper()
	r, err := Resources([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // what takes what's place in the template
		want     []Change
		lost     []string // paths
	}{
		{name: "nothing"},
		{name: "only its style", old: "{BucketName: files}", new: "\n      # a comment\n      BucketName: 'files'"},
		{
			name: "what can change in place", old: "Description: old", new: "Description: new",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Key", Type: "AWS::KMS::Key", Replacement: Stays, Because: []string{"Description"}}},
		},
		{
			name: "a table's key", old: "AttributeName: PK,", new: "AttributeName: SK,",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Table", Type: "AWS::DynamoDB::Table", Replacement: Replaced, Retained: true, Because: []string{"KeySchema"}}},
			lost: []string{"Data/Table"},
		},
		{
			name: "a reference that becomes a name", old: "!Ref Name", new: "Name",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Table", Type: "AWS::DynamoDB::Table", Replacement: Replaced, Retained: true, Because: []string{"TableName"}}},
			lost: []string{"Data/Table"},
		},
		{
			name: "a bucket's name that goes", old: "{BucketName: files}", new: "{}",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Bucket", Type: "AWS::S3::Bucket", Replacement: Replaced, Because: []string{"BucketName"}}},
			lost: []string{"Data/Bucket"},
		},
		{
			name: "a table of another kind", old: "AWS::DynamoDB::Table", new: "AWS::DynamoDB::GlobalTable",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Table", Type: "AWS::DynamoDB::GlobalTable", Replacement: Replaced, Retained: true, Because: []string{"Type"}}},
			lost: []string{"Data/Table"},
		},
		{
			name: "a bucket that becomes something else", old: "AWS::S3::Bucket", new: "AWS::SNS::Topic",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Bucket", Type: "AWS::S3::Bucket", Replacement: Replaced, Because: []string{"Type"}}},
			lost: []string{"Data/Bucket"},
		},
		{
			name: "a condition, which may be false", old: "  Key:\n", new: "  Key:\n    Condition: Home\n",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Key", Type: "AWS::KMS::Key", Replacement: Perhaps, Because: []string{"Condition"}}},
			lost: []string{"Data/Key"},
		},
		{
			name: "another name for a bucket's resource", old: "  Bucket:\n", new: "  Files:\n",
			want: []Change{
				{Stack: "Data", Action: Remove, ID: "Bucket", Type: "AWS::S3::Bucket"},
				{Stack: "Data", Action: Add, ID: "Files", Type: "AWS::S3::Bucket"},
			},
			lost: []string{"Data/Bucket"},
		},
		{
			name: "what holds nothing", old: "  Role:\n", new: "  Roles:\n",
			want: []Change{
				{Stack: "Data", Action: Remove, ID: "Role", Type: "AWS::IAM::Role"},
				{Stack: "Data", Action: Add, ID: "Roles", Type: "AWS::IAM::Role"},
			},
		},
		{
			name: "that it is no longer kept", old: "    DeletionPolicy: Retain\n", new: "",
			want: []Change{{Stack: "Data", Action: Modify, ID: "Table", Type: "AWS::DynamoDB::Table", Replacement: Stays, Because: []string{"DeletionPolicy"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n := strings.Count(before, c.old); c.old != "" && n != 1 {
				t.Fatalf("%q is %d times in the template", c.old, n)
			}
			after := before
			if c.old != "" {
				after = strings.Replace(before, c.old, c.new, 1)
			}
			got := Between("Data", resources(t, before), resources(t, after))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			var lost []string
			for _, l := range Losses(got, nil) {
				lost = append(lost, l.Path())
			}
			if d := cmp.Diff(c.lost, lost); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestResourcesOfLoops(t *testing.T) {
	got := resources(t, `
Resources:
  Fn::ForEach::Tables:
    - Name
    - [Chats, Files]
    - ${Name}Table:
        Type: AWS::DynamoDB::Table
        Condition: Has${Name}
        Properties: {TableName: !Sub '${Name}-${Environment}'}
      Fn::ForEach::Ways:
        - Way
        - [Read]
        - ${Name}${Way}: {Type: AWS::CloudWatch::Alarm}
`)
	want := map[string]Resource{
		"ChatsTable": {Type: "AWS::DynamoDB::Table", Condition: "HasChats", Properties: map[string]any{"TableName": "!SubChats-${Environment}"}},
		"FilesTable": {Type: "AWS::DynamoDB::Table", Condition: "HasFiles", Properties: map[string]any{"TableName": "!SubFiles-${Environment}"}},
		"ChatsRead":  {Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{}},
		"FilesRead":  {Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, text := range []string{
		"Resources: {Fn::ForEach::A: [N, !Ref Names, {'${N}': {Type: T}}]}",
		"Resources: {Fn::ForEach::A: [N, [!Ref Name, [x]], {'${N}': {Type: T}}]}",
		"Resources: {Fn::ForEach::A: [N, [x, x], {'${N}': {Type: T}}]}",
		"Resources: {Fn::ForEach::A: [N, [x]]}",
		"Resources: {A: [x]}",
		"Resources: [x]",
	} {
		if r, err := Resources([]byte(text)); err == nil {
			t.Errorf("%s is read as %v, though what it makes can't be told", text, r)
		}
	}
}

func TestLosses(t *testing.T) {
	changes := []Change{
		{Action: Modify, ID: "A", Type: "AWS::DynamoDB::Table", Replacement: Stays},
		{Action: Add, ID: "B", Type: "AWS::S3::Bucket"},
		{Action: Modify, ID: "C", Type: "AWS::Lambda::Function", Replacement: Replaced},
		{Stack: "X/Y", Action: Modify, ID: "D", Type: "AWS::SQS::Queue", Replacement: Perhaps, Because: []string{"QueueName"}},
		{Stack: "X", Action: Remove, ID: "E", Type: "AWS::KMS::Key", Retained: true},
	}
	var got []string
	for _, l := range Losses(changes, nil) {
		got = append(got, l.String())
	}
	want := []string{
		"X/Y/D: this queue may be replaced by an empty one (QueueName)",
		"X/E: this key would be removed; the old one would stay in the account, but nobody would use it",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// Only the very resource is let go: neither its name alone nor the stack around it.
	if n := len(Losses(changes, []string{"D", "X", "E", "X/E"})); n != 1 {
		t.Errorf("%d losses are left, want that of X/Y/D", n)
	}
}

func TestTable(t *testing.T) {
	changes := []Change{
		{Stack: "Functions", Action: Modify, ID: "Login", Type: "AWS::Lambda::Function", Replacement: Stays, Because: []string{"Code"}},
		{Action: Modify, ID: "Data", Type: Stack, Replacement: Stays, Because: []string{"TemplateURL"}},
		{Stack: "Data", Action: Add, ID: "New", Type: "AWS::SQS::Queue"},
		{Stack: "Data", Action: Remove, ID: "Chats", Type: "AWS::DynamoDB::Table", Retained: true},
	}
	var plain, coloured strings.Builder
	if err := Table(&plain, changes, false); err != nil {
		t.Fatal(err)
	}
	want := `the stack itself
  Modify  Data  AWS::CloudFormation::Stack  stays  TemplateURL
Data
  Remove  Chats  AWS::DynamoDB::Table  retained  LOST
  Add     New    AWS::SQS::Queue       -
Functions
  Modify  Login  AWS::Lambda::Function  stays  Code
1 added, 2 modified, 0 replaced or perhaps, 1 removed
`
	if d := cmp.Diff(want, plain.String()); d != "" {
		t.Error(d)
	}
	if err := Table(&coloured, changes, true); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(coloured.String()) {
		if strings.Contains(line, "Chats") != strings.Contains(line, red) {
			t.Errorf("what is lost is red, and nothing else: %q", line)
		}
	}
}

// TestTemplatesKeepTheirData holds Parley's own templates to what Losses can't see:
// that tables, buckets and keys outlive even a stack that is deleted.
func TestTemplatesKeepTheirData(t *testing.T) {
	n := 0
	for _, path := range []string{"shared/template.yaml", "web/template.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../..", path))
		if err != nil {
			t.Fatal(err)
		}
		for id, r := range resources(t, string(text)) {
			what := Holds(r.Type)
			if what == "" || what == "queue" { // messages are as short-lived as their stack
				continue
			}
			n++
			if r.DeletionPolicy != "Retain" || r.ReplacePolicy != "Retain" {
				t.Errorf("%s: %s %s is not retained", path, what, id)
			}
		}
	}
	if n < 8 {
		t.Errorf("only %d resources with data were found", n)
	}
}

func FuzzResources(f *testing.F) {
	f.Add([]byte(before))
	f.Add([]byte("Resources: {A: {Type: T, Properties: {B: !Sub [x, {y: !Ref z}], C: &c [1], D: *c}}}"))
	f.Add([]byte("Resources: {Fn::ForEach::A: [N, [x, y], {'${N}': {Type: T}, Fn::ForEach::B: [M, [z], {'&{M}${N}': {}}]}]}"))
	f.Add([]byte("Resources: {A: !Ref B}"))
	f.Add([]byte("Resources: {A: &a {Properties: {B: *a}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Resources(text)
		if err != nil {
			return
		}
		if c := Between("", r, r); len(c) > 0 {
			t.Errorf("a template differs from itself: %v", c)
		}
	})
}
