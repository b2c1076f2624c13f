// Package fleet_test holds the fleet's template to the programs that it starts.
package fleet_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// object is a map of the template. What a tag such as !Ref refers to is read as its name.
type object = map[string]any

var template = sync.OnceValues(func() (all object, err error) {
	text, err := os.ReadFile("template.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &all)
	}
	return all, err
})

func resources(t *testing.T) object {
	t.Helper()
	return section(t, "Resources")
}

func section(t *testing.T, name string) object {
	t.Helper()
	all, err := template()
	if err != nil {
		t.Fatal(err)
	}
	return all[name].(object)
}

func properties(t *testing.T, name string) object {
	t.Helper()
	r, ok := resources(t)[name].(object)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return r["Properties"].(object)
}

// container is that of a task, by its name.
func container(t *testing.T, task, name string) object {
	t.Helper()
	for _, c := range properties(t, task)["ContainerDefinitions"].([]any) {
		if c := c.(object); c["Name"] == name {
			return c
		}
	}
	t.Fatalf("%s has no container %s", task, name)
	return nil
}

// environment is what a container is told, passwords included.
func environment(c object) map[string]any {
	all := map[string]any{}
	for _, v := range c["Environment"].([]any) {
		all[v.(object)["Name"].(string)] = v.(object)["Value"]
	}
	secrets, _ := c["Secrets"].([]any)
	for _, v := range secrets {
		all[v.(object)["Name"].(string)] = v.(object)["ValueFrom"]
	}
	return all
}

// A program is told what it must know, and nothing that it doesn't read.
func TestProgramsAreToldWhatTheyRead(t *testing.T) {
	setting := regexp.MustCompile("`env:\"([A-Z_]+)(,required)?")
	for _, c := range []struct{ task, name, sources string }{
		{"WorkerTask", "worker", "worker/*.go valkey/open.go ../shared/queue/plan.go ../shared/region/region.go"},
		{"RelayTask", "relay", "relay/*.go valkey/open.go ../shared/api/edge.go ../shared/queue/plan.go ../shared/region/region.go"},
		{"RouterTask", "roster", "roster/*.go"},
		{"EngineTask", "weights", "weights/*.go"},
	} {
		told := environment(container(t, c.task, c.name))
		reads := map[string]bool{"AWS_REGION": false} // the SDK's
		for _, pattern := range strings.Fields(c.sources) {
			paths, _ := filepath.Glob(pattern)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range setting.FindAllSubmatch(text, -1) {
					reads[string(m[1])] = len(m[2]) > 0
				}
			}
		}
		if len(reads) < 3 {
			t.Errorf("%s reads only %v", c.name, reads)
		}
		for name := range told {
			if _, ok := reads[name]; !ok {
				t.Errorf("%s is told %s, which it doesn't read", c.name, name)
			}
		}
		for name, required := range reads {
			if _, ok := told[name]; required && !ok {
				t.Errorf("%s isn't told %s", c.name, name)
			}
		}
	}
	// What the template is for, beyond what is required.
	for _, name := range []string{"LISTEN", "MODELS", "QUEUE_URL_INDEX", "ENGINE_PRIORITIES", "GRACE", "VALKEY_TLS", "VALKEY_PASSWORD"} {
		if environment(container(t, "WorkerTask", "worker"))[name] == nil {
			t.Errorf("the worker isn't told %s", name)
		}
	}
	for _, name := range []string{"LISTEN", "LISTEN_ADMIN", "MODELS", "QUEUES_USED_FREE", "QUEUES_USED_PREMIUM", "EDGE_SECRET", "VALKEY_TLS", "VALKEY_PASSWORD"} {
		if environment(container(t, "RelayTask", "relay"))[name] == nil {
			t.Errorf("the relay isn't told %s", name)
		}
	}
}

// A worker has time for its answers, and to hand back what is left; ECS gives no more
// than two minutes.
func TestStoppingTakesTheTimeItNeeds(t *testing.T) {
	stop := container(t, "WorkerTask", "worker")["StopTimeout"].(int)
	grace := section(t, "Parameters")["WorkerGrace"].(object)["MaxValue"].(int)
	if stop > 120 || grace+10 > stop {
		t.Errorf("answers have up to %d s, the task %d", grace, stop)
	}
	if stop := container(t, "RelayTask", "relay")["StopTimeout"].(int); stop < 12 {
		t.Errorf("the relay has %d s", stop)
	}
}

// engine runs the engine's start command with a vllm that says what it was given.
func engine(t *testing.T, more ...string) (args []string) {
	t.Helper()
	c := container(t, "EngineTask", "engine")
	if d := cmp.Diff([]any{"/bin/sh", "-c"}, c["EntryPoint"]); d != "" {
		t.Fatal(d)
	}
	bin, weights := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "vllm"), []byte("#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := c["Command"].([]any)[0].(string)
	if !strings.Contains(script, `cd "/weights/$WEIGHTS"`) {
		t.Fatal("the engine doesn't start among its weights")
	}
	cmd := exec.Command("/bin/sh", "-c", strings.Replace(script, `"/weights/$WEIGHTS"`, `"$TEST_DIR"`, 1))
	cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "TEST_DIR=" + weights}, more...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(string(out), weights, "/weights/it")), "\n")
}

func TestTheEngineIsStartedAsTheParametersSay(t *testing.T) {
	basic := []string{"WEIGHTS=it", "MODEL=small", "LENGTH=32768", "SEQUENCES=64", "TENSOR_PARALLEL=2", "GPU_MEMORY=0.90", "KV_CACHE=fp8",
		"QUANTIZATION=", "PRIORITIES=false", "SPECULATIVE=", "LORA=", "LORA_RANK=16"}
	want := []string{"serve", "/weights/it", "--served-model-name", "small", "--host", "0.0.0.0", "--port", "8000", "--max-model-len", "32768", "--max-num-seqs", "64",
		"--tensor-parallel-size", "2", "--gpu-memory-utilization", "0.90", "--kv-cache-dtype", "fp8", "--enable-prefix-caching"}
	if d := cmp.Diff(want, engine(t, basic...)); d != "" {
		t.Error(d)
	}
	const speculative = `{"model": "./draft", "num_speculative_tokens": 5}`
	want = append(want, "--quantization", "awq_marlin", "--scheduling-policy", "priority", "--speculative-config", speculative,
		"--enable-lora", "--max-lora-rank", "64", "--max-loras", "2", "--lora-modules", "law=/weights/it/lora/law", "code=/weights/it/lora/code")
	full := append(slices.Clone(basic), "QUANTIZATION=awq_marlin", "PRIORITIES=true", "SPECULATIVE="+speculative, "LORA=law=lora/law code=lora/code", "LORA_RANK=64")
	if d := cmp.Diff(want, engine(t, full...)); d != "" {
		t.Error(d)
	}
	told := environment(container(t, "EngineTask", "engine"))
	for _, v := range basic {
		name, _, _ := strings.Cut(v, "=")
		if told[name] == nil {
			t.Errorf("the engine isn't told %s", name)
		}
	}
}

// Only the edge gets through: by the network, and by what it says.
func TestTheLoadBalancerIsTheEdgesAlone(t *testing.T) {
	listener := properties(t, "Listener")
	if d := cmp.Diff([]any{object{"Type": "fixed-response", "FixedResponseConfig": object{"StatusCode": "403", "ContentType": "text/plain", "MessageBody": "Forbidden"}}}, listener["DefaultActions"]); d != "" {
		t.Error(d)
	}
	open := 0
	for name, r := range resources(t) {
		switch r := r.(object); r["Type"] {
		case "AWS::ElasticLoadBalancingV2::ListenerRule":
			conditions := r["Properties"].(object)["Conditions"].([]any)
			secret := slices.ContainsFunc(conditions, func(c any) bool {
				h, _ := c.(object)["HttpHeaderConfig"].(object)
				return h["HttpHeaderName"] == "X-Edge-Secret" && len(h["Values"].([]any)) > 0
			})
			if !secret {
				open++
				want := []any{object{"Field": "path-pattern", "PathPatternConfig": object{"Values": []any{"/readyz"}}},
					object{"Field": "http-request-method", "HttpRequestMethodConfig": object{"Values": []any{"GET"}}}}
				if d := cmp.Diff(want, conditions); d != "" {
					t.Errorf("%s lets in without the secret: %s", name, d)
				}
			}
		case "AWS::EC2::SecurityGroup":
			if in, _ := yaml.Marshal(r["Properties"].(object)["SecurityGroupIngress"]); strings.Contains(string(in), "0.0.0.0") || strings.Contains(string(in), "::/0") {
				t.Errorf("%s lets everybody in", name)
			}
		}
	}
	if open != 1 {
		t.Errorf("%d rules let in without the secret", open)
	}
	for _, name := range []string{"RelayService", "WorkerService", "RouterService"} {
		network, _ := yaml.Marshal(properties(t, name)["NetworkConfiguration"])
		if !strings.Contains(string(network), "AssignPublicIp: DISABLED") || strings.Contains(string(network), "PublicSubnet") {
			t.Errorf("%s has an address of the internet's", name)
		}
	}
}

// Whatever can have tags says whose it is.
func TestEverythingIsTagged(t *testing.T) {
	without := []string{ // these have none
		"AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPCGatewayAttachment", "AWS::ECS::ClusterCapacityProviderAssociations",
		"AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::Route53::RecordSet", "AWS::IAM::InstanceProfile",
		"AWS::EC2::LaunchTemplate", "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::S3::BucketPolicy"}
	for name, r := range resources(t) {
		r := r.(object)
		if slices.Contains(without, r["Type"].(string)) {
			continue
		}
		got := map[string]any{}
		tags, _ := r["Properties"].(object)["Tags"].([]any)
		for _, tag := range tags {
			got[tag.(object)["Key"].(string)] = tag.(object)["Value"]
		}
		if got["project"] != "parley" || got["environment"] != "Environment" || got["cost-centre"] != "CostCentre" || got["component"] == nil {
			t.Errorf("%s (%s): %v", name, r["Type"], got)
		}
	}
}

// Sizes follow what report-backlog measures, under the names that it has.
func TestSizesFollowWhatIsMeasured(t *testing.T) {
	reporter, err := os.ReadFile("../shared/backlog/backlog.go")
	if err != nil {
		t.Fatal(err)
	}
	has := func(metric string) {
		if !strings.Contains(string(reporter), `figure{"`+metric+`"`) {
			t.Errorf("nobody measures %s", metric)
		}
	}
	for _, policy := range []string{"WorkerDemandPolicy", "EngineDemandPolicy"} {
		metric := properties(t, policy)["TargetTrackingScalingPolicyConfiguration"].(object)["CustomizedMetricSpecification"].(object)
		has(metric["MetricName"].(string))
		if d := cmp.Diff([]any{object{"Name": "Environment", "Value": "Environment"}}, metric["Dimensions"]); d != "" || metric["Unit"] != "Percent" {
			t.Error(policy, d, metric["Unit"])
		}
	}
	queues := map[any]bool{}
	for _, m := range properties(t, "NobodyWorks")["Metrics"].([]any) {
		stat, ok := m.(object)["MetricStat"].(object)
		if !ok {
			continue
		}
		metric := stat["Metric"].(object)
		has(metric["MetricName"].(string))
		for _, d := range metric["Dimensions"].([]any) {
			if d := d.(object); d["Name"] == "Queue" {
				queues[d["Value"]] = true
			}
		}
	}
	if d := cmp.Diff(map[any]bool{"free": true, "premium": true}, queues); d != "" {
		t.Error(d)
	}
	for _, size := range []string{"WorkersMin", "EnginesMin"} {
		if section(t, "Parameters")[size].(object)["Default"] != 0 {
			t.Errorf("%s isn't none", size)
		}
	}
}

// The bucket of weights keeps versions, and stays.
func TestWeightsAreKept(t *testing.T) {
	if d := cmp.Diff(object{"Status": "Enabled"}, properties(t, "WeightsBucket")["VersioningConfiguration"]); d != "" {
		t.Error(d)
	}
	if resources(t)["WeightsBucket"].(object)["DeletionPolicy"] != "Retain" {
		t.Error("they go with the stack")
	}
}
