package bill

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// example is a month that is made up: ten functions, two plans, an invoice, budgets,
// a day that stands out, and something that can't be read.
func example(t testing.TB) Material {
	m := material(t)
	m.Now = time.Date(2026, 11, 27, 20, 15, 0, 0, time.UTC)
	m.Lines, m.Turns, m.Functions = NewPartial(), NewPartial(), nil
	focus := focusHead
	row := func(day, cost, category, resource, service, centre, component string) {
		tags, err := json.Marshal(map[string]string{"user:cost-centre": centre, "user:component": component})
		if err != nil {
			t.Fatal(err)
		}
		text := string(tags)
		if centre == "" {
			text = ""
		}
		focus += fmt.Sprintf("%s,USD,2026-11-01T00:00:00Z,%s,%sT00:00:00Z,%s,%s,?,\"%s\"\n", cost, category, day, resource, service, strings.ReplaceAll(text, `"`, `""`))
	}
	for i, f := range []struct {
		name, centre string
		requests     int64 // of a weekday
		ms, mb       int64
	}{
		{"SendMessage", "chat", 9_600_000, 41, 256}, {"History", "chat", 700_000, 55, 256}, {"Login", "chat", 210_000, 310, 512}, {"SignUp", "chat", 21_000, 420, 512},
		{"Upload", "files", 960_000, 48, 256}, {"ProcessUpload", "files", 930_000, 640, 2048}, {"Files", "files", 310_000, 35, 256},
		{"Search", "search", 190_000, 102, 512}, {"IndexHistory", "search", 110_000, 930, 1024}, {"Purge", "", 88_000, 210, 256},
	} {
		name := fmt.Sprintf("parley-Functions-%sFunction-%dxQ7c", f.name, i)
		m.Functions = append(m.Functions, Function{name, "us-east-1", "arm64", f.centre})
		for day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC); day.Before(m.Now); day = day.AddDate(0, 0, 1) {
			n := f.requests * int64(100+6*math.Sin(float64(day.YearDay()*(i+3)))) / 100
			if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
				n = n * 7 / 10
			}
			if f.name == "ProcessUpload" && day.Format("01-02") == "11-18" {
				n *= 3
			}
			w := Work{n, n * f.ms, n * f.ms * f.mb, n / 900}
			m.Lines.Work[WorkKey{day.Format(time.DateOnly), "us-east-1", name, f.mb}] = w
			if day.Month() == 11 && day.Day() < 27 {
				cost := m.list(w).Times(9850+int64(day.Day()%7)*3, 10000)
				row(day.Format(time.DateOnly), cost.Fixed(10), "Usage", "arn:aws:lambda:us-east-1:123456789012:function:"+name, "AWS Lambda", f.centre, "function")
			}
		}
	}
	for day := 1; day < 27; day++ {
		name := fmt.Sprintf("2026-11-%02d", day)
		row(name, "1071.936", "Usage", "i-1", "Amazon Elastic Compute Cloud", "gpu", "engine")
		row(name, "148.22", "Usage", "table/chats", "Amazon DynamoDB", "chat", "data")
		row(name, "12.9", "Usage", "", "Amazon Simple Queue Service", "chat", "data")
		row(name, "31.07", "Usage", "", "Amazon Simple Storage Service", "files", "data")
		row(name, "22.4", "Usage", "", "AmazonCloudWatch", "", "")
	}
	row("2026-11-01", "-900", "Credit", "", "AWS Lambda", "", "")
	row("2026-11-01", "-120.5", "Credit", "", "Amazon DynamoDB", "chat", "data")
	m.Invoice = invoice(t, NewInvoice("2026-11"), focus)
	for day := 1; day < 28; day++ {
		name := fmt.Sprintf("2026-11-%02d", day)
		m.Turns.Answers[AnswerKey{name, "free", "small"}] = Answers{9_000_000, 21_000, 130_000, 9e9, 5e9, 4e9, 9_000_000 * 2900}
		m.Turns.Answers[AnswerKey{name, "premium", "small"}] = Answers{300_000, 500, 4_000, 6e8, 4e8, 2e8, 300_000 * 3100}
		m.Turns.Answers[AnswerKey{name, "premium", "large"}] = Answers{240_000, 900, 5_000, 3e9, 2e9, 7e8, 240_000 * 14000}
	}
	for i := range 40 {
		m.Turns.Users[UserKey{"2026-11", Alias([]byte("a key that nobody has to guess....."), fmt.Sprint(i)), "premium", "large"}] =
			Use{int64(9000 / (i + 2)), int64(140_000_000 / (i + 2)), int64(60_000_000 / (i + 2))}
	}
	m.Turns.Users[UserKey{"2026-11", "", "free", "small"}] = Use{247_077_000, 704_700_000_000, 351_000_000_000}
	m.Lines.Read = Read{Files: 15_500, Lines: 353_000_000, Reports: 352_990_000, Duplicates: 10_000}
	m.Turns.Read = Read{Files: 690_000, Records: 262_000_000, Repeated: 1_204}
	m.Lines.Read.fault("lines/2026/11/18/09/us-east-1/parley-lines-1-2026-11-18-09-14-02", 4182, "the rest of the file: unexpected EOF")
	m.Settings.Budgets = []Budget{{Centre: "chat", USD: MustMoney("5000")}, {Centre: "files", USD: MustMoney("1500")}, {Centre: "gpu", USD: MustMoney("30000")}, {Centre: "search", USD: MustMoney("100")}}
	return m
}

// list is what work costs on arm64, for an invoice that is made up.
func (m Material) list(w Work) Money {
	return m.Settings.Rates.ARM.Times(w.MBms, gbSecond).Plus(m.Settings.Rates.Requests.Times(w.Requests, 1_000_000))
}

// TestLook makes the page of the example. With BILL_PAGE=FILE it is written there, to
// be looked at.
func TestLook(t *testing.T) {
	b := bill(t, example(t))
	page, err := b.Page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"send-message", "process-upload", "Estimate against invoice", "2026-11-18", "−1,020.50", "untagged", "u-"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if len(page) > 200_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if path := os.Getenv("BILL_PAGE"); path != "" {
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
