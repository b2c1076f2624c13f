//go:build service

package web_test

import (
	"strings"
	"testing"

	"parley/fleet/fleettest"
)

// The edge with two regions and a standby, and what a region's API has of it, beside
// Parley's own stack. The embedded AWS has neither health checks nor key groups nor
// the firewall's log (docs/edge.md).
func TestTheEdgeIsDeployed(t *testing.T) {
	place := fleettest.NewPlace(t)
	own := []string{"Environment=" + place.Environment, "Domain=" + place.Domain, "HostedZoneId=" + place.Zone}
	edge := fleettest.Deploy(t, "web/template.yaml", "edge-"+place.Environment, append(own, "EdgeSecret="+strings.Repeat("0b", 32),
		"HealthChecks=false", "FirewallLogDays=0", "London=on", "Oregon=on", "FilesOrigins=https://files.example")...)
	if got, want := edge.Outputs["Origin"], "https://"+place.Domain; got != want {
		t.Errorf("users reach it at %s, not %s", got, want)
	}
	if !strings.HasSuffix(edge.Outputs["DistributionName"], ".cloudfront.net") || !strings.Contains(edge.Outputs["Firewall"], ":global/webacl/") || edge.Outputs["PageBucket"] == "" {
		t.Errorf("outputs: %v", edge.Outputs)
	}
	left := map[string]bool{"AWS::CloudFront::PublicKey": true, "AWS::CloudFront::KeyGroup": true, "AWS::WAFv2::LoggingConfiguration": true, "AWS::Logs::LogGroup": true}
	on := map[string]bool{"VirginiaRegion": true, "LondonRegion": true, "OregonRegion": true}
	for name, r := range at(t, read(t, "template.yaml"), "Resources").(object) {
		kind := r.(object)["Type"].(string)
		want := !left[kind]
		if kind == "AWS::Serverless::Application" {
			kind, want = "AWS::CloudFormation::Stack", on[name]
		}
		if there := edge.Resources[name] == kind; there != want {
			t.Errorf("%s (%s) is there: %v", name, kind, there)
		}
	}

	origin := fleettest.Deploy(t, "web/origin.template.yaml", "origin-"+place.Environment, append(own, "ApiId="+fleettest.Env(t, "API_ID"))...)
	if got, want := origin.Outputs["ApiOrigin"], "us-east-1.api-origin."+place.Domain; got != want {
		t.Errorf("the API is at %s, not %s", got, want)
	}
}
