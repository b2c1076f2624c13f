package ledger

import (
	"encoding/json"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"

	"parley/scripts/internal/prices"
)

func TestWhatS3BillsARequestAs(t *testing.T) {
	for request, want := range map[string]Class{
		"PUT /bucket/incoming/u/f":                       Put,
		"PUT /bucket/incoming/u/f?partNumber=1&uploadId": Put,
		"POST /bucket/incoming/u/f?uploads":              Put,
		"POST /bucket/incoming/u/f?uploadId=1":           Put,
		"GET /bucket?list-type=2":                        Put,
		"GET /bucket/?versions&prefix=x":                 Put,
		"GET /bucket/incoming/u/f?uploadId=1":            Put,
		"GET /bucket/incoming/u/f?versionId=1":           Get,
		"GET /bucket/incoming/u/f?tagging":               Get,
		"HEAD /bucket/blobs/x":                           Get,
		"DELETE /bucket/incoming/u/f?versionId=1":        Free,
		"DELETE /bucket/incoming/u/f?uploadId=1":         Free,
		"POST /bucket?delete":                            Free,
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := classOf(httptest.NewRequest(method, path, nil)); got != want {
			t.Errorf("%s is %q, want %q", request, got, want)
		}
	}
}

// roundNumbers are prices and times with which sums can be done by hand.
const roundNumbers = `{"prices":{
	"http_api_request":{"usd":"1","per":1000000},"lambda_request":{"usd":"10","per":1000000},"lambda_gb_second":{"usd":"1","per":1},
	"dynamodb_write":{"usd":"100","per":1000000},"dynamodb_read":{"usd":"1000","per":1000000},"sqs_request":{"usd":"10000","per":1000000},
	"s3_put":{"usd":"100000","per":1000000},"s3_get":{"usd":"0.5","per":1000000}},
"assumptions":{
	"own_ms":{"value":"2"},"function_mb":{"value":"512"},"core_mb":{"value":"1024"},"process_own_ms":{"value":"100"},"process_mb":{"value":"2048"},
	"aws_round_trip_ms":{"value":"10"},"s3_round_trip_ms":{"value":"20"},"s3_mb_per_second":{"value":"10"}}}`

func TestWhatAFileCosts(t *testing.T) {
	var p prices.Table
	if err := json.Unmarshal([]byte(roundNumbers), &p); err != nil {
		t.Fatal(err)
	}
	b := &biller{table: p}
	for name, c := range map[string]struct {
		row     FileRow
		ms, usd string
	}{
		"requests": {FileRow{Requests: 2, ClientPuts: 3, Figures: Figures{DynamoDBCalls: 2, WriteUnits: 8, ReadUnits: 3, S3Calls: 1, S3Puts: 1, Rounds: 3}},
			"48", "425922"}, // 2×10 + 20 + 2×2×2; 2×1 + 2×10 + 48 ms of half a GB: 24000 + 400 + 1500 + 4×100000
		"an event": {FileRow{Events: 1, Notices: 1, Moved: 1_000_000, Figures: Figures{S3Calls: 2, S3Gets: 2, Rounds: 2}},
			"240", "510011"}, // 2×20 + 100 + 100; 10 + 240 ms of 2 GB: 480000 + 3×10000 + 2×0.5
		"on top of a send": {FileRow{Figures: Figures{S3Calls: 1, S3Gets: 1, Rounds: 1}}, "10", "5000.5"},
	} {
		if got := product(b.fileTime(c.row), whole1(1000)); got.Cmp(rat(c.ms)) != 0 {
			t.Errorf("%s: %s ms", name, got.FloatString(1))
		}
		if got := b.fileCost(c.row); got.Cmp(rat(c.usd)) != 0 || b.err != nil {
			t.Errorf("%s: %s USD, %v", name, got.FloatString(2), b.err)
		}
	}
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s) // a literal of this file
	return r
}
