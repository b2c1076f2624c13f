// Package web_test holds the templates of the edge to what the relay does without
// one: paths, headers, names of headers, time-outs.
package web_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"parley/fleet/serve"
	"parley/shared/api"
)

// object is a map of a template. What a tag such as !Ref refers to is read as its name.
type object = map[string]any

func read(t *testing.T, path string) object {
	t.Helper()
	var all object
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// at goes down a template by names; a number is a place in a list.
func at(t *testing.T, from any, path ...string) any {
	t.Helper()
	for i, name := range path {
		switch v := from.(type) {
		case object:
			from = v[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(v) {
				t.Fatalf("no %s", strings.Join(path[:i+1], "."))
			}
			from = v[n]
		}
		if from == nil {
			t.Fatalf("no %s", strings.Join(path[:i+1], "."))
		}
	}
	return from
}

// places are the names of regions in parameters.
var places = []string{"Virginia", "London", "Mumbai", "SaoPaulo", "Jakarta", "Oregon", "Frankfurt", "Tokyo"}

const (
	cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	everyMethod     = "GET HEAD OPTIONS PUT PATCH POST DELETE"
)

func TestPathsGoWhereTheRelaySendsThem(t *testing.T) {
	distribution := at(t, read(t, "template.yaml"), "Resources", "Edge", "Properties", "DistributionConfig")
	var got []serve.Rule
	for _, b := range at(t, distribution, "CacheBehaviors").([]any) {
		b := b.(object)
		got = append(got, serve.Rule{Pattern: b["PathPattern"].(string), Origin: serve.Origin(b["TargetOriginId"].(string))})
		if b["CachePolicyId"] != cachingDisabled || b["Compress"] != false || b["OriginRequestPolicyId"] != "Requests" || b["ViewerProtocolPolicy"] != "https-only" {
			t.Errorf("%s may be cached, compressed, without the request's headers, or without TLS: %v", b["PathPattern"], b)
		}
		var methods []string
		for _, m := range b["AllowedMethods"].([]any) {
			methods = append(methods, m.(string))
		}
		if strings.Join(methods, " ") != everyMethod {
			t.Errorf("%s takes %v", b["PathPattern"], methods)
		}
	}
	got = append(got, serve.Rule{Pattern: "*", Origin: serve.Origin(at(t, distribution, "DefaultCacheBehavior", "TargetOriginId").(string))})
	if d := diff.Diff(serve.Rules, got); d != "" {
		t.Error(d)
	}
	if at(t, distribution, "WebACLId") != "Firewall.Arn" {
		t.Error("no firewall stands before it")
	}
}

func TestThePageHasTheRelaysHeaders(t *testing.T) {
	const origins = "https://bucket.example https://files.example"
	page, err := serve.Page(".", strings.Fields(origins)...)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	want := map[string]string{"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} // there is no TLS on a laptop
	for name := range answer.Header() {
		switch name {
		case "Content-Type", "Content-Length", "Last-Modified", "Accept-Ranges": // S3's own
		default:
			want[name] = answer.Header().Get(name)
		}
	}
	policy := at(t, read(t, "template.yaml"), "Resources", "PageHeaders", "Properties", "ResponseHeadersPolicyConfig")
	fill := []string{"${Files}", " " + origins}
	for _, place := range places {
		fill = append(fill, "${"+place+"}", "")
	}
	if d := diff.Diff(want, headers(t, policy, strings.NewReplacer(fill...))); d != "" {
		t.Error(d)
	}
}

// Each region has its parameters, its stack under its own name, and its bucket among
// what the page may use.
func TestRegionsAreTheSameEverywhere(t *testing.T) {
	all := read(t, "template.yaml")
	csp := at(t, all, "Resources", "PageHeaders", "Properties", "ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy")
	regions := map[string]string{}
	for _, place := range places {
		at(t, all, "Parameters", place)
		stack := at(t, all, "Resources", place+"Region", "Properties", "Parameters")
		region := at(t, stack, "Region").(string)
		regions[place] = region
		if bucket := at(t, all, "Parameters", "Files"+place, "AllowedPattern").(string); !strings.Contains(bucket, `\.s3\.`+region+`\.amazonaws`) {
			t.Errorf("%s: a bucket like %s", place, bucket)
		}
		if d := diff.Diff([]any{"HasFiles", "Files" + place, ""}, at(t, stack, "FilesBucket")); d != "" {
			t.Errorf("%s: %s", place, d)
		}
		want := []any{"Uses" + place, []any{"HasFiles", " https://${Files" + place + "} https://files-" + region + ".${Domain}", " https://${Files" + place + "}"}, ""}
		if d := diff.Diff(want, at(t, csp, "1", place)); d != "" {
			t.Errorf("%s: %s", place, d)
		}
		if !strings.Contains(at(t, csp, "0").(string), "${"+place+"}") {
			t.Errorf("the page may not use %s's bucket", place)
		}
	}
	for place, standby := range map[string]string{"Virginia": "Oregon", "SaoPaulo": "Oregon", "London": "Frankfurt", "Mumbai": "Tokyo", "Jakarta": "Tokyo"} {
		if d := diff.Diff([]any{"In" + standby, regions[standby], ""}, at(t, all, "Resources", place+"Region", "Properties", "Parameters", "Standby")); d != "" {
			t.Errorf("for %s stands by: %s", place, d)
		}
	}
}

// headers is what CloudFront makes of a policy.
func headers(t *testing.T, policy any, fill *strings.Replacer) map[string]string {
	t.Helper()
	got := map[string]string{}
	for name, value := range at(t, policy, "SecurityHeadersConfig").(object) {
		value := value.(object)
		if value["Override"] != true {
			t.Errorf("%s may be another", name)
		}
		switch name {
		case "ContentSecurityPolicy":
			text := value["ContentSecurityPolicy"]
			if list, ok := text.([]any); ok {
				text = list[0]
			}
			got["Content-Security-Policy"] = fill.Replace(text.(string))
		case "ContentTypeOptions":
			got["X-Content-Type-Options"] = "nosniff"
		case "ReferrerPolicy":
			got["Referrer-Policy"] = value["ReferrerPolicy"].(string)
		case "StrictTransportSecurity":
			got["Strict-Transport-Security"] = "max-age=" + strconv.Itoa(value["AccessControlMaxAgeSec"].(int)) + "; includeSubDomains"
			if value["IncludeSubdomains"] != true {
				t.Error("subdomains may do without TLS")
			}
		default:
			t.Errorf("%s isn't known here", name)
		}
	}
	custom, _ := policy.(object)["CustomHeadersConfig"].(object)
	items, _ := custom["Items"].([]any)
	for _, item := range items {
		item := item.(object)
		if item["Override"] != true {
			t.Errorf("%s may be another", item["Header"])
		}
		got[item["Header"].(string)] = item["Value"].(string)
	}
	return got
}

// Origins hear the edge's secret, and the user's address as nobody but CloudFront
// says it.
func TestTheEdgeProvesItselfAndNamesTheUser(t *testing.T) {
	all := read(t, "template.yaml")
	for _, origin := range at(t, all, "Resources", "Edge", "Properties", "DistributionConfig", "Origins").([]any) {
		origin := origin.(object)
		if origin["Id"] == "page" {
			if origin["OriginAccessControlId"] != "BucketAccess.Id" {
				t.Error("the page's bucket would have to be public")
			}
			continue
		}
		want := []any{object{"HeaderName": api.EdgeSecretHeader, "HeaderValue": "EdgeSecret"}}
		if d := diff.Diff(want, origin["OriginCustomHeaders"]); d != "" {
			t.Errorf("%s: %s", origin["Id"], d)
		}
		if at(t, origin, "CustomOriginConfig", "OriginProtocolPolicy") != "https-only" {
			t.Errorf("%s hears the secret without TLS", origin["Id"])
		}
	}
	said := at(t, all, "Resources", "Requests", "Properties", "OriginRequestPolicyConfig", "HeadersConfig", "Headers").([]any)
	if len(said) != 1 || !strings.EqualFold(said[0].(string), api.ViewerHeader) {
		t.Errorf("CloudFront says %v", said)
	}
	if at(t, all, "Parameters", "EdgeSecret", "NoEcho") != true {
		t.Error("the secret is shown")
	}
}

// A stream isn't taken for dead between two of its comments, and nobody in between
// gives up before the edge does.
func TestTimeoutsSuitStreams(t *testing.T) {
	silence := at(t, read(t, "template.yaml"), "Parameters", "StreamSilence").(object)
	fleet := at(t, read(t, "../fleet/template.yaml"), "Parameters", "SilenceSeconds").(object)
	comments := int(serve.DefaultPace().Comment / time.Second)
	if silence["MinValue"].(int) <= comments || silence["Default"].(int) < 3*comments {
		t.Errorf("the edge waits %v to %v s, the relay says something every %d", silence["MinValue"], silence["Default"], comments)
	}
	if fleet["Default"].(int) <= silence["MaxValue"].(int) {
		t.Errorf("the load balancer gives up after %v s, the edge after %v at most", fleet["Default"], silence["MaxValue"])
	}
	relay, err := os.ReadFile("../fleet/relay/main.go")
	if err != nil {
		t.Fatal(err)
	}
	idle := regexp.MustCompile(`IdleTimeout: +(\d+) \* time\.Minute`).FindSubmatch(relay)
	if idle == nil {
		t.Fatal("the relay's IdleTimeout isn't where it was")
	}
	if minutes, _ := strconv.Atoi(string(idle[1])); minutes*60 <= fleet["MaxValue"].(int) {
		t.Errorf("the relay gives up after %d min, the load balancer after %v s at most", minutes, fleet["MaxValue"])
	}
}

// firewall is what the rules of the edge do with labels.
type firewall struct {
	counted map[string]string         // labels that only count, by the group that leaves them
	refused map[string]string         // labels that are refused, by the rule that does
	but     map[string]*regexp.Regexp // paths on which a rule refuses nothing
}

var namespaces = map[string]string{
	"AWSManagedRulesCommonRuleSet":         "core-rule-set",
	"AWSManagedRulesKnownBadInputsRuleSet": "known-bad-inputs",
	"AWSManagedRulesSQLiRuleSet":           "sql-database",
}

func readFirewall(t *testing.T) firewall {
	t.Helper()
	fw := firewall{map[string]string{}, map[string]string{}, map[string]*regexp.Regexp{}}
	suffix := strings.NewReplacer("_BODY", "_Body", "_QUERYSTRING", "_QueryString", "_QUERYARGUMENTS", "_QueryArguments")
	rules := at(t, read(t, "template.yaml"), "Resources", "Firewall", "Properties", "Rules").([]any)
	if !slices.IsSortedFunc(rules, func(a, b any) int {
		return cmp.Compare(a.(object)["Priority"].(int), b.(object)["Priority"].(int))
	}) {
		t.Error("the rules aren't in their order")
	}
	for _, rule := range rules {
		name, statement := rule.(object)["Name"].(string), rule.(object)["Statement"].(object)
		if group, ok := statement["ManagedRuleGroupStatement"].(object); ok {
			overrides, _ := group["RuleActionOverrides"].([]any)
			for _, o := range overrides {
				if d := diff.Diff(object{"Count": object{}}, o.(object)["ActionToUse"]); d != "" {
					t.Errorf("%s: %s", name, d)
				}
				label := "awswaf:managed:aws:" + namespaces[group["Name"].(string)] + ":" + suffix.Replace(o.(object)["Name"].(string))
				fw.counted[label] = name
			}
		}
		and, ok := statement["AndStatement"].(object)
		if !ok {
			continue
		}
		fw.but[name] = regexp.MustCompile(at(t, and, "Statements", "0", "NotStatement", "Statement", "RegexMatchStatement", "RegexString").(string))
		for _, s := range at(t, and, "Statements", "1", "OrStatement", "Statements").([]any) {
			fw.refused[at(t, s, "LabelMatchStatement", "Key").(string)] = name
		}
	}
	return fw
}

func TestWhatOnlyCountsIsRefusedLater(t *testing.T) {
	fw := readFirewall(t)
	for label, group := range fw.counted {
		if fw.refused[label] == "" {
			t.Errorf("%s only counts in %s and is refused nowhere", label, group)
		}
	}
	for label, rule := range fw.refused {
		if fw.counted[label] == "" {
			t.Errorf("%s refuses %s, which nobody leaves", rule, label)
		}
		want := "queries"
		if strings.HasSuffix(label, "_Body") {
			want = "bodies"
		}
		if rule != want {
			t.Errorf("%s is refused by %s", label, rule)
		}
	}
	for _, label := range []string{"core-rule-set:SizeRestrictions_Body", "core-rule-set:CrossSiteScripting_Body", "core-rule-set:GenericLFI_Body",
		"core-rule-set:GenericRFI_Body", "core-rule-set:EC2MetaDataSSRF_Body", "sql-database:SQLi_Body", "known-bad-inputs:Log4JRCE_Body"} {
		if fw.counted["awswaf:managed:aws:"+label] == "" {
			t.Errorf("%s refuses messages", label)
		}
	}
}

// What users write passes, by the paths of the API's own description.
func TestOnlyTextsPassTheFirewall(t *testing.T) {
	fw := readFirewall(t)
	const ulid = "01KB3GZ8N4T0V6Y2W5X9Q7R1SD"
	texts := map[string]bool{ // routes of docs/openapi.yaml that carry what users write
		"/v1/messages": true, "/v1/chat/completions": true, "/v1/chats/{chat_id}": true,
		"/v1/chats/{chat_id}/messages/{id}/regenerate": true, "/v1/chats/{chat_id}/messages/{reply_id}/feedback": true,
	}
	seen := 0
	for path := range at(t, read(t, "../docs/openapi.yaml"), "paths").(object) {
		real := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(path, ulid)
		if texts[path] {
			seen++
		}
		if fw.but["bodies"].MatchString(real) != texts[path] {
			t.Errorf("bodies of %s: %v", path, texts[path])
		}
		if fw.but["queries"].MatchString(real) != (path == "/v1/search") {
			t.Errorf("queries of %s", path)
		}
	}
	if seen != len(texts) {
		t.Errorf("%d of %d routes with texts were found", seen, len(texts))
	}
	for _, path := range []string{"/v1/messages/", "/v1/messages/../signup", "/v1/signup/v1/messages", "//v1/messages", "/v1/%6Dessages", "/v1/chats/" + ulid + "/../../signup"} {
		if fw.but["bodies"].MatchString(path) {
			t.Errorf("%s passes for a message", path)
		}
	}
}

func TestTheFirewallsLogHasNoSecrets(t *testing.T) {
	log := at(t, read(t, "template.yaml"), "Resources", "FirewallLogging", "Properties")
	want := []any{object{"SingleHeader": object{"Name": "authorization"}}, object{"SingleHeader": object{"Name": "cookie"}}, object{"QueryString": object{}}}
	if d := diff.Diff(want, at(t, log, "RedactedFields")); d != "" {
		t.Error(d)
	}
}

// Every door at which passwords and mails are tried has the tighter limit.
func TestDoorsAreNarrower(t *testing.T) {
	all := read(t, "template.yaml")
	rate := at(t, all, "Resources", "Firewall", "Properties", "Rules", "1", "Statement", "RateBasedStatement")
	doors := regexp.MustCompile(at(t, rate, "ScopeDownStatement", "RegexMatchStatement", "RegexString").(string))
	for _, path := range []string{"/v1/signup", "/v1/login", "/v1/reset-password", "/v1/verify-email", "/v1/verify-email/resend"} {
		if !doors.MatchString(path) {
			t.Errorf("%s has no limit of its own", path)
		}
		if !strings.Contains(string(must(os.ReadFile("../docs/openapi.yaml"))), "\n  "+path+":") {
			t.Errorf("the API has no %s", path)
		}
	}
	if doors.MatchString("/v1/token") || doors.MatchString("/v1/messages") {
		t.Error("what everybody does all day counts as a door")
	}
	if p := at(t, all, "Parameters").(object); at(t, p, "DoorsPerAddress", "Default").(int) >= at(t, p, "RequestsPerAddress", "Default").(int) {
		t.Error("the doors are as wide as the rest")
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// Downloads need a signed URL, aren't cached, and don't say when their bytes first came.
func TestDownloadsAreSignedAndForget(t *testing.T) {
	files := at(t, read(t, "region.template.yaml"), "Resources", "Files", "Properties", "DistributionConfig", "DefaultCacheBehavior").(object)
	if d := diff.Diff([]any{"FilesKeys"}, files["TrustedKeyGroups"]); d != "" || files["CachePolicyId"] != cachingDisabled {
		t.Error(d, files)
	}
	all := read(t, "template.yaml")
	removed := at(t, all, "Resources", "FilesHeaders", "Properties", "ResponseHeadersPolicyConfig", "RemoveHeadersConfig", "Items")
	if d := diff.Diff([]any{object{"Header": "Last-Modified"}, object{"Header": "x-amz-version-id"}}, removed); d != "" {
		t.Error(d)
	}
	sent := at(t, all, "Resources", "FilesRequests", "Properties", "OriginRequestPolicyConfig", "QueryStringsConfig", "QueryStrings")
	if d := diff.Diff([]any{"response-cache-control", "response-content-type", "response-content-disposition"}, sent); d != "" {
		t.Error(d)
	}
}

// Health checks ask what is answered without the secret, and nothing else is.
func TestHealthChecksAskWhatIsOpen(t *testing.T) {
	region := at(t, read(t, "region.template.yaml"), "Resources")
	keys := at(t, region, "ApiCheck", "Properties", "HealthCheckConfig", "ResourcePath").(string)
	if source := string(must(os.ReadFile("../shared/api/edge.go"))); !strings.Contains(source, `keysPath = "`+keys+`"`) || strings.Count(source, "keysPath") != 3 {
		t.Errorf("%s is not what functions answer to anybody", keys)
	}
	open := at(t, read(t, "../fleet/template.yaml"), "Resources", "HealthChecks", "Properties", "Conditions", "0", "PathPatternConfig", "Values")
	if d := diff.Diff([]any{at(t, region, "RelayCheck", "Properties", "HealthCheckConfig", "ResourcePath")}, open); d != "" {
		t.Error(d)
	}
	if d := diff.Diff([]any{"ApiCheck", "RelayCheck"}, at(t, region, "RegionCheck", "Properties", "HealthCheckConfig", "ChildHealthChecks")); d != "" {
		t.Error(d)
	}
}
