package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestMonthsThatAreAskedFor(t *testing.T) {
	now := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	for detail, want := range map[string]string{
		``: "2026-10 2026-11", `"{}"`: "2026-10 2026-11", `{}`: "2026-10 2026-11", `""`: "2026-10 2026-11",
		`{"month": "2026-07"}`: "2026-07", `"{\"month\": \"2026-07\"}"`: "2026-07",
	} {
		got, err := months(json.RawMessage(detail), now)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v", detail, got, err)
		}
	}
	for _, detail := range []string{`7`, `"no"`, `{"month": 7}`} {
		if got, err := months(json.RawMessage(detail), now); err == nil {
			t.Errorf("%s: %v", detail, got)
		}
	}
}

func TestUsageBuckets(t *testing.T) {
	r := &reporter{cfg: aws.Config{Region: "us-east-1"}}
	if files, err := r.usageFiles(); err != nil || files != nil {
		t.Errorf("%v, %v", files, err)
	}
	r.Usage = []string{"us-east-1=a-bucket", "eu-west-2=another"}
	if files, err := r.usageFiles(); err != nil || files == nil {
		t.Errorf("%v, %v", files, err)
	}
	r.Usage = []string{"a-bucket"}
	if _, err := r.usageFiles(); err == nil {
		t.Error("a bucket without a region was taken")
	}
}
