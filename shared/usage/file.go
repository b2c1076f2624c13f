package usage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Prefix is what every file's name begins with.
const Prefix = "usage/"

// The folders of what was written in a day and in an hour, in UTC, as time.Format
// writes and time.Parse reads them.
const (
	DayFolder  = Prefix + "dt=2006-01-02/"
	HourFolder = DayFolder + "hh=15/"
)

// Key names the file of a writer's batch: usage/dt=2026-11-22/hh=06/<writer>-7.ndjson.gz,
// by the time of writing, in UTC, as query engines over S3 partition it.
func Key(at time.Time, writer string, seq int) string {
	return at.UTC().Format(HourFolder) + fmt.Sprintf("%s-%d.ndjson.gz", writer, seq)
}

// Encode writes records as a file: a line of JSON each, gzipped.
func Encode(records []Record) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	enc := json.NewEncoder(zip)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return nil, fmt.Errorf("encode record of %s: %w", r.Reply, err)
		}
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("encode records: %w", err)
	}
	return out.Bytes(), nil
}

// maxFile bounds what a file may unpack to.
const maxFile = 64 << 20

// DecodeLine reads a file's line. Fields that it doesn't know are a later release's and
// left out; a later version is refused.
func DecodeLine(line []byte) (r Record, err error) {
	if err := json.Unmarshal(line, &r); err != nil {
		return r, err
	}
	if r.Version < 1 || r.Version > Version || r.Reply == "" {
		return r, fmt.Errorf("it is of version %d; this release reads up to %d", r.Version, Version)
	}
	return r, nil
}

// Decode reads a file.
func Decode(file []byte) ([]Record, error) {
	zip, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("decode records: %w", err)
	}
	var records []Record
	lines := bufio.NewScanner(io.LimitReader(zip, maxFile))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r, err := DecodeLine(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("decode record %d: %w", len(records)+1, err)
		}
		records = append(records, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("decode records: %w", err)
	}
	return records, nil
}
