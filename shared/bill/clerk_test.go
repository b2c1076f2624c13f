package bill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/usage"
)

// memory is finance's bucket, and one of usage records.
type memory struct {
	files map[string][]byte
	opens map[string]int
	puts  int
	fail  error
}

func newMemory() *memory { return &memory{files: map[string][]byte{}, opens: map[string]int{}} }

func (m *memory) names(prefix string) (names []string) {
	for name := range m.files {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memory) List(_ context.Context, prefix string) (all []Object, _ error) {
	for _, name := range m.names(prefix) {
		all = append(all, Object{name, int64(len(m.files[name])), fmt.Sprint(bytes.Count(m.files[name], nil))})
	}
	return all, nil
}

func (m *memory) Open(_ context.Context, name string) (io.ReadCloser, error) {
	b, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	m.opens[name]++
	return io.NopCloser(bytes.NewReader(b)), m.fail
}

func (m *memory) Put(_ context.Context, name, _ string, body []byte) error {
	m.files[name] = body
	m.puts++
	return nil
}

// records is a bucket of usage records.
type records struct{ *memory }

func (r records) List(_ context.Context, prefix string) ([]string, error) {
	return r.names(prefix), nil
}

func (r records) Get(_ context.Context, name string) ([]byte, error) {
	if b, ok := r.files[name]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (r records) write(t *testing.T, at time.Time, writer string, all ...usage.Record) {
	t.Helper()
	file, err := usage.Encode(all)
	if err != nil {
		t.Fatal(err)
	}
	r.files[usage.Key(at, writer, len(r.files))] = file
}

func record(asked time.Time, user string) usage.Record {
	question := id.New(asked)
	r := usage.Of(chat.Prompt{Version: 1, User: user, Question: question, Reply: id.Next(question), Plan: quota.Free, Model: "m"}, 1,
		chat.Result{Status: chat.Done, Usage: chat.Usage{PromptTokens: 10, CompletionTokens: 20}}, asked.Add(time.Minute))
	r.EngineMS = 1000
	return r
}

func clerk(t *testing.T, m *memory, u usage.Files, now time.Time) *Clerk {
	return &Clerk{Bucket: m, Usage: u, Key: bytes.Repeat([]byte("k"), 32), Settings: defaults(t), Now: func() time.Time { return now },
		Settle: 30 * time.Minute, Log: slog.New(slog.DiscardHandler)}
}

func (c *Clerk) bill(t *testing.T) *Bill {
	t.Helper()
	b, err := c.Do(t.Context(), "2026-11")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each hour is summed up once when it is over, again when something has come to it,
// and never twice.
func TestAnHourIsSummedUpOnce(t *testing.T) {
	m := newMemory()
	first, second := "lines/2026/11/22/12/us-east-1/a", "lines/2026/11/22/12/us-east-1/b"
	m.files[first] = gzipped(t, envelope(t, "/aws/lambda/send", noon, textLine("1.00", "10", "")))
	m.files["lines/2026/11/22/14/us-east-1/c"] = gzipped(t, envelope(t, "/aws/lambda/send", noon.Add(2*time.Hour), textLine("1.00", "10", "")))
	c := clerk(t, m, nil, noon.Add(2*time.Hour))
	if b := c.bill(t); b.Total.Requests != 1 {
		t.Errorf("%d requests: the last hour isn't over", b.Total.Requests)
	}
	page := m.files["bills/2026-11/bill.html"]
	if b := c.bill(t); b.Total.Requests != 1 || m.opens[first] != 1 || !bytes.Equal(page, m.files["bills/2026-11/bill.html"]) {
		t.Errorf("%d requests, read %d times", b.Total.Requests, m.opens[first])
	}
	m.files[second] = gzipped(t, envelope(t, "/aws/lambda/send", noon, textLine("1.00", "10", ""), textLine("2.00", "20", ""))) // late, and in part again
	if b := c.bill(t); b.Total.Requests != 2 || b.Sources[0].Read.Duplicates != 1 {
		t.Errorf("%d requests, %+v", b.Total.Requests, b.Sources[0])
	}
	delete(m.files, first) // expired
	delete(m.files, second)
	if b := c.bill(t); b.Total.Requests != 2 {
		t.Errorf("%d requests, once the lines are gone", b.Total.Requests)
	}
	m.files[PartialsPrefix+"lines/2026/11/22/12.json"] = []byte("{}")
	m.files[first] = gzipped(t, envelope(t, "/aws/lambda/send", noon, textLine("1.00", "10", "")))
	if b := c.bill(t); b.Total.Requests != 1 {
		t.Errorf("%d requests: a broken partial is made again", b.Total.Requests)
	}
	for _, name := range []string{"bill.html", "bill.json", "functions.csv", "cost-centres.csv", "services.csv", "answers.csv", "users.csv", "unreadable.csv"} {
		if len(m.files["bills/2026-11/"+name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// A bill says how many hours there was no time for, and the next run goes on.
func TestARunThatHasNoTimeSaysSo(t *testing.T) {
	m := newMemory()
	for h := range 5 {
		m.files[fmt.Sprintf("lines/2026/11/22/%02d/a", h)] = gzipped(t, envelope(t, "/aws/lambda/send", noon, textLine("1.00", "10", "")))
	}
	c := clerk(t, m, nil, noon)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	c.Spare = 2 * time.Hour
	if b, err := c.Do(ctx, "2026-11"); err != nil || b.Pending != 5 || b.Total.Requests != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	c.Spare = time.Minute
	if b, err := c.Do(ctx, "2026-11"); err != nil || b.Pending != 0 || b.Total.Requests != 5 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestABucketThatIsAwayIsAnError(t *testing.T) {
	m := newMemory()
	m.files["lines/2026/11/22/10/a"] = nil
	m.fail = errors.New("away")
	if _, err := clerk(t, m, nil, noon).Do(t.Context(), "2026-11"); !errors.Is(err, m.fail) {
		t.Error(err)
	}
	for name := range m.files {
		if strings.HasPrefix(name, BillsPrefix) {
			t.Errorf("%s was written", name)
		}
	}
}

// A reply counts once, in the month in which it was asked for, whoever wrote its
// record, how often and when.
func TestEachReplyCountsOnce(t *testing.T) {
	u := records{newMemory()}
	mine, found := record(noon, "ada"), record(noon, "ada")
	again := mine
	again.Found, again.EngineMS = true, 0
	found.Found, found.EngineMS = true, 0
	october := record(time.Date(2026, 10, 31, 23, 59, 0, 0, time.UTC), "ada")
	u.write(t, noon, "w1", mine, record(noon, "bea"))
	u.write(t, noon.Add(time.Minute), "w2", again)                         // in the same hour
	u.write(t, noon.Add(3*time.Hour), "w3", again, found)                  // later
	u.write(t, noon.Add(4*time.Hour), "w4", found)                         // found by two
	u.write(t, time.Date(2026, 11, 1, 0, 1, 0, 0, time.UTC), "w", october) // of another month
	for range 2 {                                                          // from records, then from partials
		b := clerk(t, newMemory(), u, noon.Add(24*time.Hour)).bill(t)
		if b.Answered.Done != 3 || b.Answered.EngineMS != 2000 || b.Answered.CompletionTokens != 60 || len(b.Users) != 3 || b.Users[0].Replies+b.Users[1].Replies != 3 {
			t.Errorf("%+v, users %+v", b.Answered, b.Users)
		}
	}
}

func TestRecordsThatCannotBeReadAreCounted(t *testing.T) {
	u := records{newMemory()}
	whole, err := usage.Encode([]usage.Record{record(noon, "ada"), record(noon, "bea")})
	if err != nil {
		t.Fatal(err)
	}
	in, stop := unpacked(bytes.NewReader(whole))
	text, err := io.ReadAll(in)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	negative := record(noon, "cy")
	negative.PromptTokens = -1
	u.files[usage.Key(noon, "a", 1)] = gzipped(t, []byte(lines[0]+"{\"v\":9}\n"+lines[1]+"no JSON\n"))
	u.files[usage.Key(noon, "b", 2)] = []byte("no gzip")
	u.write(t, noon, "c", negative)
	u.files[usage.Key(noon, "d", 4)] = nil
	b := clerk(t, newMemory(), u, noon.Add(24*time.Hour)).bill(t)
	got := ""
	for _, f := range b.Sources[1].Read.Listed {
		got += fmt.Sprint(f.Row, " ")
		if strings.Contains(f.Why, "%!") {
			t.Error(f.Why)
		}
	}
	if b.Answered.Done != 2 || b.Sources[1].Read.Faults != 5 || got != "2 4 1 1 0 " {
		t.Errorf("%d answers, faults %+v", b.Answered.Done, b.Sources[1].Read.Listed)
	}
}

// Only so many users of an hour are kept apart; the others stay in the sums, and the
// bill says what it isn't certain of.
func TestUsersThatAreTooMany(t *testing.T) {
	u := records{newMemory()}
	var all []usage.Record
	for i := range 30 {
		r := record(noon, fmt.Sprint("user", i))
		r.EngineMS = int64(1000 * (i + 1))
		all = append(all, r)
	}
	u.write(t, noon, "w", all...)
	turns := &Turns{Files: u, Alias: func(user string) string { return user }, Users: 12}
	p, err := turns.Hour(t.Context(), noon, u.names(usage.Prefix))
	if err != nil {
		t.Fatal(err)
	}
	m := material(t)
	m.Turns = p
	b := bill(t, m)
	if b.UsersWhy == "" || b.Users[0].User != usage.Pseudonym("user29") || b.Users[0].EngineMS != 30_000 || b.Users[shownUsers].Replies != 20 || b.Answered.Done != 30 || len(p.Users) != 13 {
		t.Errorf("%q, %+v", b.UsersWhy, b.Users)
	}
}

// Who sees a bill can't tell who is on it; who has the key and an id can.
func TestAlias(t *testing.T) {
	a := Alias([]byte("one key"), usage.Pseudonym("ada"))
	if a != Alias([]byte("one key"), usage.Pseudonym("ada")) || a == Alias([]byte("another key"), usage.Pseudonym("ada")) || a == Alias([]byte("one key"), usage.Pseudonym("bea")) ||
		strings.Contains(a, usage.Pseudonym("ada")[:4]) {
		t.Error(a)
	}
}

func TestDue(t *testing.T) {
	for at, want := range map[string]string{"2026-11-15T23:00:00Z": "2026-10 2026-11", "2026-11-16T00:00:00Z": "2026-11", "2027-01-01T00:00:00Z": "2026-12 2027-01"} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Due(now), " "); got != want {
			t.Errorf("%s: %s", at, got)
		}
	}
}

func TestFunctionsThatAreGoneKeepTheirCostCentre(t *testing.T) {
	m := newMemory()
	c := clerk(t, m, nil, noon.Add(3*time.Hour))
	c.Inventory = inventory{{"send", "us-east-1", "arm64", "chat"}}
	m.files["lines/2026/11/22/12/us-east-1/a"] = gzipped(t, envelope(t, "/aws/lambda/send", noon, textLine("1.00", "10", "")))
	c.bill(t)
	c.Inventory = inventory{{"new", "us-east-1", "arm64", "other"}}
	if b := c.bill(t); b.Functions[0].Centre != "chat" {
		t.Errorf("%+v", b.Functions)
	}
}

type inventory []Function

func (i inventory) Functions(context.Context) ([]Function, error) { return i, nil }

func TestTheInvoiceOfTheMonthIsRead(t *testing.T) {
	const data, metadata = FocusPrefix + "data/BILLING_PERIOD=2026-11/", FocusPrefix + "metadata/BILLING_PERIOD=2026-11/"
	row := gzipped(t, []byte(focusHead+focusRow("1.5", "Usage", "", "Amazon S3", "")))
	for name, c := range map[string]struct {
		manifest, net string
		faults        int64
	}{
		"no manifest":             {"", "3", 0},
		"an older delivery's":     {`{"dataFiles": ["s3://finance/` + data + `a-00001.csv.gz"], "columns": []}`, "1.5", 0},
		"one is missing":          {`{"dataFiles": ["s3://finance/` + data + `a-00001.csv.gz", "s3://finance/` + data + `a-00003.csv.gz"]}`, "1.5", 1},
		"a manifest that is none": {`{}`, "3", 1},
		"a file of another place": {`{"dataFiles": ["http://x/y"]}`, "3", 1},
	} {
		m := newMemory()
		m.files[data+"a-00001.csv.gz"], m.files[data+"a-00002.csv.gz"] = row, row
		m.files[FocusPrefix+"data/BILLING_PERIOD=2026-10/a-00001.csv.gz"] = []byte("another month's")
		if c.manifest != "" {
			m.files[metadata+"parley-focus-Manifest.json"] = []byte(c.manifest)
		}
		if b := clerk(t, m, nil, noon).bill(t); !b.Invoiced || b.Whole.Net.String() != c.net || b.Faults() != c.faults {
			t.Errorf("%s: %s, %d faults", name, b.Whole.Net, b.Faults())
		}
	}
}

// The second export is compared with the first.
func TestTwoExports(t *testing.T) {
	m := newMemory()
	m.files[FocusPrefix+"data/BILLING_PERIOD=2026-11/a.csv"] = []byte(focusHead + focusRow("1.5", "Usage", "", "Amazon S3", ""))
	m.files[CURPrefix+"data/BILLING_PERIOD=2026-11/a.csv"] = []byte("bill_billing_period_start_date,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,resource_tags,line_item_unblended_cost,line_item_currency_code\n" +
		"2026-11-01T00:00:00.000Z,2026-11-02T05:00:00.000Z,Usage,AmazonS3,,,1.25,USD\n")
	if b := clerk(t, m, nil, noon).bill(t); b.Whole.Net.String() != "1.5" || b.Check.OtherTotal.String() != "1.25" || b.Check.OtherDiff.String() != "-0.25" {
		t.Errorf("%s, %+v", b.Whole.Net, b.Check)
	}
}
