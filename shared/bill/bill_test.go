package bill

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func defaults(t testing.TB) Settings {
	t.Helper()
	prices, err := os.ReadFile("../../docs/prices.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := DefaultSettings(prices)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// material is a month of two functions, one of them in two sizes, and some answers.
func material(t testing.TB) Material {
	lines, turns := NewPartial(), NewPartial()
	for day := range 21 {
		name := fmt.Sprintf("2026-11-%02d", day+1)
		lines.Work[WorkKey{name, "us-east-1", "send", 256}] = Work{1000, 50_000, 50_000 * 256, 10}
		lines.Work[WorkKey{name, "us-east-1", "send", 512}] = Work{10, 1_000, 1_000 * 512, 0}
		lines.Work[WorkKey{name, "us-east-1", "gone", 1024}] = Work{1, 100, 100 * 1024, 1}
	}
	turns.Answers[AnswerKey{"2026-11-03", "free", "small"}] = Answers{Done: 900, Failed: 50, Cancelled: 50, PromptTokens: 10_000, CompletionTokens: 20_000, EngineMS: 3_600_000}
	turns.Answers[AnswerKey{"2026-11-04", "premium", "large"}] = Answers{Done: 100, EngineMS: 7_200_000}
	turns.Answers[AnswerKey{"2026-10-31", "premium", "large"}] = Answers{Done: 7, EngineMS: 1}
	for i := range 14 {
		turns.Users[UserKey{"2026-11", fmt.Sprintf("u-%02d", i), "free", "small"}] = Use{int64(10 * i), int64(30_000 * i), 5}
	}
	turns.Users[UserKey{"2026-11", "u-00", "premium", "large"}] = Use{100, 7_200_000, 5}
	return Material{Month: "2026-11", Now: time.Date(2026, 11, 22, 0, 10, 0, 0, time.UTC), Lines: lines, Turns: turns, Settings: defaults(t),
		Functions: []Function{{"send", "us-east-1", "arm64", "chat"}, {"idle", "us-east-1", "x86_64", "chat"}}}
}

func bill(t testing.TB, m Material) *Bill {
	t.Helper()
	b, err := Make(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFunctionsBill(t *testing.T) {
	m := material(t)
	m.Settings.Budgets = []Budget{{Centre: "chat", USD: MustMoney("1")}, {Centre: "chat", Month: "2026-11", USD: MustMoney("0.01")}, {Centre: "chat", Function: "send", USD: MustMoney("0.005")}}
	b := bill(t, m)
	send := b.Functions[0]
	// 21 · (1,000 + 10) requests; 21 · (50,000 ms · 256 MB + 1,000 ms · 512 MB) / 1,024,000
	gross := Sum(MustMoney("0.0000133334").Times(21*(50_000*256+1_000*512), 1_024_000), MustMoney("0.2").Times(21*1010, 1_000_000))
	if send.Function != "send" || send.Centre != "chat" || send.Requests != 21*1010 || send.GBSeconds.String() != "273" || send.Gross.Cmp(gross) != 0 {
		t.Errorf("%+v, gross %s, want %s", send, send.Gross, gross)
	}
	// 21 of 30 days have gone
	if want := gross.Times(30, 21).Fixed(8); send.Forecast.Fixed(8) != want || send.Variance.Cmp(MustMoney("0.005").Minus(send.Forecast)) != 0 {
		t.Errorf("forecast %s, want %s, variance %s", send.Forecast, want, send.Variance)
	}
	if gone := b.Functions[1]; gone.Function != "gone" || gone.Centre != "" || gone.Requests != 21 {
		t.Errorf("%+v", gone)
	}
	if c := b.Centres[0]; c.Centre != "chat" || c.Budget.String() != "0.01" || c.Variance.Sign() >= 0 {
		t.Errorf("%+v", c)
	}
	if last := b.Centres[len(b.Centres)-1]; last.Centre != "" || last.Net.Sign() <= 0 {
		t.Errorf("the untagged row is %+v", last)
	}
}

func TestAnswersAndUsers(t *testing.T) {
	b := bill(t, material(t))
	// Three hours of engines at 1.861 an hour, 128 answers at once.
	if want := MustMoney("1.861").Times(3, 128).Fixed(9); b.Answered.GPU.Fixed(9) != want || b.GPUFrom != "estimate" {
		t.Errorf("GPU %s by %s, want %s", b.Answered.GPU, b.GPUFrom, want)
	}
	free := b.Answers[0]
	if free.Plan != "free" || free.Done != 900 || free.GPU.Fixed(7) != b.Answered.GPU.Times(1, 3).Fixed(7) || free.Thousand.Fixed(7) != free.Net.Times(10, 9).Fixed(7) {
		t.Errorf("%+v", free)
	}
	if len(b.Users) != shownUsers+1 || b.Users[0].User != "u-00" || b.Users[1].User != "u-13" || b.Users[shownUsers].User != "" {
		t.Errorf("%+v", b.Users)
	}
}

// With an invoice the bill is the invoice's, credits and all, and Lambda's lines are
// compared with it.
func TestTheInvoiceIsTheBill(t *testing.T) {
	m := material(t)
	v := invoice(t, NewInvoice("2026-11"), focusHead+
		strings.ReplaceAll(focusRow("0.001", "Usage", "arn:aws:lambda:us-east-1:123456789012:function:send", "AWS Lambda", "T"), `"T"`, `"{""cost-centre"": ""chat""}"`)+
		focusRow("-0.0002", "Credit", "arn:aws:lambda:us-east-1:123456789012:function:send", "AWS Lambda", "")+
		focusRow("-0.0001", "Credit", "", "AWS Lambda", "")+
		strings.ReplaceAll(focusRow("40", "Usage", "i-1", "Amazon Elastic Compute Cloud", "T"), `"T"`, `"{""cost-centre"": ""gpu"", ""component"": ""engine""}"`)+
		focusRow("5", "Tax", "", "Amazon Elastic Compute Cloud", ""))
	m.Invoice = v
	b := bill(t, m)
	if b.Whole.Net.String() != "45.0007" || b.Invoice.Net.Cmp(v.Total()) != 0 || b.Invoice.Untagged.String() != "4.9997" || b.GPUFrom != "invoice" || b.Answered.GPU.String() != "40" {
		t.Errorf("whole %s, invoice %+v, GPU %s by %s", b.Whole.Net, b.Invoice, b.Answered.GPU, b.GPUFrom)
	}
	if send := b.Functions[0]; send.Credits.String() != "-0.0002" || send.Invoiced.String() != "0.001" || send.Net.Cmp(send.Gross.Plus(send.Credits)) != 0 {
		t.Errorf("%+v", send)
	}
	if loose := b.Functions[len(b.Functions)-1]; loose.Function != "" || loose.Credits.String() != "-0.0001" {
		t.Errorf("%+v", loose)
	}
	// The invoice goes to the 3rd and still grows: the 1st and 2nd are compared, of
	// which it has nothing.
	if c := b.Check; c.Through != "2026-11-02" || c.Invoiced.Sign() != 0 || c.Percent != "" || c.Estimate.Sign() <= 0 {
		t.Errorf("%+v", c)
	}
	m.Now = time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	if c := bill(t, m).Check; c.Through != "2026-11-03" || c.Invoiced.String() != "0.001" || c.Percent == "" {
		t.Errorf("%+v", c)
	}
}

// randomMaterial is a month of anything.
func randomMaterial(t *testing.T, r *rand.Rand) Material {
	m := material(t)
	m.Now = m.Now.Add(time.Duration(r.IntN(60*24)-20*24) * time.Hour)
	m.Lines, m.Turns = NewPartial(), NewPartial()
	m.Functions = nil
	for i := range r.IntN(5) {
		m.Functions = append(m.Functions, Function{fmt.Sprint("f", i), "us-east-1", []string{"arm64", "x86_64"}[r.IntN(2)], []string{"", "a", "b"}[r.IntN(3)]})
	}
	for range r.IntN(40) {
		k := WorkKey{fmt.Sprintf("2026-%02d-%02d", 10+r.IntN(2), 1+r.IntN(30)), []string{"", "us-east-1"}[r.IntN(2)], fmt.Sprint("f", r.IntN(7)), int64(128 << r.IntN(5))}
		ms := r.Int64N(1 << 40)
		m.Lines.Work[k] = Work{r.Int64N(1 << 30), ms, ms * k.MemoryMB, r.Int64N(100)}
	}
	for range r.IntN(12) {
		plan, model := []string{"free", "premium"}[r.IntN(2)], []string{"", "m"}[r.IntN(2)]
		a := Answers{r.Int64N(1000), r.Int64N(9), r.Int64N(9), r.Int64N(1e6), 0, r.Int64N(1e6), r.Int64N(1e9)}
		k := AnswerKey{fmt.Sprintf("2026-11-%02d", 1+r.IntN(30)), plan, model}
		m.Turns.Answers[k] = m.Turns.Answers[k].plus(a)
		u := UserKey{"2026-11", fmt.Sprint("u-", r.IntN(20)), plan, model}
		m.Turns.Users[u] = m.Turns.Users[u].plus(Use{a.replies(), a.EngineMS, 1})
	}
	if r.IntN(2) == 0 {
		file := focusHead
		for range r.IntN(20) {
			row := focusRow(fmt.Sprintf("%d.%07d", r.IntN(200)-100, r.IntN(1e7)), string(categories[r.IntN(len(categories))]),
				[]string{"", "arn:aws:lambda:us-east-1:1:function:f1", "arn:aws:lambda:us-east-1:1:function:f9"}[r.IntN(3)], []string{"AWS Lambda", "Amazon S3"}[r.IntN(2)], "T")
			file += strings.ReplaceAll(row, `"T"`, []string{"", `"{""cost-centre"": ""a""}"`, `"{""component"": ""engine""}"`}[r.IntN(3)])
		}
		m.Invoice = invoice(t, NewInvoice("2026-11"), file)
	}
	return m
}

// The sums of the parts equal the whole, in what is exact and in what is shown.
func TestTheSumsOfThePartsEqualTheWhole(t *testing.T) {
	for seed := range uint64(150) {
		m := randomMaterial(t, rand.New(rand.NewPCG(seed, 3)))
		b := bill(t, m)
		same := func(what string, whole Money, parts ...Money) {
			if Sum(parts...).Cmp(whole) != 0 {
				t.Errorf("seed %d: %s: parts sum to %s, the whole is %s", seed, what, Sum(parts...), whole)
			}
		}
		// By a way of its own: all lines of the month at once.
		gross, requests, owners := Money{}, int64(0), owners(m.Functions)
		for k, w := range m.Lines.Work {
			if strings.HasPrefix(k.Day, "2026-11") {
				rate := m.Settings.Rates.ARM
				if owners[owner{k.Region, k.Function}].Architecture == "x86_64" {
					rate = m.Settings.Rates.X86
				}
				gross = Sum(gross, rate.Times(w.MBms, 1_024_000), m.Settings.Rates.Requests.Times(w.Requests, 1_000_000))
				requests += w.Requests
			}
		}
		same("gross of all lines", gross, b.Total.Gross)
		if requests != b.Total.Requests {
			t.Errorf("seed %d: %d requests, %d in the lines", seed, b.Total.Requests, requests)
		}
		var fg, fn, ff, days []Money
		for _, r := range b.Functions {
			fg, fn, ff = append(fg, r.Gross), append(fn, r.Net), append(ff, r.Forecast)
			same("net of "+r.Function, r.Net, r.Gross, r.Credits)
		}
		same("gross", b.Total.Gross, fg...)
		same("net", b.Total.Net, fn...)
		same("forecast", b.Total.Forecast, ff...)
		var cn, cf, sn, su, an, un []Money
		for _, r := range b.Centres {
			cn, cf = append(cn, r.Net), append(cf, r.Forecast)
		}
		for _, r := range b.Services {
			sn, su = append(sn, r.Net), append(su, r.Untagged)
		}
		for _, r := range b.Answers {
			an = append(an, r.Net)
			same("answers of "+r.Plan, r.Net, r.GPU, r.Function)
		}
		for _, r := range b.Users {
			un = append(un, r.Net)
		}
		for _, d := range b.Days {
			days = append(days, d.Sum)
		}
		if b.Complete {
			same("days", b.Total.Gross, days...)
		}
		same("centres", b.Whole.Net, cn...)
		same("centres' forecast", b.Whole.Forecast, cf...)
		same("services", b.Invoice.Net, sn...)
		same("untagged", b.Invoice.Untagged, su...)
		if m.Invoice != nil {
			same("the invoice", m.Invoice.Total(), b.Whole.Net)
			same("the invoice by service", m.Invoice.Total(), b.Invoice.Net)
		} else {
			same("functions and GPUs", b.Whole.Net, b.Total.Net, b.Answered.GPU)
		}
		if len(b.Answers) > 0 {
			same("answers", b.Answered.Net, b.Total.Net, b.Answered.GPU)
			same("answers' rows", b.Answered.Net, an...)
			same("users", b.Answered.Net, un...)
		}
		adds(t, seed, newView(b))
		everyAmountComesOutEven(t, seed, b)
	}
}

// adds checks tables as they are shown: whole columns, and net in each row.
func adds(t *testing.T, seed uint64, v *view) {
	for _, tab := range []*table{&v.Centres, &v.Functions, &v.Answers, &v.Users, v.Services} {
		if tab == nil {
			continue
		}
		for i, head := range tab.Head {
			if i < tab.Text || strings.HasPrefix(head, "Per") || head == "Rate" || head == "Budget" || head == "Variance" {
				continue
			}
			sum := Money{}
			for _, row := range tab.Rows[:len(tab.Rows)-1] {
				sum = sum.Plus(shownAmount(t, row[i].Text))
			}
			if last := tab.Rows[len(tab.Rows)-1][i].Text; sum.Cmp(shownAmount(t, last)) != 0 {
				t.Errorf("seed %d: %s, %s: the column sums to %s, its last row is %s", seed, tab.Caption, head, sum, last)
			}
		}
	}
	for _, row := range append(v.Centres.Rows, v.Functions.Rows...) {
		at := len(row) - 6
		if shownAmount(t, row[at].Text).Plus(shownAmount(t, row[at+1].Text)).Cmp(shownAmount(t, row[at+2].Text)) != 0 {
			t.Errorf("seed %d: %v", seed, row)
		}
	}
}

func shownAmount(t *testing.T, s string) Money {
	t.Helper()
	m, err := ParseMoney(strings.NewReplacer(",", "", "−", "-").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// everyAmountComesOutEven checks that JSON has lost nothing.
func everyAmountComesOutEven(t *testing.T, seed uint64, b *Bill) {
	text, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Bill
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Total.Gross.Cmp(b.Total.Gross) != 0 || back.Whole.Net.Cmp(b.Whole.Net) != 0 || back.Answered.Net.Cmp(b.Answered.Net) != 0 || back.Total.GBSeconds.Cmp(b.Total.GBSeconds) != 0 {
		t.Errorf("seed %d: JSON has %s of %s", seed, back.Total.Gross, b.Total.Gross)
	}
}

func TestSheetsHarmNobody(t *testing.T) {
	m := material(t)
	m.Functions = append(m.Functions, Function{"gone", "us-east-1", "arm64", "=HYPERLINK(\"http://x\")"})
	m.Turns.Answers[AnswerKey{"2026-11-04", "free", "@SUM(A1)"}] = Answers{Done: 1}
	b := bill(t, m)
	b.Functions[0].Credits, b.Functions[0].Net = MustMoney("-1"), MustMoney("-1")
	for _, s := range b.Sheets() {
		rows, err := csv.NewReader(bytes.NewReader(s.CSV)).ReadAll()
		if err != nil {
			t.Fatal(s.Name, err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if _, err := ParseMoney(cell); err != nil && regexp.MustCompile(`^[-=+@\t\r]`).MatchString(cell) {
					t.Errorf("%s: %q", s.Name, cell)
				}
			}
		}
	}
	if !strings.Contains(string(b.Sheets()[0].CSV), ",-1,") {
		t.Error("a negative amount is no number any more")
	}
}

// The page has what the bill says, runs nothing and takes nothing that others have
// named for markup.
func TestPage(t *testing.T) {
	m := material(t)
	m.Functions[0].Centre = `<script>alert("x")</script>`
	m.Invoice = invoice(t, NewInvoice("2026-11"), focusHead+focusRow("1234.5", "Usage", "", `<img src=x onerror=alert(1)>`, ""))
	m.Lines.Read.fault("lines/a", 7, "a report that can't be read")
	b := bill(t, m)
	page, err := b.Page()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{"<title>Parley: bill of November 2026</title>", "1,234.50", "untagged", "21,210", "The ten most expensive users", "lines/a",
		"can't be read and are in no sum: 1.", `<svg viewBox="0 0 900 240" role="img"`, `<th scope="row"`, "<caption>Functions</caption>", "prefers-color-scheme: dark"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") || regexp.MustCompile(`<(img|[^>]*\b(src|href|on[a-z]+)=)`).MatchString(text) {
		t.Error("the page has something that it runs or fetches")
	}
}

func TestDaysThatStandOut(t *testing.T) {
	m := material(t)
	m.Settings.Anomalies.Least = MustMoney("0.0001")
	m.Lines = NewPartial()
	start := time.Date(2026, 9, 28, 0, 0, 0, 0, time.UTC) // a Monday
	for day := start; day.Before(m.Now.Truncate(24 * time.Hour)); day = day.AddDate(0, 0, 1) {
		n := int64(10_000 + 100*(day.YearDay()%5))
		if day.Weekday() == time.Sunday {
			n = 100
		}
		switch day.Format("01-02") {
		case "11-11":
			n *= 3 // a rise
		case "11-13":
			n = 0 // a day without lines
		case "11-15":
			n *= 20 // a Sunday like other days, less than Least above
		case "10-07":
			n *= 50 // an outlier before the month doesn't hide one in it
		}
		if n > 0 {
			m.Lines.Work[WorkKey{day.Format(time.DateOnly), "us-east-1", "send", 1024}] = Work{Requests: n, MBms: n}
		}
	}
	got := ""
	for _, a := range bill(t, m).Anomalies {
		got += fmt.Sprintln(a.Day, a.Function, a.Cost.Cmp(a.Usual), a.Weeks)
	}
	if want := "2026-11-11 send 1 5\n2026-11-13 send -1 5\n2026-11-15 send 1 5\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.Settings.Anomalies.Least = MustMoney("0.001")
	if n := len(bill(t, m).Anomalies); n != 2 {
		t.Errorf("%d stand out by 0.001 at least", n)
	}
}

func TestSettings(t *testing.T) {
	s, err := defaults(t).Over([]byte(`{"budgets": [{"cost_centre": "chat", "usd": "100.50"}], "gpu": {"hour": "2", "at_once": 64, "cost_centre": "x", "component": "gpu"}}`))
	if err != nil || s.budget("chat", "", "2026-11").String() != "100.5" || s.budget("x", "", "2026-11") != nil || s.GPU.AtOnce != 64 || s.Rates.ARM.String() != "0.0000133334" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, file := range []string{`{"budgets": [{"cost_centre": "chat", "usd": 100.5}]}`, `{"budget": []}`, `{} {}`, `{"budgets": [{"usd": "-1"}]}`, `{"budgets": [{"usd": "1"}, {"usd": "1"}]}`,
		`{"budgets": [{"usd": "1", "month": "November"}]}`, `{"gpu": {"at_once": 0}}`, `{"anomalies": {"weeks": 2}}`, `{"rates": {"million_requests": "-1"}}`, ``} {
		if _, err := defaults(t).Over([]byte(file)); err == nil {
			t.Errorf("%s was taken", file)
		}
	}
	if _, err := DefaultSettings([]byte(`{"prices": {}}`)); err == nil {
		t.Error("there are no prices")
	}
}
