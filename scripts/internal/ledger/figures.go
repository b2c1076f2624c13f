package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// Figures is what one operation costs.
type Figures struct {
	DynamoDBCalls int   `json:"dynamodb_calls"`
	ReadUnits     Units `json:"read_units"`
	WriteUnits    Units `json:"write_units"`
	SQSCalls      int   `json:"sqs_calls"`
	S3Calls       int   `json:"s3_calls"`
	S3Puts        int   `json:"s3_puts,omitempty"` // of them, those billed as PUT
	S3Gets        int   `json:"s3_gets,omitempty"` // and as GET
	KMSCalls      int   `json:"kms_calls"`
	SESCalls      int   `json:"ses_calls"`
	ValkeyTrips   int   `json:"valkey_trips"` // round trips; a pipeline is one
	Rounds        int   `json:"rounds"`       // that wait for one another
	SentBytes     int   `json:"sent_bytes"`   // bodies of requests to AWS
	GotBytes      int   `json:"got_bytes"`    // bodies of its answers
}

// Step is one kind of call of an operation.
type Step struct {
	Name       string `json:"name"`
	Calls      int    `json:"calls"`
	ReadUnits  Units  `json:"read_units"`
	WriteUnits Units  `json:"write_units"`
}

// Turn is what a turn costs: a question and its answer, from the send to the last
// event of the stream.
type Turn struct {
	Figures
	RoundsToAccepted   int    `json:"rounds_to_accepted"`    // before the 202
	RoundsToFirstToken int    `json:"rounds_to_first_token"` // from the 202, besides the engine's
	StoredBytes        int    `json:"stored_bytes"`          // of the question's and the reply's rows
	EventBytes         int    `json:"event_bytes"`           // of one event of the stream, besides its text
	FrameCommands      int    `json:"frame_commands"`        // Valkey commands that publish one frame
	Steps              []Step `json:"steps"`

	// AnswerBytes is how long the answer's text is; it isn't in the file, and none is 8 KB.
	AnswerBytes int `json:"-"`
}

// Ledger is docs/ledger.json.
type Ledger struct {
	About      string             `json:"about"`
	Turn       Turn               `json:"turn"`
	Operations map[string]Figures `json:"operations"`
	Files      []FileRow          `json:"files"`
	Search     []FileRow          `json:"search"` // of a history instead of a file
}

// Sum adds up what calls cost.
func Sum(calls []Call) Figures {
	f := Figures{Rounds: Rounds(calls)}
	for _, c := range calls {
		switch c.Service {
		case DynamoDB:
			f.DynamoDBCalls++
		case SQS:
			f.SQSCalls++
		case S3:
			f.countS3(c)
		case KMS:
			f.KMSCalls++
		case SES:
			f.SESCalls++
		case Valkey:
			f.ValkeyTrips++
			continue // its bytes are no AWS bytes
		}
		f.ReadUnits += c.Reads
		f.WriteUnits += c.Writes
		f.SentBytes += c.Sent
		f.GotBytes += c.Received
	}
	return f
}

func (f *Figures) countS3(c Call) {
	f.S3Calls++
	switch c.Class {
	case Put:
		f.S3Puts++
	case Get:
		f.S3Gets++
	}
}

// Steps groups calls by the name that label gives them, in order of appearance.
func Steps(calls []Call, label func(Call) string) []Step {
	var steps []Step
	for _, c := range calls {
		name := label(c)
		at := slices.IndexFunc(steps, func(s Step) bool { return s.Name == name })
		if at < 0 {
			at = len(steps)
			steps = append(steps, Step{Name: name})
		}
		steps[at].Calls++
		steps[at].ReadUnits += c.Reads
		steps[at].WriteUnits += c.Writes
	}
	return steps
}

// Load reads a ledger; a missing file is an empty one.
func Load(path string) (Ledger, error) {
	var l Ledger
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	if err != nil {
		return l, fmt.Errorf("ledger %s: %w", path, err)
	}
	return l, nil
}

// Save writes a ledger.
func (l Ledger) Save(path string) error {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("encode ledger: %w", err)
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// Difference is a figure that isn't as it was kept.
type Difference struct {
	Operation, Figure string
	Kept, Measured    Units // whole numbers too are in half units here
}

// Worse reports whether the figure has passed its ceiling.
func (d Difference) Worse() bool { return d.Measured > d.Kept }

// String says so.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %v, kept is %v", d.Operation, d.Figure, d.Measured, d.Kept)
}

// byteSlack is by how much bytes may differ from run to run: ids, times and
// signatures differ in length.
const byteSlack = 512

// roundSlack is by how much an operation's rounds may differ: where two calls wait
// for nothing but the processor, chance decides whether they overlap. The turn's
// own rounds are exact.
const roundSlack = 1

// Compare returns how measured differs from the ceilings of kept, by name.
func Compare(kept, measured Ledger) []Difference {
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(measured.Operations)) {
		all = append(all, kept.Operations[name].compare(name, measured.Operations[name], roundSlack)...)
	}
	all = append(all, compareFiles(kept.Files, measured.Files)...)
	all = append(all, compareFiles(kept.Search, measured.Search)...)
	all = append(all, kept.Turn.compare("turn", measured.Turn.Figures, 0)...)
	for _, f := range []struct {
		name           string
		kept, measured int
	}{
		{"rounds_to_accepted", kept.Turn.RoundsToAccepted, measured.Turn.RoundsToAccepted},
		{"frame_commands", kept.Turn.FrameCommands, measured.Turn.FrameCommands},
		{"event_bytes", kept.Turn.EventBytes, measured.Turn.EventBytes},
		{"rounds_to_first_token", kept.Turn.RoundsToFirstToken, measured.Turn.RoundsToFirstToken},
	} {
		all = differ(all, "turn", f.name, whole(f.kept), whole(f.measured), 0)
	}
	return differ(all, "turn", "stored_bytes", whole(kept.Turn.StoredBytes), whole(measured.Turn.StoredBytes), byteSlack/16)
}

func whole(n int) Units { return 2 * Units(n) }

func (f Figures) compare(operation string, now Figures, roundSlack int) (all []Difference) {
	for _, c := range []struct {
		name       string
		kept, have Units
		slack      int
	}{
		{"dynamodb_calls", whole(f.DynamoDBCalls), whole(now.DynamoDBCalls), 0},
		{"read_units", f.ReadUnits, now.ReadUnits, 0},
		{"write_units", f.WriteUnits, now.WriteUnits, 0},
		{"sqs_calls", whole(f.SQSCalls), whole(now.SQSCalls), 0},
		{"s3_calls", whole(f.S3Calls), whole(now.S3Calls), 0},
		{"s3_puts", whole(f.S3Puts), whole(now.S3Puts), 0},
		{"s3_gets", whole(f.S3Gets), whole(now.S3Gets), 0},
		{"kms_calls", whole(f.KMSCalls), whole(now.KMSCalls), 0},
		{"ses_calls", whole(f.SESCalls), whole(now.SESCalls), 0},
		{"rounds", whole(f.Rounds), whole(now.Rounds), roundSlack},
		{"sent_bytes", whole(f.SentBytes), whole(now.SentBytes), byteSlack},
		{"got_bytes", whole(f.GotBytes), whole(now.GotBytes), byteSlack},
	} {
		all = differ(all, operation, c.name, c.kept, c.have, c.slack)
	}
	return all
}

func differ(all []Difference, operation, figure string, kept, measured Units, slack int) []Difference {
	if d := measured - kept; d <= whole(slack) && d >= -whole(slack) {
		return all
	}
	return append(all, Difference{operation, figure, kept, measured})
}
