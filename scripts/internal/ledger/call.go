package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Services that calls are counted for.
const (
	DynamoDB = "dynamodb"
	SQS      = "sqs"
	S3       = "s3"
	KMS      = "kms"
	SES      = "ses"
	Secrets  = "secretsmanager"
	Valkey   = "valkey"
)

// Call is one call to a service.
type Call struct {
	Service   string
	Operation string
	Class     Class // of a call to S3
	Nth       int   // among the calls of its service and operation since the last Reset, from 1
	Status    int   // of the answer; 0 while there is none, dropped if there never will be
	Began     time.Time
	Ended     time.Time
	Sent      int // bytes of the request's body
	Received  int // bytes of the answer's body
	Reads     Units
	Writes    Units
	Messages  int // that SQS handed out
}

const dropped = -1

// Class is what S3 bills a request as.
type Class string

// The classes. What removes something is free.
const (
	Free Class = ""
	Put  Class = "put" // PUT, COPY, POST, LIST
	Get  Class = "get" // GET, HEAD and all others
)

// classOf tells what S3 bills a request as. Lists are those of a bucket, and those of
// an upload's parts; a POST that deletes is free.
func classOf(r *http.Request) Class {
	_, key, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodDelete || query.Has("delete"):
		return Free
	case r.Method == http.MethodPut || r.Method == http.MethodPost:
		return Put
	case r.Method == http.MethodGet && (key == "" || query.Has("uploadId")):
		return Put
	}
	return Get
}

// Name tells the call from the others of its recording: "dynamodb PutItem 1".
func (c Call) Name() string { return fmt.Sprintf("%s %s %d", c.Service, c.Operation, c.Nth) }

// targets maps what AWS's JSON protocols put before an operation's name.
var targets = map[string]string{
	"DynamoDB_20120810": DynamoDB,
	"AmazonSQS":         SQS,
	"TrentService":      KMS,
	"secretsmanager":    Secrets,
}

// classify names the service and operation of a request.
func classify(r *http.Request) (service, operation string) {
	if prefix, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok && targets[prefix] != "" {
		return targets[prefix], op
	}
	if strings.HasPrefix(r.URL.Path, "/v2/email/") {
		return SES, "SendEmail"
	}
	return S3, r.Method
}

// askCapacity has DynamoDB report what a call consumes.
func askCapacity(body []byte) []byte {
	if at := bytes.IndexByte(body, '{'); at >= 0 && !bytes.Contains(body, []byte(`"ReturnConsumedCapacity"`)) {
		rest := bytes.TrimSpace(body[at+1:])
		field := `{"ReturnConsumedCapacity":"TOTAL"`
		if len(rest) > 0 && rest[0] != '}' {
			field += ","
		}
		return append([]byte(field), rest...)
	}
	return body
}

type capacity struct {
	CapacityUnits json.Number
}

// capacities is one or several capacity reports: batches and transactions have
// one for each table.
type capacities []capacity

func (c *capacities) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]capacity)(c))
	}
	*c = make(capacities, 1)
	return json.Unmarshal(b, &(*c)[0])
}

// note takes from an answer what is counted of it.
func (c *Call) note(status int, body []byte) error {
	c.Status, c.Received = status, len(body)
	if status >= 300 || len(body) == 0 || body[0] != '{' {
		return nil
	}
	var answer struct {
		ConsumedCapacity capacities
		Messages         []json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("answer of %s: %w", c.Name(), err)
	}
	if c.Service == SQS {
		c.Messages = len(answer.Messages)
	}
	if c.Service != DynamoDB {
		return nil
	}
	if len(answer.ConsumedCapacity) == 0 {
		return fmt.Errorf("%s reports no capacity", c.Name())
	}
	for _, part := range answer.ConsumedCapacity {
		units, err := ParseUnits(part.CapacityUnits.String())
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		if reads[c.Operation] {
			c.Reads += units
		} else {
			c.Writes += units
		}
	}
	return nil
}

var reads = map[string]bool{"GetItem": true, "Query": true, "Scan": true, "BatchGetItem": true, "TransactGetItems": true}
