package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"parley/shared/bill"
)

type node = map[string]any

// template is a template as far as tests look. What a tag such as !Ref refers to is
// read as its name.
type template struct {
	Parameters map[string]node `yaml:"Parameters"`
	Resources  map[string]struct {
		Type       string `yaml:"Type"`
		Condition  string `yaml:"Condition"`
		Properties node   `yaml:"Properties"`
	} `yaml:"Resources"`
}

func readTemplate(t *testing.T, path string) (all template) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The exports have every column that the bill reads.
func TestExportsHaveTheColumns(t *testing.T) {
	columns := regexp.MustCompile(`^SELECT ([A-Za-z_, ]+) FROM ([A-Z0-9_]+)$`)
	all := readTemplate(t, "template.yaml")
	for name, v := range map[string]*bill.Invoice{"FocusExport": bill.NewInvoice("2026-11"), "CurExport": bill.NewCUR("2026-11")} {
		export := all.Resources[name].Properties["Export"].(node)
		query := export["DataQuery"].(node)
		m := columns.FindStringSubmatch(query["QueryStatement"].(string))
		if m == nil {
			t.Fatalf("%s: %s", name, query["QueryStatement"])
		}
		if _, ok := query["TableConfigurations"].(node)[m[2]]; !ok {
			t.Errorf("%s: the table is %s, configured is %v", name, m[2], query["TableConfigurations"])
		}
		head := strings.ReplaceAll(m[1], " ", "")
		if err := v.File(name, strings.NewReader(head+"\n")); err != nil || v.Read.Faults > 0 {
			t.Errorf("%s: %v, %+v", name, err, v.Read.Listed)
		}
		to := export["DestinationConfigurations"].(node)["S3Destination"].(node)
		prefix := map[string]string{"FocusExport": bill.FocusPrefix, "CurExport": bill.CURPrefix}[name]
		if got := to["S3Prefix"].(string) + "/" + export["Name"].(string) + "/"; got != prefix {
			t.Errorf("%s goes to %s, read is %s", name, got, prefix)
		}
		if out := to["S3OutputConfigurations"].(node); out["Format"] != "TEXT_OR_CSV" || out["Compression"] != "GZIP" {
			t.Errorf("%s: %v", name, out)
		}
	}
}

// Finance's bucket keeps versions, and lines as long as the bill reads them.
func TestFinancesBucketKeeps(t *testing.T) {
	all := readTemplate(t, "template.yaml")
	if d := cmp.Diff(node{"Status": "Enabled"}, all.Resources["FinanceBucket"].Properties["VersioningConfiguration"]); d != "" {
		t.Error(d)
	}
	if days, _ := all.Parameters["LineDays"]["MinValue"].(int); days <= int(bill.Lifetime.Hours()/24) {
		t.Errorf("lines may be kept %d days only", days)
	}
}

// Everything that can be tagged says whose it is, and what only AWS has is behind its
// condition.
func TestEverythingIsTagged(t *testing.T) {
	named := map[string]string{"AWS::BCMDataExports::Export": "Tags", "AWS::Budgets::Budget": "ResourceTags", "AWS::CE::AnomalyMonitor": "ResourceTags",
		"AWS::CE::AnomalySubscription": "ResourceTags", "AWS::CloudWatch::Alarm": "Tags", "AWS::IAM::Role": "Tags", "AWS::KinesisFirehose::DeliveryStream": "Tags",
		"AWS::S3::Bucket": "Tags", "AWS::SNS::Topic": "Tags", "AWS::SecretsManager::Secret": "Tags", "AWS::Serverless::Application": "Tags", "AWS::Serverless::Function": "Tags"}
	untagged := []string{"AWS::Logs::AccountPolicy", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy"}
	for _, path := range []string{"template.yaml", "lines/template.yaml"} {
		for name, r := range readTemplate(t, path).Resources {
			if slices.Contains(untagged, r.Type) {
				continue
			}
			tags := keys(r.Properties[named[r.Type]])
			slices.Sort(tags)
			if !slices.Equal(tags, []string{"component", "cost-centre", "environment", "project"}) {
				t.Errorf("%s: %s (%s) has the tags %v", path, name, r.Type, tags)
			}
			if only := regexp.MustCompile(`^AWS::(Budgets|CE|BCMDataExports)::`).MatchString(r.Type); only && r.Condition == "" {
				t.Errorf("%s: %s has no condition", path, name)
			}
		}
	}
}

// keys reads tags as a list of Key and Value, or as a node.
func keys(tags any) (names []string) {
	switch all := tags.(type) {
	case []any:
		for _, tag := range all {
			names = append(names, tag.(node)["Key"].(string))
		}
	case node:
		for name := range all {
			names = append(names, name)
		}
	}
	return names
}

// The function reads each variable that the template sets, and has all that it needs.
func TestVariables(t *testing.T) {
	variables := readTemplate(t, "template.yaml").Resources["BillingReportFunction"].Properties["Environment"].(node)["Variables"].(node)
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		name, option, _ := strings.Cut(f.Tag.Get("env"), ",")
		known[name] = true
		if _, set := variables[name]; option == "required" && !set {
			t.Errorf("%s isn't set", name)
		}
	}
	for name := range variables {
		if !known[name] {
			t.Errorf("%s isn't read", name)
		}
	}
}

// docs/finance.md tells every parameter that somebody may have to set.
func TestParametersAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/finance.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range readTemplate(t, "template.yaml").Parameters {
		if name = strings.TrimRight(name, "23"); name != "Architecture" && !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), " "+name+"=") {
			t.Errorf("docs/finance.md doesn't tell %s", name)
		}
	}
}
