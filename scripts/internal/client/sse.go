package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// frame is one server-sent event as the wire has it.
type frame struct {
	id   string // the last id seen, also if this event named none
	name string // "message" when the event named none
	data string
}

// maxFrame is the size in bytes of the longest event, and of the longest line.
const maxFrame = 1 << 20

var errFrameTooLong = errors.New("an event of the stream is too long")

// decoder reads server-sent events as the HTML standard has them: lines end in
// LF, CR or CRLF, comments are skipped, an event ends at an empty line, and one
// that the stream's end cuts off doesn't count.
type decoder struct {
	r      *bufio.Reader
	id     string
	skipLF bool // the last line ended in CR: an LF that follows belongs to it
	first  bool // no line has been read: a byte order mark may stand before it
	line   []byte
}

func newDecoder(r io.Reader) *decoder {
	return &decoder{r: bufio.NewReader(r), first: true}
}

// next returns the next event with data, or io.EOF at the stream's end.
func (d *decoder) next() (frame, error) {
	f := frame{name: "message"}
	var data strings.Builder
	some := false
	for {
		line, err := d.readLine()
		if err != nil {
			return frame{}, err
		}
		if len(line) == 0 {
			if some {
				f.id, f.data = d.id, strings.TrimSuffix(data.String(), "\n")
				return f, nil
			}
			f.name = "message"
			continue
		}
		field, value := split(line)
		switch field {
		case "event":
			f.name = value
			if value == "" {
				f.name = "message"
			}
		case "data":
			some = true
			data.WriteString(value + "\n")
			if data.Len() > maxFrame {
				return frame{}, errFrameTooLong
			}
		case "id":
			if !strings.ContainsRune(value, 0) {
				d.id = value
			}
		}
	}
}

// split takes a line apart at its first colon; a comment has an empty field.
func split(line []byte) (field, value string) {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	rest, _ = bytes.CutPrefix(rest, []byte(" "))
	return string(name), string(rest)
}

// readLine returns a line without its end; it is valid until the next call. An
// event must not wait for the byte after a CR, so an LF there is skipped later.
func (d *decoder) readLine() ([]byte, error) {
	d.line = d.line[:0]
	for {
		b, err := d.r.ReadByte()
		if err != nil {
			return nil, err
		}
		skip := d.skipLF && b == '\n'
		d.skipLF = b == '\r'
		switch {
		case skip:
		case b == '\n' || b == '\r':
			return d.withoutMark(), nil
		case len(d.line) >= maxFrame:
			return nil, errFrameTooLong
		default:
			d.line = append(d.line, b)
		}
	}
}

func (d *decoder) withoutMark() []byte {
	if !d.first {
		return d.line
	}
	d.first = false
	return bytes.TrimPrefix(d.line, []byte("\ufeff"))
}
