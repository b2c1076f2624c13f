package quota

import (
	"testing"
	"time"
)

func TestOwnLimitsReplaceThePlansOneByOne(t *testing.T) {
	if got := Of(Free, Limits{}); got != (Limits{40, 4096, 5 << 30}) {
		t.Errorf("free: %+v", got)
	}
	if got := Of(Premium, Limits{MessagesPerHour: 1000}); got != (Limits{1000, 131072, 50 << 30}) {
		t.Errorf("premium with 1000 messages: %+v", got)
	}
	if got := Of(Free, Limits{StorageBytes: 1 << 40}); got != (Limits{40, 4096, 1 << 40}) {
		t.Errorf("free with storage of its own: %+v", got)
	}
}

func TestHeaders(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 59, 30, 1, time.UTC)
	limit, policy := Headers(40, 41, at)
	if limit != `"messages";r=0;t=30` || policy != `"messages";q=40;w=3600` {
		t.Errorf("%s, %s", limit, policy)
	}
	if Hour(at.Add(30*time.Second)) != "2026112211" {
		t.Errorf("hour: %s", Hour(at.Add(30*time.Second)))
	}
}
