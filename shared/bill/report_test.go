package bill

import (
	"strings"
	"testing"
	"time"
)

const text = "REPORT RequestId: 8f5c1d2e-0000-4000-8000-000000000001\tDuration: %d ms\tBilled Duration: %b ms\tMemory Size: 256 MB\tMax Memory Used: 80 MB\t%i"

func textLine(duration, billed, init string) string {
	if init != "" {
		init = "Init Duration: " + init + " ms\t"
	}
	return strings.NewReplacer("%d", duration, "%b", billed, "%i", init).Replace(text)
}

func jsonLine(duration, billed, init string) string {
	if init != "" {
		init = `,"initDurationMs":` + init
	}
	return `{"time":"2026-11-22T10:00:00.125Z","type":"platform.report","record":{"requestId":"8f5c1d2e-0000-4000-8000-000000000001","metrics":{"durationMs":` + duration +
		`,"billedDurationMs":` + billed + `,"memorySizeMB":256,"maxMemoryUsedMB":80` + init + `},"status":"success"}}`
}

// Initialisation is billed once: Billed Duration has it in it, or, of a function that
// had it for free before August 2025, it is not billed.
func TestInitialisationIsBilledOnce(t *testing.T) {
	before, since := time.Date(2025, 7, 31, 23, 59, 59, 0, time.UTC).UnixMilli(), initBilled
	for name, c := range map[string]struct {
		duration, billed, init string
		at                     int64
		want                   int64
	}{
		"warm":                         {"12.30", "13", "", since, 13},
		"in it":                        {"12.30", "113", "100.20", since, 113},
		"in it, custom runtime before": {"12.30", "113", "100.20", before, 113},
		"free before":                  {"12.30", "13", "100.20", before, 13},
		"not in it, but since then":    {"12.30", "13", "100.20", since, 113},
		"nobody knows when":            {"12.30", "13", "100.20", 0, 113},
		"whole numbers":                {"12", "13", "1", since, 13},
	} {
		for form, line := range map[string]string{"text": textLine(c.duration, c.billed, c.init), "JSON": jsonLine(c.duration, c.billed, c.init)} {
			r, v := newReportReader().read([]byte(line))
			if v != readable || r.memory != 256 || r.billedMS(c.at) != c.want {
				t.Errorf("%s, %s: %+v, verdict %d, %d ms, want %d", name, form, r, v, r.billedMS(c.at), c.want)
			}
		}
	}
}

func TestWhatIsAReport(t *testing.T) {
	for line, want := range map[string]verdict{
		"":                                    other,
		"START RequestId: 1 Version: $LATEST": other,
		"END RequestId: 1":                    other,
		"REPORT of the day":                   other,
		"XRAY TraceId: 1\tSegmentId: 2":       other,
		`{"level":"INFO","msg":"a \"platform.report\" in a text"}`:                                               other,
		`{"time":"2026-11-22T10:00:00.125Z","type":"platform.initReport","record":{"metrics":{"durationMs":7}}}`: other,
		"INIT_REPORT Init Duration: 10008.51 ms\tPhase: init\tStatus: timeout":                                   other,
		textLine("1.00", "1", "") + "Status: timeout":                                                            readable,
		textLine("1.00", "1", "") + "Billed Duration: 2 ms":                                                      unreadable,
		textLine("1,00", "1", ""):           unreadable,
		textLine("1.00", "one", ""):         unreadable,
		textLine("1.00", "99999999999", ""): unreadable,
		textLine("-1", "1", ""):             unreadable,
		"REPORT RequestId: 1":               unreadable,
		"REPORT RequestId: \tDuration: 1 ms\tBilled Duration: 1 ms\tMemory Size: 1 MB": unreadable,
		jsonLine("1.5", "2", ""):       readable,
		jsonLine("1e3", "2", ""):       unreadable,
		jsonLine("1.5", `"2"`, ""):     unreadable,
		jsonLine("1.5", "2", "")[:120]: unreadable,
		`{"type":"platform.report","record":{"metrics":{"durationMs":1,"billedDurationMs":1,"memorySizeMB":1}}}`: unreadable, // of no request
		`{"type":"platform.report","record":7}`: unreadable,
	} {
		if _, got := newReportReader().read([]byte(line)); got != want {
			t.Errorf("%q: verdict %d, want %d", line, got, want)
		}
	}
}

// No bytes make the reader fall over or bill what can't be.
func FuzzReport(f *testing.F) {
	f.Add([]byte(textLine("12.30", "113", "100.20")))
	f.Add([]byte(jsonLine("12.30", "113", "100.20")))
	f.Add([]byte(`{"type":"platform.report","record":{"metrics":[]}}`))
	reader := newReportReader()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, v := reader.read(b)
		if v != readable {
			return
		}
		if ms := r.billedMS(0); ms < 0 || ms > 2*maxDuration || r.memory < 1 || r.memory > maxMemory {
			t.Errorf("%q: %+v", b, r)
		}
		if again, v := newReportReader().read(b); v != readable || again != r {
			t.Errorf("%q: %+v, then %+v", b, r, again)
		}
	})
}
