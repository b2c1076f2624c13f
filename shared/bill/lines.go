package bill

import (
	"bufio"
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Lines sums up the REPORT lines of files. It takes two kinds, gzipped or not:
//
//   - what a subscription of CloudWatch Logs hands to Firehose: JSON objects one
//     after the other, each with the lines of one log group;
//   - plain lines, as an export of CloudWatch Logs writes them, each with or without
//     its time before it. The function is then named by the file: function=NAME is a
//     part of its path.
//
// Lines that are no reports are let be.
type Lines struct {
	p      *Partial
	seen   *Seen
	hash   maphash.Seed
	reader *reportReader
	buffer []byte
	at     origin
	// Default is the day of lines that don't say when they were made, in files whose
	// folder doesn't either; zero: they can't be read.
	Default time.Time
	// Progress is called now and then with how many lines were read, if it is there.
	Progress func(lines int64)
}

// origin is where lines come from.
type origin struct {
	file     string
	row      int64
	region   string
	function string
	hash     uint64    // of region and function
	day      time.Time // of lines that don't say
	sums     map[spot]*Work
	last     spot
	sum      *Work
}

// spot is a WorkKey's day, in days since 1970, and size.
type spot struct {
	day    int64
	memory int64
}

// NewLines starts a sum.
func NewLines(seen *Seen) *Lines {
	return &Lines{p: NewPartial(), seen: seen, hash: maphash.MakeSeed(), reader: newReportReader()}
}

// Partial is what has been read.
func (l *Lines) Partial() *Partial { return l.p }

var (
	functionOf = regexp.MustCompile(`(?:^|/)function=([^/]+)`)
	folderOf   = regexp.MustCompile(`(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})/(?:([a-z]{2}(?:-[a-z]+)+-\d)/)?`)
)

// File reads a file. What can't be read of it is counted; an error says that the
// file broke off for another reason, and that nothing can be said of its rest.
func (l *Lines) File(name string, r io.Reader) error {
	l.p.Read.Files++
	l.at = origin{file: name, day: l.Default}
	if m := folderOf.FindStringSubmatch(name); m != nil {
		l.at.day, _ = time.Parse("2006/01/02/15", m[1])
		l.at.region = m[2]
	}
	in, stop := unpacked(source{r})
	defer stop()
	buffered := bufio.NewReaderSize(in, 64<<10)
	start, _ := buffered.Peek(4 << 10)
	var err error
	if start = bytes.TrimSpace(start); len(start) > 0 && start[0] == '{' && bytes.Contains(start, []byte(`"messageType"`)) {
		err = l.batches(buffered)
	} else {
		if m := functionOf.FindStringSubmatch(name); m != nil {
			l.of(m[1])
		} else {
			l.of("")
		}
		err = l.plain(buffered)
	}
	l.settle()
	if err == nil {
		return nil
	}
	return l.p.Read.broken(name, l.at.row+1, err)
}

// of begins with the lines of a function.
func (l *Lines) of(function string) {
	l.settle()
	l.at.function, l.at.sum, l.at.sums = function, nil, map[spot]*Work{}
	l.at.hash = maphash.String(l.hash, l.at.region+"\x00"+function)
}

// settle puts what was summed of a function where it belongs.
func (l *Lines) settle() {
	for s, w := range l.at.sums {
		day := time.Unix(s.day*86400, 0).UTC().Format(time.DateOnly)
		k := WorkKey{day, l.at.region, l.at.function, s.memory}
		l.p.Work[k] = l.p.Work[k].plus(*w)
	}
	l.at.sums = nil
}

// lastMoment is later than any line, in Unix ms.
const lastMoment = 4102444800000 // 2100

// message reads one line with its time, 0 if it has none.
func (l *Lines) message(at int64, message []byte) {
	l.p.Read.Lines++
	if l.Progress != nil && l.p.Read.Lines%(1<<20) == 0 {
		l.Progress(l.p.Read.Lines)
	}
	r, v := l.reader.read(message)
	if v == other {
		return
	}
	if v == unreadable {
		l.p.Read.fault(l.at.file, l.at.row, "a report that can't be read")
		return
	}
	if at == 0 {
		at = l.reader.at
	}
	if at == 0 && !l.at.day.IsZero() {
		at = l.at.day.UnixMilli()
	}
	if at <= 0 || at > lastMoment {
		l.p.Read.fault(l.at.file, l.at.row, "a report of which nobody knows the day")
		return
	}
	if l.seen.line(l.at.hash, at, message) {
		l.p.Read.Duplicates++
		return
	}
	l.p.Read.Reports++
	s := spot{at / (86400 * 1000), r.memory}
	if l.at.sum == nil || s != l.at.last {
		if l.at.sums[s] == nil {
			l.at.sums[s] = &Work{}
		}
		l.at.last, l.at.sum = s, l.at.sums[s]
	}
	billed := r.billedMS(at)
	w := l.at.sum
	w.Requests++
	w.BilledMS += billed
	w.MBms += billed * r.memory
	if r.init > 0 {
		w.Inits++
	}
}

// plain reads lines.
func (l *Lines) plain(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		long := err == bufio.ErrBufferFull
		if long {
			line = bytes.Clone(line[:100])
		}
		for err == bufio.ErrBufferFull {
			_, err = in.ReadSlice('\n')
		}
		if len(line) > 0 {
			l.at.row++
			l.line(line, long)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *Lines) line(line []byte, long bool) {
	line = bytes.TrimRight(line, "\r\n")
	at := int64(0)
	if i := bytes.IndexByte(line, ' '); i == len("2006-01-02T15:04:05.000Z") {
		if ms, ok := stamp(line[:i]); ok {
			at, line = ms, line[i+1:]
		}
	}
	if long { // longer than any report
		l.p.Read.Lines++
		if bytes.HasPrefix(line, textStart) {
			l.p.Read.fault(l.at.file, l.at.row, "a report that is too long")
		}
		return
	}
	l.message(at, line)
}

// stamp reads 2006-01-02T15:04:05.000Z as Unix ms.
func stamp(s []byte) (int64, bool) {
	const form = "2006-01-02T15:04:05.000Z"
	if len(s) != len(form) {
		return 0, false
	}
	n := [7]int{}
	for i, f := 0, 0; i < len(form); i++ {
		switch c := s[i]; {
		case form[i] >= '0' && form[i] <= '9':
			if c-'0' > 9 {
				return 0, false
			}
			n[f] = n[f]*10 + int(c-'0')
		case c != form[i]:
			return 0, false
		default:
			f++
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60 {
		return 0, false
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC).UnixMilli() + int64(n[6]), true
}

// maxBatch is how many bytes an object of a subscription may have between two of
// its lines. CloudWatch Logs has lines of up to 1 MB.
const maxBatch = 16 << 20

// budget ends a reader that nobody refills.
type budget struct {
	in   io.Reader
	left int
}

var errLongValue = errors.New("a value is longer than any log line")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongValue
	}
	n, err := b.in.Read(p)
	b.left -= n
	return n, err
}

// batches reads the objects of a subscription.
func (l *Lines) batches(in io.Reader) error {
	limited := &budget{in, maxBatch}
	dec := jsontext.NewDecoder(limited, lenient...)
	for {
		if _, err := dec.ReadToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if dec.StackDepth() != 1 {
			return errors.New("no object of a subscription")
		}
		if err := l.batch(dec, limited); err != nil {
			return err
		}
	}
}

// batch reads one object behind its brace.
func (l *Lines) batch(dec *jsontext.Decoder, limited *budget) error {
	kind, group := "", ""
	for dec.PeekKind() == '"' {
		limited.left = maxBatch
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		switch string(name) {
		case `"messageType"`:
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			kind = string(value)
		case `"logGroup"`:
			token, err := dec.ReadToken()
			if err != nil {
				return err
			}
			group = token.String()
		case `"logEvents"`:
			switch {
			case kind == `"CONTROL_MESSAGE"`: // says that the way is open
				if err := dec.SkipValue(); err != nil {
					return err
				}
				continue
			case kind != `"DATA_MESSAGE"` || group == "":
				return errOrder
			}
			l.of(strings.TrimPrefix(group, "/aws/lambda/"))
			if err := l.events(dec, limited); err != nil {
				return err
			}
		default:
			if err := dec.SkipValue(); err != nil {
				return err
			}
		}
	}
	_, err := dec.ReadToken()
	return err
}

var errOrder = errors.New("logEvents stand before what they are and of which group")

var errNoEvents = errors.New("logEvents is no list of events")

func (l *Lines) events(dec *jsontext.Decoder, limited *budget) error {
	if dec.PeekKind() != '[' {
		return errNoEvents
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '{' {
		limited.left = maxBatch
		l.at.row++
		if err := l.event(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// event reads {"id":…,"timestamp":…,"message":…}.
func (l *Lines) event(dec *jsontext.Decoder) error {
	at, had := int64(0), false
	err := object(dec, func(name []byte) error {
		switch string(name) {
		case `"timestamp"`:
			value, err := dec.ReadValue()
			at, _ = number(value, 1)
			return err
		case `"message"`:
			value, err := dec.ReadValue()
			if err == nil {
				l.buffer, err = jsontext.AppendUnquote(l.buffer[:0], value)
			}
			had = err == nil
			return err
		}
		return dec.SkipValue()
	})
	if err == nil && had {
		l.message(at, bytes.TrimRight(l.buffer, "\n"))
	}
	return err
}
