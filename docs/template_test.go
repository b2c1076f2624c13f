package docs_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"parley/scripts/deploy/section"
)

// template is one of the templates as far as it is looked at here, its loops
// expanded. What a tag such as !Ref refers to is read as its name.
type template struct {
	Description string                    `yaml:"Description"`
	Parameters  map[string]map[string]any `yaml:"Parameters"`
	Globals     map[string]struct {
		Tags any `yaml:"Tags"`
	} `yaml:"Globals"`
	Resources section.Of[resource] `yaml:"Resources"`
	Rules     map[string]struct {
		Assertions []struct {
			Assert yaml.Node `yaml:"Assert"`
		} `yaml:"Assertions"`
	} `yaml:"Rules"`
}

type resource struct {
	Type                string         `yaml:"Type"`
	Condition           string         `yaml:"Condition"`
	DeletionPolicy      string         `yaml:"DeletionPolicy"`
	UpdateReplacePolicy string         `yaml:"UpdateReplacePolicy"`
	DependsOn           names          `yaml:"DependsOn"`
	Properties          map[string]any `yaml:"Properties"`
}

// names is one name or a list of them.
type names []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (all *names) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*all = names{n.Value}
		return nil
	}
	return n.Decode((*[]string)(all))
}

func readTemplate(t *testing.T, path string) (all template) {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err == nil {
		err = yaml.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// object is a map of the template.
type object = map[string]any

// closed is what every bucket says, whatever it is for.
var closed = object{
	"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
		object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}}}},
	"PublicAccessBlockConfiguration": object{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
	"OwnershipControls":              object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerEnforced"}}},
}

func TestEveryBucketIsClosed(t *testing.T) {
	n := 0
	for _, path := range []string{"shared/template.yaml", "fleet/template.yaml", "web/template.yaml", "functions/billing-report/template.yaml"} {
		all := readTemplate(t, path)
		for name, r := range all.Resources {
			if r.Type != "AWS::S3::Bucket" {
				continue
			}
			n++
			for property, want := range closed {
				if d := cmp.Diff(want, r.Properties[property]); d != "" {
					t.Errorf("%s of %s: %s", property, name, d)
				}
			}
			if !all.onlyOverTLS(name) {
				t.Errorf("%s takes requests without TLS", name)
			}
			if cors := r.Properties["CorsConfiguration"]; cors != nil && name != "FilesBucket" {
				t.Errorf("pages may use %s: %v", name, cors)
			}
		}
	}
	if n < 7 {
		t.Errorf("only %d buckets were found", n)
	}
}

// onlyOverTLS reports whether a bucket's policy refuses all that comes without.
func (all template) onlyOverTLS(bucket string) bool {
	want := object{"Sid": "OnlyOverTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource": []any{bucket + ".Arn", "${" + bucket + ".Arn}/*"}, "Condition": object{"Bool": object{"aws:SecureTransport": "false"}}}
	for _, r := range all.Resources {
		if r.Type != "AWS::S3::BucketPolicy" || r.Properties["Bucket"] != bucket {
			continue
		}
		policy, _ := r.Properties["PolicyDocument"].(object)
		statements, _ := policy["Statement"].([]any)
		if slices.ContainsFunc(statements, func(s any) bool { return cmp.Equal(want, s) }) {
			return true
		}
	}
	return false
}

// The bucket that users' files are in keeps old versions against accidents, but not
// for ever, drops what nobody completes, and is open to the page's origin alone.
func TestTheFilesBucketKeepsAndDrops(t *testing.T) {
	files := readTemplate(t, "shared/template.yaml").Resources["FilesBucket"].Properties
	if d := cmp.Diff(object{"Status": "Enabled"}, files["VersioningConfiguration"]); d != "" {
		t.Errorf("versions: %s", d)
	}
	rules := files["LifecycleConfiguration"].(object)["Rules"].([]any)
	for _, want := range []object{ // none has a prefix: they are for all that is there
		{"Id": "AbandonedParts", "Status": "Enabled", "AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1}},
		{"Id": "OldVersions", "Status": "Enabled", "NoncurrentVersionExpiration": object{"NoncurrentDays": 30}, "ExpiredObjectDeleteMarker": true},
	} {
		if !slices.ContainsFunc(rules, func(r any) bool { return cmp.Equal(want, r) }) {
			t.Errorf("no rule %v among %v", want, rules)
		}
	}
	cors := files["CorsConfiguration"].(object)["CorsRules"].([]any)
	if len(cors) != 1 || !cmp.Equal([]any{"Origin"}, cors[0].(object)["AllowedOrigins"]) { // the parameter's name: !Ref Origin
		t.Errorf("who may use it: %v", cors)
	}
}

func TestACdnIsGivenWholeOrNotAtAll(t *testing.T) {
	assert := readTemplate(t, "template.yaml").Rules["CdnIsWhole"].Assertions[0].Assert
	for given, want := range map[string]bool{
		"": true, "FilesCdn FilesCdnKeyId FilesCdnKey": true,
		"FilesCdn": false, "FilesCdnKey": false, "FilesCdnKeyId": false,
		"FilesCdn FilesCdnKey": false, "FilesCdn FilesCdnKeyId": false, "FilesCdnKeyId FilesCdnKey": false,
	} {
		if got := holds(t, &assert, strings.Fields(given)); got != want {
			t.Errorf("given %q: %v", given, got)
		}
	}
}

// holds works out a rule in which parameters are compared with the empty text.
func holds(t *testing.T, n *yaml.Node, given []string) bool {
	t.Helper()
	is := func(n *yaml.Node) bool { return holds(t, n, given) }
	switch n.Tag {
	case "!And":
		return !slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return !is(n) })
	case "!Or":
		return slices.ContainsFunc(n.Content, is)
	case "!Not":
		return !is(n.Content[0])
	case "!Equals":
		if n.Content[0].Tag == "!Ref" && n.Content[1].Value == "" {
			return !slices.Contains(given, n.Content[0].Value)
		}
	}
	t.Fatalf("line %d: %s isn't known here", n.Line, n.Tag)
	return false
}

// fixed are the properties, by type of resource, that can't change without another
// resource taking the place of the one there is.
var fixed = map[string][]string{
	"AWS::DynamoDB::GlobalTable":   {"TableName", "KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes"},
	"AWS::S3::Bucket":              {"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"},
	"AWS::KMS::Key":                {"MultiRegion", "KeySpec", "KeyUsage", "Origin"},
	"AWS::KMS::ReplicaKey":         {"PrimaryKeyArn"},
	"AWS::SES::EmailIdentity":      {"EmailIdentity"},
	"AWS::Backup::BackupVault":     {"BackupVaultName", "EncryptionKeyArn"},
	"AWS::Serverless::Application": {},
}

// TestNothingThatHoldsDataIsReplaced compares what keeps data, by its name in the
// template, with a record. A release that changes it here would start with empty
// tables, so the record is changed only for what is new.
func TestNothingThatHoldsDataIsReplaced(t *testing.T) {
	got := map[string]object{}
	for _, path := range []string{"template.yaml", "shared/template.yaml"} {
		for name, r := range readTemplate(t, path).Resources {
			properties, holds := fixed[r.Type]
			if !holds || name == "Functions" || name == "Fleet" {
				continue
			}
			if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s of %s goes with its stack", name, path)
			}
			kept := object{"Type": r.Type, "Condition": r.Condition}
			for _, p := range properties {
				if v, ok := r.Properties[p]; ok {
					kept[p] = v
				}
			}
			got[path+" "+name] = kept
		}
	}
	var want map[string]object
	text, err := os.ReadFile("kept.json")
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		now, _ := json.MarshalIndent(got, "", "  ")
		t.Errorf("kept.json (-) and the templates (+) differ:\n%s\nThe templates have\n%s", d, now)
	}
}

// Every type that holds data is known to the test above.
func TestWhatHoldsDataIsKnown(t *testing.T) {
	for name, r := range readTemplate(t, "shared/template.yaml").Resources {
		if _, known := fixed[r.Type]; r.DeletionPolicy != "" && !known {
			t.Errorf("%s is kept, but what may not change of %s isn't written down", name, r.Type)
		}
	}
}

// watched is what stands beside each function, after its name.
var watched = map[string]string{"Logs": "AWS::Logs::LogGroup", "Errors": "AWS::CloudWatch::Alarm", "Throttles": "AWS::CloudWatch::Alarm"}

// TestEveryFunctionIsWatched: none logs for ever, none fails or is released unseen, and
// all that calls one calls the version that is released.
func TestEveryFunctionIsWatched(t *testing.T) {
	all, n := readTemplate(t, "functions/template.yaml"), 0
	for name, r := range all.Resources {
		switch r.Type {
		case "AWS::Serverless::Function":
			n++
			short := strings.TrimSuffix(name, "Function")
			for suffix, kind := range watched {
				if got := all.Resources[short+suffix].Type; got != kind {
					t.Errorf("%s%s is %q, want %s", short, suffix, got, kind)
				}
			}
			preference, _ := r.Properties["DeploymentPreference"].(object)
			if alarms, _ := preference["Alarms"].([]any); !slices.Contains(alarms, any(short+"Errors")) {
				t.Errorf("a release of %s doesn't look at its errors: %v", name, preference)
			}
			if r.Properties["AutoPublishCodeSha256"] != "Release" {
				t.Errorf("%s isn't released with new settings", name)
			}
		case "AWS::ApiGatewayV2::Integration":
			if uri, _ := r.Properties["IntegrationUri"].(string); !strings.HasSuffix(uri, "Function.Arn}:live/invocations") {
				t.Errorf("%s calls %s", name, uri)
			}
		case "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping":
			if f, _ := r.Properties["FunctionName"].(string); !strings.HasSuffix(f, "Function.Alias") {
				t.Errorf("%s is for %s", name, f)
			}
		}
	}
	if n < 14 {
		t.Errorf("only %d functions were found", n)
	}
}

func TestEveryQueueIsWatched(t *testing.T) {
	all, n := readTemplate(t, "shared/template.yaml"), 0
	for name, r := range all.Resources {
		if r.Type != "AWS::SQS::Queue" {
			continue
		}
		n++
		alarm := name + "Waits"
		if name == "ParkedQueue" { // nobody works it off
			alarm = "ParkedQueueHolds"
		} else if r.Properties["RedrivePolicy"] == nil {
			t.Errorf("%s tries for ever", name)
		}
		if got := all.Resources[alarm].Type; got != "AWS::CloudWatch::Alarm" {
			t.Errorf("%s is %q", alarm, got)
		}
	}
	if n < 7 {
		t.Errorf("only %d queues were found", n)
	}
}

// TestLimitsAreOfRoutesThatThereAre: the gateway would refuse a stage with others, and
// limit nothing if the stage were made before its routes.
func TestLimitsAreOfRoutesThatThereAre(t *testing.T) {
	all := readTemplate(t, "functions/template.yaml")
	limits, _ := all.Resources["ApiStage"].Properties["RouteSettings"].(object)
	if len(limits) < 5 {
		t.Errorf("only %d routes have limits of their own", len(limits))
	}
	for name, r := range all.Resources {
		key, _ := r.Properties["RouteKey"].(string)
		if limits[key] == nil {
			continue
		}
		delete(limits, key)
		if !slices.Contains(all.Resources["ApiStage"].DependsOn, name) {
			t.Errorf("the stage doesn't wait for %s, which it limits", name)
		}
	}
	if len(limits) > 0 {
		t.Errorf("limits for no routes: %v", limits)
	}
}

// TestTheAccessLogTellsNothingOfUsers: a path has ids and a query the words of a search.
func TestTheAccessLogTellsNothingOfUsers(t *testing.T) {
	log, _ := readTemplate(t, "functions/template.yaml").Resources["ApiStage"].Properties["AccessLogSettings"].(object)
	format, _ := log["Format"].(string)
	if !json.Valid([]byte(format)) {
		t.Errorf("no JSON: %s", format)
	}
	for _, word := range []string{"path", "query", "header", "authorizer", "sourceIp", "userAgent", "error.message"} {
		if strings.Contains(format, word) {
			t.Errorf("it has %s: %s", word, format)
		}
	}
}

// untagged are the types that take no tags.
var untagged = []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::IAM::Policy", "AWS::SNS::Subscription", "AWS::SES::EmailIdentity",
	"AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::Backup::BackupSelection"}

// TestTemplatesSayWhatTheyAre: each has a description, its parameters have, and what
// costs something has the tags by which the bill is taken apart.
func TestTemplatesSayWhatTheyAre(t *testing.T) {
	for _, path := range []string{"template.yaml", "shared/template.yaml", "functions/template.yaml"} {
		all := readTemplate(t, path)
		if all.Description == "" {
			t.Errorf("%s has no description", path)
		}
		for name, p := range all.Parameters {
			if text, _ := p["Description"].(string); text == "" {
				t.Errorf("%s of %s has no description", name, path)
			}
		}
		for name, r := range all.Resources {
			if slices.Contains(untagged, r.Type) {
				continue
			}
			tags := r.Properties["Tags"]
			switch r.Type {
			case "AWS::Serverless::Function":
				tags = all.Globals["Function"].Tags
			case "AWS::DynamoDB::GlobalTable":
				replicas := r.Properties["Replicas"].([]any)
				tags = replicas[0].(object)["Tags"]
			case "AWS::Backup::BackupVault":
				tags = r.Properties["BackupVaultTags"]
			case "AWS::Backup::BackupPlan":
				tags = r.Properties["BackupPlanTags"]
			}
			text, _ := json.Marshal(tags)
			for _, key := range []string{"project", "environment", "component", "cost-centre"} {
				if !strings.Contains(string(text), `"`+key+`"`) {
					t.Errorf("%s of %s has no tag %s: %s", name, path, key, text)
				}
			}
		}
	}
}
