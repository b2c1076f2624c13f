package gameday

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Replica keeps a table in several regions the same, as a global table with eventual
// consistency is: a write goes to the others some time later, whole rows, and of two
// writes of a row the later one wins everywhere. It reads each copy's stream, and
// knows its own writes there again by what they say.
type Replica struct {
	copies []*side

	mu   sync.Mutex
	held bool
}

// Copy is the table in one region.
type Copy struct {
	AWS
	Table string
}

// side is a copy, and what is known of it.
type side struct {
	Copy
	iterator string
	rows     map[string]version // as its stream has told so far, and what was written to it since
	expected map[string][]image // own writes, which its stream is still to tell
	inbox    []change
}

// image is a row as JSON with its names in order; empty for none.
type image string

// version is a state of a row, and when it was written where.
type version struct {
	at     string // milliseconds and a counter, by which the emulator's records are numbered
	region string
	is     image
}

type change struct {
	key string
	version
}

// later reports whether v wins over w.
func (v version) later(w version) bool {
	return cmp.Or(cmp.Compare(v.at, w.at), cmp.Compare(v.region, w.region)) > 0
}

// Link makes copies of a table the same and keeps them so until ctx ends. The first
// one's rows are given to the others.
func Link(ctx context.Context, copies ...Copy) (*Replica, error) {
	r := &Replica{}
	for _, c := range copies {
		s := &side{Copy: c, rows: map[string]version{}, expected: map[string][]image{}}
		if err := s.open(ctx); err != nil {
			return nil, fmt.Errorf("stream of %s in %s: %w", c.Table, c.Region, err)
		}
		r.copies = append(r.copies, s)
	}
	var all struct{ Items []json.RawMessage }
	from := r.copies[0]
	if err := from.DynamoDB(ctx, "Scan", map[string]any{"TableName": from.Table}, &all); err != nil {
		return nil, err
	}
	for _, row := range all.Items {
		is, key := read(row)
		first := version{region: from.Region, is: is}
		from.rows[key] = first
		for _, other := range r.copies[1:] {
			other.inbox = append(other.inbox, change{key, first})
		}
	}
	return r, r.Step(ctx)
}

// Run copies until ctx ends, and returns the first error before that.
func (r *Replica) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.Step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// Hold keeps writes from getting to other regions, or lets them go again.
func (r *Replica) Hold(held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
}

// Step takes in what was written, and hands on what there is.
func (r *Replica) Step(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.copies {
		changes, err := s.listen(ctx)
		if err != nil {
			return fmt.Errorf("%s in %s: %w", s.Table, s.Region, err)
		}
		for _, other := range r.copies {
			if other != s {
				other.inbox = append(other.inbox, changes...)
			}
		}
	}
	if r.held {
		return nil
	}
	for _, s := range r.copies {
		if err := s.deliver(ctx); err != nil {
			return fmt.Errorf("%s in %s: %w", s.Table, s.Region, err)
		}
	}
	return nil
}

// open begins to read the table's stream, which it switches on if need be.
func (s *side) open(ctx context.Context) error {
	var about struct {
		Table struct{ LatestStreamArn string }
	}
	named := map[string]any{"TableName": s.Table}
	if err := s.DynamoDB(ctx, "DescribeTable", named, &about); err != nil {
		return err
	}
	if about.Table.LatestStreamArn == "" {
		on := map[string]any{"TableName": s.Table, "StreamSpecification": map[string]any{"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
		if err := errors.Join(s.DynamoDB(ctx, "UpdateTable", on, nil), s.DynamoDB(ctx, "DescribeTable", named, &about)); err != nil {
			return err
		}
	}
	stream := map[string]any{"StreamArn": about.Table.LatestStreamArn}
	var shards struct {
		StreamDescription struct{ Shards []struct{ ShardId string } }
	}
	if err := s.Streams(ctx, "DescribeStream", stream, &shards); err != nil {
		return err
	}
	if len(shards.StreamDescription.Shards) != 1 {
		return fmt.Errorf("it has %d shards", len(shards.StreamDescription.Shards))
	}
	stream["ShardId"], stream["ShardIteratorType"] = shards.StreamDescription.Shards[0].ShardId, "LATEST"
	var start struct{ ShardIterator string }
	err := s.Streams(ctx, "GetShardIterator", stream, &start)
	s.iterator = start.ShardIterator
	return err
}

// listen returns what was written in this region since the last time.
func (s *side) listen(ctx context.Context) ([]change, error) {
	var out struct {
		Records []struct {
			Dynamodb struct {
				SequenceNumber string
				NewImage, Keys json.RawMessage
			} `json:"dynamodb"`
		}
		NextShardIterator string
	}
	if err := s.Streams(ctx, "GetRecords", map[string]any{"ShardIterator": s.iterator}, &out); err != nil {
		return nil, err
	}
	s.iterator = out.NextShardIterator
	var changes []change
	for _, r := range out.Records {
		is, _ := read(r.Dynamodb.NewImage)
		_, key := read(r.Dynamodb.Keys)
		if c, local := s.hear(change{key, version{r.Dynamodb.SequenceNumber, s.Region, is}}); local {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// hear takes in a record, and reports whether somebody else has written it. When our
// own write got in after a later one of the region itself, that one is written again.
func (s *side) hear(c change) (change, bool) {
	if own := s.expected[c.key]; len(own) > 0 && own[0] == c.is {
		s.expected[c.key] = own[1:]
		if last := s.rows[c.key]; last.is != c.is && len(own) == 1 {
			s.inbox = append(s.inbox, change{c.key, last})
		}
		return change{}, false
	}
	s.rows[c.key] = c.version
	return c, true
}

// deliver writes what others have written later than what is here.
func (s *side) deliver(ctx context.Context) error {
	for len(s.inbox) > 0 {
		c := s.inbox[0]
		have, known := s.rows[c.key]
		again := known && have == c.version // see hear
		if !again && (known && !c.later(have) || have.is == c.is) {
			s.inbox = s.inbox[1:]
			continue
		}
		call, in := "PutItem", map[string]any{"TableName": s.Table, "Item": json.RawMessage(c.is)}
		if c.is == "" {
			call, in = "DeleteItem", map[string]any{"TableName": s.Table, "Key": json.RawMessage(c.key)}
		}
		if err := s.DynamoDB(ctx, call, in, nil); err != nil {
			return err
		}
		s.rows[c.key], s.inbox = c.version, s.inbox[1:]
		s.expected[c.key] = append(s.expected[c.key], c.is)
	}
	return nil
}

// read puts a row into order, and its key.
func read(row json.RawMessage) (image, string) {
	var all map[string]json.RawMessage
	if len(row) == 0 || json.Unmarshal(row, &all) != nil {
		return "", ""
	}
	text, _ := json.Marshal(all) // JSON that was JSON
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains([]string{"PK", "SK"}, name) })
	key, _ := json.Marshal(all)
	return image(text), string(key)
}

// AWS is an embedded AWS of a region. Its calls are made by hand: it checks no
// signature, and rows come and go as they are.
type AWS struct{ URL, Region string }

// DynamoDB makes one call.
func (a AWS) DynamoDB(ctx context.Context, call string, in, out any) error {
	return a.call(ctx, "dynamodb", "DynamoDB_20120810."+call, in, out)
}

// Streams makes one call of DynamoDB's streams.
func (a AWS) Streams(ctx context.Context, call string, in, out any) error {
	return a.call(ctx, "dynamodb", "DynamoDBStreams_20120810."+call, in, out)
}

// SQS makes one call.
func (a AWS) SQS(ctx context.Context, call string, in, out any) error {
	return a.call(ctx, "sqs", "AmazonSQS."+call, in, out)
}

func (a AWS) call(ctx context.Context, service, what string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := a.request(ctx, http.MethodPost, service, "/", body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", what)
	return a.do(req, what, out)
}

func (a AWS) request(ctx context.Context, method, service, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", fmt.Sprintf(
		"AWS4-HMAC-SHA256 Credential=test/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=none", a.Region, service))
	return req, nil
}

func (a AWS) do(req *http.Request, what string, out any) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 || res.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("%s: %s: %.300s", what, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Functions returns the names of all Lambda functions.
func (a AWS) Functions(ctx context.Context) ([]string, error) {
	req, err := a.request(ctx, http.MethodGet, "lambda", "/2015-03-31/functions/", nil)
	if err != nil {
		return nil, err
	}
	var list struct {
		Functions []struct{ FunctionName string }
	}
	err = a.do(req, "ListFunctions", &list)
	var names []string
	for _, f := range list.Functions {
		names = append(names, f.FunctionName)
	}
	return names, err
}

// Invoke calls a function with an empty event.
func (a AWS) Invoke(ctx context.Context, function string) error {
	req, err := a.request(ctx, http.MethodPost, "lambda", "/2015-03-31/functions/"+function+"/invocations", []byte("{}"))
	if err != nil {
		return err
	}
	return a.do(req, "Invoke "+function, nil)
}
