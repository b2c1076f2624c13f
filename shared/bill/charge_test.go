package bill

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// total sums a column of a FOCUS file by a way of its own.
func summed(t *testing.T, in io.Reader, column, month string) (sum *big.Rat, rows int64) {
	t.Helper()
	all, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range all[0] {
		at[name] = i
	}
	sum = new(big.Rat)
	for _, row := range all[1:] {
		if !strings.HasPrefix(row[at["BillingPeriodStart"]], month) {
			continue
		}
		v, ok := new(big.Rat).SetString(row[at[column]])
		if !ok {
			t.Fatalf("%q is no number", row[at[column]])
		}
		sum.Add(sum, v)
		rows++
	}
	return sum, rows
}

// FOCUS's published sample comes to what its rows sum to: none is dropped.
func TestFocusSample(t *testing.T) {
	checkFocus(t, "testdata/focus_sample.csv.gz", "2024-09", "20.28022672899")
}

// The larger samples are read out of a folder, such as a clone of FOCUS-Sample-Data.
func TestFocusSamples(t *testing.T) {
	folder := os.Getenv("FOCUS_SAMPLES")
	if folder == "" {
		t.Skip("FOCUS_SAMPLES names no folder of FOCUS files")
	}
	var files []string
	for _, pattern := range []string{"*.csv", "*.csv.gz"} {
		some, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	if len(files) == 0 {
		t.Fatalf("%s has no CSV", folder)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { checkFocus(t, file, "2024-09", "") })
	}
}

func checkFocus(t *testing.T, file, month, want string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plain := io.Reader(bytes.NewReader(b))
	if strings.HasSuffix(file, ".gz") {
		if plain, err = gzip.NewReader(plain); err != nil {
			t.Fatal(err)
		}
	}
	sum, rows := summed(t, plain, "BilledCost", month)
	v := NewInvoice(month)
	if err := v.File(file, bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	if v.Read.Faults > 0 || rows == 0 || v.Rows-v.Elsewhen != rows || v.Total().r().Cmp(sum) != 0 || v.Currency != "USD" {
		t.Errorf("%d of %d rows, %s for %s, faults %+v", v.Rows-v.Elsewhen, rows, v.Total(), sum.FloatString(20), v.Read.Listed)
	}
	if want != "" && v.Total().String() != want {
		t.Errorf("%s, want %s", v.Total(), want)
	}
	credits, tagged := Money{}, Money{}
	for k, s := range v.Sums {
		if k.Category == Credit {
			credits = credits.Plus(Money{s})
		}
		if k.Centre != "" {
			tagged = tagged.Plus(Money{s})
		}
	}
	if credits.Sign() >= 0 || tagged.Sign() <= 0 {
		t.Errorf("credits %s, of a cost centre %s", credits, tagged)
	}
}

const focusHead = "BilledCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ResourceId,ServiceName,SomethingNew,Tags\n"

func focusRow(cost, category, resource, service, tags string) string {
	return fmt.Sprintf("%s,USD,2026-11-01T00:00:00.000Z,%s,2026-11-03T00:00:00.000Z,%s,%s,?,%q\n", cost, category, resource, service, tags)
}

func invoice(t testing.TB, v *Invoice, file string) *Invoice {
	t.Helper()
	if err := v.File("a.csv", strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFocusRows(t *testing.T) {
	v := invoice(t, NewInvoice("2026-11"), focusHead+
		focusRow("1.5", "Usage", "arn:aws:lambda:us-east-1:123456789012:function:send", "AWS Lambda", "")+
		focusRow("-0.5", "Credit", "", "AWS Lambda", "")+
		strings.ReplaceAll(focusRow("7", "Usage", "", "Amazon EC2", "TAGS"), `"TAGS"`, `"{""user:cost-centre"": ""chat"", ""component"": ""engine"", ""n"": null}"`)+
		focusRow("9", "Gift", "", "AWS Lambda", "")+ // 5
		focusRow("1/3", "Usage", "", "AWS Lambda", "")+
		"1,USD\n"+
		strings.ReplaceAll(focusRow("2", "Usage", "", "Amazon S3", "TAGS"), "TAGS", "no JSON")+
		strings.ReplaceAll(focusRow("3", "Usage", "", "Amazon S3", ""), "USD", "EUR")+
		strings.ReplaceAll(focusRow("4", "Usage", "", "Amazon S3", ""), "2026-11-01", "2026-10-01"))
	for k, want := range map[ChargeKey]string{
		{Service: "AWS Lambda", Category: UsageCharge, Region: "us-east-1", Function: "send"}: "1.5",
		{Service: "AWS Lambda", Category: Credit}:                                             "-0.5",
		{Service: "Amazon EC2", Category: UsageCharge, Centre: "chat", Component: "engine"}:   "7",
		{Service: "Amazon S3", Category: UsageCharge}:                                         "2",
	} {
		if s := v.Sums[k]; s == nil || (Money{s}).String() != want {
			t.Errorf("%+v: %v, want %s", k, s, want)
		}
	}
	rows := ""
	for _, f := range v.Read.Listed {
		rows += fmt.Sprint(f.Row, " ")
	}
	if rows != "5 6 7 8 9 " || v.Read.Faults != 5 || v.Elsewhen != 1 || v.Rows != 9 || v.Through != "2026-11-03" {
		t.Errorf("faults %+v, %d rows elsewhen, %d rows, through %s", v.Read.Listed, v.Elsewhen, v.Rows, v.Through)
	}
}

func TestCUR(t *testing.T) {
	const head = "bill_billing_period_start_date,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,resource_tags,line_item_unblended_cost,line_item_currency_code\n"
	row := func(kind, cost string) string {
		return "2026-11-01T00:00:00.000Z,2026-11-02T05:00:00.000Z," + kind + `,AWSLambda,arn:aws:lambda:eu-west-2:123456789012:function:send:live,"{""user_cost_centre"":""chat""}",` + cost + ",USD\n"
	}
	v := invoice(t, NewCUR("2026-11"), head+row("Usage", "2.25")+row("Credit", "-0.25")+row("SavingsPlanNegation", "-1.0E-3")+row("Tax", "0.5")+row("Riddle", "1"))
	if v.Total().String() != "2.499" || v.Read.Faults != 1 {
		t.Errorf("%s, %+v", v.Total(), v.Read)
	}
	if s := v.Sums[ChargeKey{"AWSLambda", UsageCharge, "chat", "", "eu-west-2", "send"}]; s == nil || (Money{s}).String() != "2.25" {
		t.Errorf("%+v", v.Sums)
	}
}

func TestAHeaderHasEachColumnOnce(t *testing.T) {
	for name, file := range map[string]string{
		"one is missing": strings.Replace(focusHead, "Tags", "Labels", 1) + focusRow("1", "Usage", "", "x", ""),
		"one is twice":   strings.Replace(focusHead, "SomethingNew", "BilledCost", 1) + focusRow("1", "Usage", "", "x", ""),
		"another export": "bill_billing_period_start_date\n2026-11-01\n",
		"nothing":        "",
		"bytes":          "\x1f\x8b\x00\x01",
	} {
		v := invoice(t, NewInvoice("2026-11"), file)
		if len(v.Sums) > 0 || v.Read.Faults != 1 && name != "nothing" {
			t.Errorf("%s: %+v, %+v", name, v.Sums, v.Read)
		}
	}
}

func FuzzInvoice(f *testing.F) {
	f.Add([]byte(focusHead+focusRow("1.5", "Usage", "arn:aws:lambda:us-east-1:1:function:f", "AWS Lambda", "{}")), true)
	f.Add([]byte("bill_billing_period_start_date,\"\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, isFocus bool) {
		v := NewCUR("2026-11")
		if isFocus {
			v = NewInvoice("2026-11")
		}
		if err := v.File("a.csv", bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		sum := Money{}
		for _, s := range v.Sums {
			sum = sum.Plus(Money{s})
		}
		if sum.Cmp(v.Total()) != 0 || int64(len(v.Read.Listed)) > v.Read.Faults || len(v.Read.Listed) > maxListed {
			t.Errorf("%s for %s, %d faults listed of %d", v.Total(), sum, len(v.Read.Listed), v.Read.Faults)
		}
	})
}
