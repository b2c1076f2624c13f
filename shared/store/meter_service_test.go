//go:build service

package store_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// meter adds up what the calls of a client cost, as the database says.
type meter struct {
	mu    sync.Mutex
	calls []string
	write float64
	read  float64
}

func (m *meter) meter(db *dynamodb.Client) *dynamodb.Client {
	return dynamodb.New(db.Options(), func(o *dynamodb.Options) { o.HTTPClient = m })
}

var units = regexp.MustCompile(`"CapacityUnits":([0-9.]+)`)

// Do makes the meter an HTTP client.
func (m *meter) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte("{"), []byte(`{"ReturnConsumedCapacity":"TOTAL",`), 1)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	m.note(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."), answer)
	return res, nil
}

func (m *meter) note(call string, answer []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, call)
	for _, found := range units.FindAllSubmatch(answer, -1) {
		n, err := strconv.ParseFloat(string(found[1]), 64)
		switch {
		case err != nil:
		case strings.HasPrefix(call, "Get") || strings.HasPrefix(call, "BatchGet") || call == "Query" || call == "Scan":
			m.read += n
		default:
			m.write += n
		}
	}
}

// costs returns what do costs: calls, write and read units.
func (m *meter) costs(t *testing.T, do func() error) string {
	t.Helper()
	m.mu.Lock()
	m.calls, m.write, m.read = nil, 0, 0
	m.mu.Unlock()
	if err := do(); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("%s: %g write, %g read", strings.Join(m.calls, " "), m.write, m.read)
}
