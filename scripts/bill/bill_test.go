package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/shared/bill"
)

const line = "2026-11-22T12:00:00.000Z REPORT RequestId: 1\tDuration: 1.00 ms\tBilled Duration: 100 ms\tMemory Size: 1024 MB\tMax Memory Used: 80 MB\t\n"

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Files of lines and an invoice make a bill without anything that runs.
func TestABillOfFiles(t *testing.T) {
	dir := t.TempDir()
	lines := write(t, filepath.Join(dir, "function=send", "a"), line+"REPORT RequestId: 2\n")
	focus := write(t, filepath.Join(dir, "focus.csv"), "BilledCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ResourceId,ServiceName,Tags\n"+
		"2.50,USD,2026-11-01,Usage,2026-11-22,,Amazon S3,\n")
	out := filepath.Join(dir, "out")
	write(t, filepath.Join(out, bill.SettingsName), `{"budgets": [{"cost_centre": "", "usd": "1"}]}`)
	var said bytes.Buffer
	if err := run(t.Context(), []string{"--month", "2026-11", "--out", out, "--from-logs", lines, "--focus", focus}, nil, &said, io.Discard); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(out, "bills", "2026-11", "bill.html")
	if text := said.String(); !strings.Contains(text, "1 requests of 1 functions") || !strings.Contains(text, "1 rows can't be read") || !strings.Contains(text, page) {
		t.Error(text)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "Amazon S3") || !strings.Contains(string(text), "send") {
		t.Error(err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	out := t.TempDir()
	for args, want := range map[string]string{
		"--month november":        "YYYY-MM",
		"extra":                   "too much",
		"--from-logs /nowhere/at": "no such file",
		"--aws-port 1":            "is it running?",
	} {
		t.Setenv("PARLEY_URL", "")
		err := run(t.Context(), append([]string{"--out", out}, strings.Fields(args)...), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, nil, &help, io.Discard); err != nil || !strings.Contains(help.String(), "--from-logs") {
		t.Errorf("%s, %v", help.String(), err)
	}
}

// The key is made once, for its owner alone, and a pseudonym stays what it is.
func TestPseudonymsStay(t *testing.T) {
	out := t.TempDir()
	who := func(args ...string) string {
		t.Helper()
		var said bytes.Buffer
		if err := run(t.Context(), append([]string{"--out", out}, args...), strings.NewReader("01ABD\n\n01ABC\n"), &said, io.Discard); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	first := who("--who", "01ABC")
	if info, err := os.Stat(filepath.Join(out, "pseudonym.key")); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 32 || !strings.HasPrefix(first, "u-") || !strings.HasSuffix(first, " 01ABC\n") || who("--who", "01ABC") != first {
		t.Errorf("%q, %v", first, err)
	}
	if all := who("--who", "-"); strings.Count(all, "\n") != 2 || !strings.HasSuffix(all, first) {
		t.Errorf("%q", all)
	}
	other := write(t, filepath.Join(t.TempDir(), "key"), strings.Repeat("k", 40))
	if who("--who", "01ABC", "--key", other) == first {
		t.Error("another key makes the same pseudonyms")
	}
	if err := run(t.Context(), []string{"--out", out, "--who", "01ABC", "--key", other + "x"}, nil, io.Discard, io.Discard); err == nil {
		t.Error("a key that was named was made")
	}
	write(t, filepath.Join(out, "pseudonym.key"), "short")
	if err := run(t.Context(), []string{"--out", out, "--who", "01ABC"}, nil, io.Discard, io.Discard); err == nil {
		t.Error("a short key was taken")
	}
}

func TestFolderIsABucket(t *testing.T) {
	f := folder(t.TempDir())
	if all, err := f.List(t.Context(), "lines/2026/"); err != nil || len(all) > 0 {
		t.Error(all, err)
	}
	if _, err := f.Open(t.Context(), "settings.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, name := range []string{"lines/2026/11/b", "lines/2026/10/a", "other"} {
		if err := f.Put(t.Context(), name, "", []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := f.List(t.Context(), "lines/2026/1")
	if err != nil || len(all) != 2 || all[0].Name != "lines/2026/10/a" || all[0].Size != 15 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := f.Put(t.Context(), "other", "", []byte("other")); err != nil {
		t.Fatal(err)
	}
	if same, err := f.List(t.Context(), "lines/2026/1"); err != nil || same[0] != all[0] {
		t.Errorf("%+v, %v", same, err)
	}
}

// What collect writes is what package bill reads.
func TestPack(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	file, err := pack(batch{"DATA_MESSAGE", "/aws/lambda/send", nil, []event{{"1", at.UnixMilli(), strings.TrimSpace(line[25:])}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gzip.NewReader(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	l := bill.NewLines(bill.NewSeen(10))
	if err := l.File("a", bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	w := l.Partial().Work[bill.WorkKey{Day: "2026-11-22", Function: "send", MemoryMB: 1024}]
	if w.Requests != 1 || w.MBms != 102400 {
		t.Errorf("%+v", l.Partial())
	}
}
