//go:build service

package fleet_test

import (
	"strings"
	"testing"

	"parley/fleet/fleettest"
)

// unknown are types that the embedded AWS doesn't have (docs/fleet.md).
var unknown = map[string]bool{
	"AWS::ApplicationAutoScaling::ScalableTarget": true, "AWS::ApplicationAutoScaling::ScalingPolicy": true,
	"AWS::ECS::CapacityProvider": true, "AWS::ECS::ClusterCapacityProviderAssociations": true,
	"AWS::EC2::EIP": true, "AWS::EC2::NatGateway": true, "AWS::ElastiCache::ServerlessCache": true,
}

// The fleet's stack beside Parley's own, at a standstill, so that nothing is to run
// in containers: all of it that the embedded AWS knows.
func TestTheFleetIsDeployed(t *testing.T) {
	place := fleettest.NewPlace(t)
	image := "@sha256:" + strings.Repeat("0a", 32)
	args := []string{"Scaling=stopped", "Environment=" + place.Environment, "Domain=" + place.Domain, "HostedZoneId=" + place.Zone, "GpuImage=" + place.GpuImage,
		"EdgeSecret=" + strings.Repeat("0b", 32), "EdgeSecretBefore=" + strings.Repeat("0c", 32), "CloudFrontPrefixList=pl-0123abcd", "HealthCheckPrefixList=pl-0123abce",
		"FleetImage=fleet" + image, "EngineImage=vllm" + image, "RouterImage=router" + image, "Weights=" + strings.Repeat("0d", 32)}
	for parameter, variable := range map[string]string{"AccountsTable": "ACCOUNTS_TABLE", "ChatsTable": "CHATS_TABLE", "FilesTable": "FILES_TABLE", "BodiesBucket": "BODIES_BUCKET",
		"FilesBucket": "FILES_BUCKET", "UsageBucket": "USAGE_BUCKET", "QueueUrlsFree": "QUEUE_URLS_FREE", "QueueArnsFree": "QUEUE_ARNS_FREE", "QueuesUsedFree": "QUEUES_USED_FREE",
		"QueueUrlsPremium": "QUEUE_URLS_PREMIUM", "QueueArnsPremium": "QUEUE_ARNS_PREMIUM", "QueuesUsedPremium": "QUEUES_USED_PREMIUM", "QueueUrlIndex": "QUEUE_URL_INDEX"} {
		args = append(args, parameter+"="+fleettest.Env(t, variable))
	}
	made := fleettest.Deploy(t, "fleet/template.yaml", "fleet-"+place.Environment, args...)

	if got, want := made.Outputs["RelayOrigin"], "us-east-1.relay-origin."+place.Domain; got != want {
		t.Errorf("relays are at %s, not %s", got, want)
	}
	if got, want := made.Outputs["EngineUrl"], "http://router.parley-"+place.Environment+".internal:8080"; got != want {
		t.Errorf("the engine is at %s, not %s", got, want)
	}
	if n := strings.Count(made.Outputs["Subnets"], "subnet-"); n != 3 {
		t.Errorf("%d subnets", n)
	}
	for _, name := range []string{"Vpc", "Cluster", "WeightsBucket", "Valkey", "BalancerName", "WorkerGroup"} {
		if made.Outputs[name] == "" {
			t.Errorf("no output %s", name)
		}
	}
	// Left out is what the parameters leave out, and nothing because it isn't known.
	alarm := "AWS::CloudWatch::Alarm" // of several metrics, which it doesn't know
	for name, r := range resources(t) {
		kind := r.(object)["Type"].(string)
		if there := made.Resources[name] == kind; there == (unknown[kind] || kind == alarm || name == "SpotGroup" || strings.HasPrefix(name, "NatRoute")) {
			t.Errorf("%s (%s) is there: %v", name, kind, there)
		}
	}
}
