package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const checkout = "../../.."

func realRoles(t *testing.T) []Role {
	t.Helper()
	roles, err := Roles(checkout)
	if err != nil {
		t.Fatal(err)
	}
	return roles
}

func TestLike(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"a*":     {"a": true, "abc": true, "ba": false},
		"*":      {"": true, "x/y": true},
		"a?c":    {"abc": true, "ac": false, "a": false},
		"d/*/th": {"d/1/th": true, "d/1/2/th": true, "d/1/thx": false},
		"U#*":    {"U#…": true, "E#…": false},
		"":       {"": true, "a": false},
		"A":      {"a": false},
	} {
		for text, want := range texts {
			if like(pattern, text) != want {
				t.Errorf("like(%q, %q) isn't %v", pattern, text, want)
			}
		}
	}
}

func TestConditions(t *testing.T) {
	for _, test := range []struct {
		operator string
		have     []string
		want     bool
	}{
		{"ForAllValues:StringLike", []string{"U#…", "B#…"}, true},
		{"ForAllValues:StringLike", []string{"U#…", "E#…"}, false},
		{"ForAllValues:StringLike", nil, true},
		{"ForAllValues:StringEquals", []string{"K"}, true},
		{"ForAllValues:StringEquals", []string{"U#…"}, false}, // U#* is a text there
		{"StringLike", []string{"U#…"}, true},
		{"StringLike", nil, false},
		{"StringLike", []string{"U#…", "B#…"}, false},
		{"StringLikeIfExists", nil, true},
		{"StringLikeIfExists", []string{"E#…"}, false},
		{"StringEquals", []string{"K"}, true},
		{"StringEquals", []string{"KK"}, false},
	} {
		c := Condition{test.operator, "k", []string{"U#*", "B#*", "K"}}
		if c.holds(test.have) != test.want || !c.known() {
			t.Errorf("%s of %q isn't %v", test.operator, test.have, test.want)
		}
	}
	if (Condition{Operator: "StringNotLike"}).known() {
		t.Error("an operator is taken for another")
	}
}

func TestTooWide(t *testing.T) {
	for text, want := range map[string]bool{
		"s3:GetObject arn:aws:s3:::bodies/bodies/*":                           false,
		"s3:GetObject arn:aws:s3:::files/derived/*/text/*":                    false,
		"s3:ListBucket arn:aws:s3:::files":                                    false,
		"s3:GetObject arn:aws:s3:::files/*":                                   true,
		"s3:GetObject arn:aws:s3:::*/bodies/*":                                true,
		"s3:* arn:aws:s3:::bodies/bodies/*":                                   true,
		"dynamodb:GetItem arn:aws:dynamodb:us-east-1:000000000000:table/c":    false,
		"dynamodb:GetItem arn:aws:dynamodb:us-east-1:000000000000:table/c*":   true,
		"dynamodb:GetItem arn:aws:dynamodb:*:000000000000:table/c":            true,
		"ses:SendEmail arn:aws:ses:us-east-1:000000000000:identity/*":         true,
		"sqs:SendMessage *":                                                   true,
		"sqs:SendMessage queue":                                               true,
		"kms:Decrypt arn:aws:kms:us-east-1:000000000000:key/SigningKeysKey":   false,
		"kms:Decrypt arn:aws:kms:us-east-1:000000000000:key/?igningKeysKey":   true,
		"dynamodb:Get? arn:aws:dynamodb:us-east-1:000000000000:table/Account": true,
	} {
		action, resource, _ := strings.Cut(text, " ")
		if got := (Right{"", action, resource}).tooWide(); (got != "") != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// The templates name nothing wider than it has to be, but for exceptions that are
// all needed.
func TestNoRoleIsTooWide(t *testing.T) {
	for _, f := range Judge(Widths(realRoles(t)), Exceptions, Wide) {
		t.Error(f)
	}
}

func TestAnIdleExceptionIsFound(t *testing.T) {
	idle := Exception{Finding: Finding{"NobodysFunction", Wide, "*"}, Why: "none"}
	found := Judge(Widths(realRoles(t)), append(slices.Clone(Exceptions), idle), Wide)
	if len(found) != 1 || found[0].Of != idle.Of {
		t.Errorf("found %v", found)
	}
}

// whole makes up a record in which every right and every condition's value of the
// roles is needed.
func whole(roles []Role) Record {
	var record Record
	for _, role := range roles {
		if len(role.Apps) == 0 {
			continue
		}
		for _, s := range role.Statements {
			for _, right := range s.rights() {
				record.Needs = append(record.Needs, s.needing(role, right)...)
			}
		}
	}
	record.Names = names
	return record
}

// names are those of the templates' things, which whole uses as they are.
var names = map[string]string{}

func init() {
	for _, id := range []string{"AccountsTable", "ChatsTable", "FilesTable", "BodiesBucket", "FilesBucket", "IndexBucket", "UsageBucket", "FinanceBucket", "SigningKeysKey", "FilesCdnKey", "PseudonymSecret",
		"PromptsFreeQueue", "PromptsPremiumQueue", "PromptsDeadQueue", "PurgeQueue", "FilesQueue", "IndexQueue"} {
		names[id] = id
	}
}

// needing makes up needs of one right, with every value of its conditions.
func (s Statement) needing(role Role, right Right) []Need {
	resource := right.Resource[strings.LastIndexByte(right.Resource, ':')+1:]
	for _, kind := range []string{"table/", "key/", "identity/"} {
		resource = strings.TrimPrefix(resource, kind)
	}
	n := Need{App: role.Apps[0], Action: right.Action, Resource: strings.ReplaceAll(resource, "*", hidden)}
	if len(s.Conditions) == 0 {
		return []Need{n}
	}
	var all []Need
	for _, c := range s.Conditions {
		for _, v := range c.Values {
			n.Context = map[string][]string{c.Key: {strings.ReplaceAll(v, "*", hidden)}}
			all = append(all, n)
		}
	}
	return all
}

// What was seen to be needed is neither missing nor spare.
func TestARoleThatFits(t *testing.T) {
	roles := realRoles(t)
	for i := range roles {
		roles[i].Polled = "" // its rights are in the record like all others
	}
	for _, f := range Compare(roles, whole(roles)) {
		t.Error(f)
	}
}

// Whatever is taken from any role of the templates is found missing, if it was
// needed; and found spare, if it wasn't.
func TestEachRightIsFoundMissingAndSpare(t *testing.T) {
	for _, role := range realRoles(t) {
		role.Polled = ""
		record := whole([]Role{role})
		for j, s := range role.Statements {
			for _, right := range s.rights() {
				if len(role.Apps) == 0 {
					continue
				}
				role.Statements[j] = without(s, right)
				missing := Compare([]Role{role}, record)
				role.Statements[j] = s
				if !slices.ContainsFunc(missing, func(f Finding) bool {
					return f.Of == role.Of && f.Kind == Missing && strings.HasPrefix(f.What, right.Action+" on ")
				}) {
					t.Errorf("%s: nobody misses that %s: %v", role.Of, right, missing)
				}
				less := record
				less.Needs = slices.DeleteFunc(slices.Clone(record.Needs), func(n Need) bool { return allowsNeed(record, s, right, n) })
				if spare := Compare([]Role{role}, less); !slices.ContainsFunc(spare, func(f Finding) bool {
					return f.Of == role.Of && f.Kind == Spare && strings.HasPrefix(f.What, right.String())
				}) {
					t.Errorf("%s: nobody finds spare that %s", role.Of, right)
				}
			}
		}
	}
}

func allowsNeed(record Record, s Statement, right Right, n Need) bool {
	resource, _ := record.resource(n)
	return slices.Contains(s.allows(n.Action, resource, n.Context), right)
}

// without takes one right of a statement away: its action where it has several,
// else its resource.
func without(s Statement, right Right) Statement {
	drop := func(all []string, one string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(v string) bool { return v == one })
	}
	if len(s.Actions) > 1 {
		s.Actions = drop(s.Actions, right.Action)
	} else {
		s.Resources = drop(s.Resources, right.Resource)
	}
	return s
}

const small = `
Resources:
  SearchFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: search
      Policies:
        - Statement:
            - {Sid: Chats, Effect: Allow, Action: [dynamodb:GetItem], Resource: !GetAtt ChatsTable.Arn, Condition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['U#*', 'B#*']}}}
            - {Sid: Bodies, Effect: Allow, Action: s3:GetObject, Resource: [!Sub 'arn:${AWS::Partition}:s3:::${Bodies}/bodies/*', !Sub '${Bodies.Arn}/bodies/old/*']}
  Poll:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref SearchFunction, EventSourceArn: !GetAtt Jobs.Arn}
  ChatsTable: {Type: AWS::DynamoDB::Table}
  Bodies: {Type: AWS::S3::Bucket}
  Jobs: {Type: AWS::SQS::Queue}
`

// All that may be wrong with a role is told by its own name.
func TestFindings(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	roles, err := Roles(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := Compare(roles, Record{
		Names: map[string]string{"parley-SearchFunction-1": "SearchFunction", "parley-ChatsTable-2": "ChatsTable", "parley-bodies-3": "Bodies"},
		Needs: []Need{
			{App: "parley-SearchFunction-1", Action: "dynamodb:GetItem", Resource: "parley-ChatsTable-2", Context: map[string][]string{leadingKeys: {"U#…"}}},
			{App: "parley-SearchFunction-1", Action: "dynamodb:GetItem", Resource: "parley-ChatsTable-2", Context: map[string][]string{leadingKeys: {"E#…"}}},
			{App: "search", Action: "s3:GetObject", Resource: "parley-bodies-3/bodies/old/…"},
			{App: "stranger", Action: "s3:GetObject", Resource: "parley-bodies-3/bodies/…"},
			{App: "search", Action: "s3:GetObject", Resource: "elsewhere/…"},
			{Signed: true, Action: "s3:PutObject", Resource: "elsewhere/…"},
		},
	})
	var got []string
	for _, f := range found {
		got = append(got, f.String())
	}
	want := []string{
		`strange  nobody: a call of somebody, or of something, that no template names: {"app":"search","action":"s3:GetObject","resource":"elsewhere/…"}`,
		`strange  nobody: a call of somebody, or of something, that no template names: {"app":"stranger","action":"s3:GetObject","resource":"parley-bodies-3/bodies/…"}`,
		`missing  SearchFunction: dynamodb:GetItem on arn:aws:dynamodb:us-east-1:000000000000:table/ChatsTable (dynamodb:LeadingKeys E#…)`,
		`missing  SearchFunction: sqs:DeleteMessage on arn:aws:sqs:us-east-1:000000000000:Jobs`,
		`missing  SearchFunction: sqs:GetQueueAttributes on arn:aws:sqs:us-east-1:000000000000:Jobs`,
		`missing  SearchFunction: sqs:ReceiveMessage on arn:aws:sqs:us-east-1:000000000000:Jobs`,
		`spare    SearchFunction: Chats allows dynamodb:GetItem where dynamodb:LeadingKeys is B#*, which no call was seen to need`,
		`spare    SearchFunction: Bodies allows s3:GetObject on arn:aws:s3:::Bodies/bodies/*, as something else does`,
		`spare    SearchFunction: Bodies allows s3:GetObject on arn:aws:s3:::Bodies/bodies/old/*, as something else does`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What isn't understood of a template stops the test.
func TestTemplatesThatAreNotUnderstood(t *testing.T) {
	for name, text := range map[string]string{
		"a denial":       "{Effect: Deny, Action: s3:*, Resource: '*'}",
		"all but":        "{Effect: Allow, NotAction: s3:*, Resource: '*'}",
		"no resource":    "{Effect: Allow, Action: s3:GetObject}",
		"a missing name": "{Effect: Allow, Action: s3:GetObject, Resource: !Ref Nothing}",
		"a function":     "{Effect: Allow, Action: s3:GetObject, Resource: !ImportValue x}",
	} {
		template := "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: f, Policies: [{Statement: [" + text + "]}]}\n"
		isRefused(t, name, template)
	}
	isRefused(t, "a function without code", "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Handler: f}}\n")
}

func isRefused(t *testing.T, name, template string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	if roles, err := Roles(dir); err == nil {
		t.Errorf("%s: %v", name, roles)
	}
}

// docs/permissions.md says what the templates say.
func TestPermissionsAreWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "docs", "permissions.md"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(text), string(Table(realRoles(t)))); d != "" {
		t.Errorf("docs/permissions.md isn't what the templates say; go run ./scripts/policy -write\n%s", d)
	}
}
