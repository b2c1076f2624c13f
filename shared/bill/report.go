package bill

import (
	"bytes"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// report is what one REPORT line says of an invocation.
type report struct {
	duration int64 // µs
	init     int64 // µs; 0: the environment was there
	billed   int64 // ms
	memory   int64 // MB
}

// verdict is what a line of a log is.
type verdict int

const (
	other      verdict = iota // something else
	readable                  // a report
	unreadable                // a report that says too little or too much
)

// Bounds of what a report may say. Lambda has at most 10,240 MB and 15 minutes, so
// there is room; and no sum of a month comes near what an int64 holds.
const (
	maxMemory   = 1 << 17
	maxDuration = 24 * 60 * 60 * 1000 // ms
)

// initBilled is since when AWS bills the initialisation of every function, in Unix
// ms. Those on a custom runtime, as Parley's, or in an image have always paid it.
var initBilled = time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// billedMS is for how many milliseconds an invocation is billed that was logged at
// that time (Unix ms, 0 if nobody knows). Billed Duration has the initialisation in
// it wherever it is billed. A line from before August 2025, of a function that then
// had it for free, doesn't, and needn't. One from later that doesn't is billed for
// both: the greater of what it says and what it took.
func (r report) billedMS(at int64) int64 {
	if r.init == 0 || at != 0 && at < initBilled {
		return r.billed
	}
	return max(r.billed, (r.duration+r.init+999)/1000)
}

var (
	textStart = []byte("REPORT RequestId: ")
	jsonType  = []byte(`platform.report"`)
)

// read reads a message, in either of the two forms in which Lambda logs.
func (d *reportReader) read(message []byte) (report, verdict) {
	d.at = 0
	switch {
	case bytes.HasPrefix(message, textStart):
		return textReport(message[len(textStart):])
	case len(message) > 0 && message[0] == '{' && bytes.Contains(message, jsonType):
		return d.json(message)
	}
	return report{}, other
}

// textReport reads what follows "REPORT RequestId: ": fields with a name and a value,
// separated by tabs. Names that it doesn't know are let be.
func textReport(s []byte) (r report, v verdict) {
	id, s, more := bytes.Cut(s, tab)
	if len(bytes.TrimSpace(id)) == 0 {
		return r, unreadable
	}
	var had uint // which fields
	for more {
		var field []byte
		field, s, more = bytes.Cut(s, tab)
		name, value, ok := bytes.Cut(field, colon)
		if !ok {
			continue
		}
		bit, ok := uint(0), true
		switch string(name) {
		case "Duration":
			bit = 1
			r.duration, ok = quantity(value, " ms", 1000)
		case "Billed Duration":
			bit = 2
			r.billed, ok = quantity(value, " ms", 1)
		case "Memory Size":
			bit = 4
			r.memory, ok = quantity(value, " MB", 1)
		case "Init Duration":
			bit = 8
			r.init, ok = quantity(value, " ms", 1000)
		}
		if !ok || had&bit != 0 {
			return r, unreadable
		}
		had |= bit
	}
	return r, r.judge(had&7 == 7)
}

var (
	tab   = []byte("\t")
	colon = []byte(": ")
)

func (r report) judge(complete bool) verdict {
	if !complete || r.memory < 1 || r.memory > maxMemory || r.billed > maxDuration || r.duration > maxDuration*1000 || r.init > maxDuration*1000 {
		return unreadable
	}
	return readable
}

// quantity reads a decimal with its unit as so many thousandths (1000) or wholes (1).
// What is finer is rounded up.
func quantity(s []byte, unit string, scale int64) (int64, bool) {
	n := len(s) - len(unit)
	if n < 1 || string(s[n:]) != unit {
		return 0, false
	}
	return number(s[:n], scale)
}

func number(s []byte, scale int64) (n int64, ok bool) {
	i := 0
	for ; i < len(s) && i < 15 && s[i]-'0' <= 9; i++ {
		n = n*10 + int64(s[i]-'0')
	}
	n *= scale
	if i == 0 || i == len(s) {
		return n, i > 0
	}
	if s[i] != '.' || i+1 == len(s) || len(s)-i > 20 {
		return 0, false
	}
	finer := false
	for _, c := range s[i+1:] {
		if c-'0' > 9 {
			return 0, false
		}
		scale /= 10
		n += scale * int64(c-'0')
		finer = finer || scale == 0 && c != '0'
	}
	if finer {
		n++
	}
	return n, true
}

// reportReader reads reports in JSON without allocating for each.
type reportReader struct {
	dec    *jsontext.Decoder
	buffer *bytes.Reader
	at     int64 // when the last one was made by what it says itself, in Unix ms; 0 if it doesn't
}

func newReportReader() *reportReader {
	r := bytes.NewReader(nil)
	return &reportReader{dec: jsontext.NewDecoder(r, lenient...), buffer: r}
}

var errNoReport = errors.New("no report")

// lenient lets be what says nothing about the fields that are read.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// json reads {"type":"platform.report","record":{"requestId":…,"metrics":{…}}}.
// platform.initReport, which says again how long an initialisation took, is another.
func (d *reportReader) json(message []byte) (r report, v verdict) {
	d.buffer.Reset(message)
	d.dec.Reset(d.buffer, lenient...)
	isReport, had := false, uint(0)
	err := object(d.dec, func(name []byte) error {
		switch string(name) {
		case `"type"`:
			kind, err := d.dec.ReadValue()
			isReport = string(kind) == `"platform.report"`
			return err
		case `"time"`:
			at, err := d.dec.ReadValue()
			if n := len(at); n > 2 {
				d.at, _ = stamp(at[1 : n-1])
			}
			return err
		case `"record"`:
			return d.record(&r, &had)
		}
		return d.dec.SkipValue()
	})
	switch {
	case err != nil:
		return r, unreadable
	case !isReport:
		return r, other
	}
	return r, r.judge(had == 1|2|4|16 || had == 1|2|4|8|16)
}

func (d *reportReader) record(r *report, had *uint) error {
	return object(d.dec, func(name []byte) error {
		switch string(name) {
		case `"requestId"`:
			*had |= 16
		case `"metrics"`:
			return object(d.dec, func(name []byte) error { return d.metric(r, had, name) })
		}
		return d.dec.SkipValue()
	})
}

func (d *reportReader) metric(r *report, had *uint, name []byte) error {
	target, bit, scale := (*int64)(nil), uint(0), int64(1)
	switch string(name) {
	case `"durationMs"`:
		target, bit, scale = &r.duration, 1, 1000
	case `"billedDurationMs"`:
		target, bit = &r.billed, 2
	case `"memorySizeMB"`:
		target, bit = &r.memory, 4
	case `"initDurationMs"`:
		target, bit, scale = &r.init, 8, 1000
	default:
		return d.dec.SkipValue()
	}
	value, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	n, ok := number(value, scale)
	if !ok || *had&bit != 0 {
		return errNoReport
	}
	*target = n
	*had |= bit
	return nil
}

// object calls fn for each name of an object, in its quotes; fn reads the value. A
// value of another kind is skipped.
func object(dec *jsontext.Decoder, fn func(name []byte) error) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := fn(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}
