package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
)

const (
	starts = 10 // of a process, for its initialisation
	warmUp = 10 // calls that don't count
)

// result is what was measured of one case.
type result struct {
	benchCase
	size        int64         // of the binary, in bytes
	initial     time.Duration // median
	own, slow   time.Duration // of one call, without its calls to AWS: median and 90th percentile
	calls       int           // to AWS
	wire        time.Duration // of own, what its calls to AWS spend between the two and in the proxy
	allocations int64         // of one call
	bytes       int64
}

// measure runs one case.
func measure(ctx context.Context, r *rig.Rig, c benchCase) (result, error) {
	res := result{benchCase: c}
	binary, err := r.Binary(ctx, c.function)
	if err != nil {
		return res, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return res, err
	}
	res.size = info.Size()
	if res.initial, err = initialisation(ctx, r, c); err != nil {
		return res, fmt.Errorf("%s: start: %w", c.name(), err)
	}
	if err := res.time(ctx, r); err != nil {
		return res, fmt.Errorf("%s: %w", c.name(), err)
	}
	if err := res.allocated(ctx, r); err != nil {
		return res, fmt.Errorf("%s: allocations: %w", c.name(), err)
	}
	return res, nil
}

// initialisation is the median time from a process's start to its first request
// for an event.
func initialisation(ctx context.Context, r *rig.Rig, c benchCase) (time.Duration, error) {
	var took []time.Duration
	for range starts {
		e, err := r.Start(ctx, c.function, c.env...)
		if err != nil {
			return 0, err
		}
		d, err := e.Ready(ctx)
		e.Close()
		if err != nil {
			return 0, err
		}
		took = append(took, d)
	}
	return percentile(took, 50), nil
}

// time measures warm calls: the time from an event's hand-over to its answer, less
// what the recorder saw of AWS's.
func (res *result) time(ctx context.Context, r *rig.Rig) error {
	bare, err := bareCall(ctx, r)
	if err != nil {
		return err
	}
	e, err := r.Start(ctx, res.function, res.env...)
	if err != nil {
		return err
	}
	defer e.Close()
	var own []time.Duration
	for n := range warmUp + res.times {
		r.Recorder.Reset(nil)
		took, err := res.once(ctx, e)
		if err != nil {
			return err
		}
		calls, err := r.Recorder.Calls()
		if err != nil {
			return err
		}
		if n >= warmUp {
			own, res.calls = append(own, took-ledger.Waited(calls)-res.apart), len(calls)
			res.wire = time.Duration(ledger.Rounds(calls)) * bare
		}
	}
	res.own, res.slow = percentile(own, 50), percentile(own, 90)
	return nil
}

// bareCall is what a call costs that nothing of ours and nothing of the SDK is part
// of: the median time of a plain HTTP request through the recorder, without the
// time in which the service was at work.
func bareCall(ctx context.Context, r *rig.Rig) (time.Duration, error) {
	body := fmt.Sprintf(`{"TableName":%q,"Key":{"PK":{"S":"U#bench"},"SK":{"S":"bench"}}}`, r.ChatsTable)
	var took []time.Duration
	for range 100 {
		r.Recorder.Reset(nil)
		began := time.Now()
		if err := post(ctx, r.Recorder.URL(), body); err != nil {
			return 0, err
		}
		whole := time.Since(began)
		calls, err := r.Recorder.Calls()
		if err != nil {
			return 0, err
		}
		took = append(took, whole-ledger.Waited(calls))
	}
	return percentile(took, 50), nil
}

func post(ctx context.Context, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260101T000000Z") // nobody checks the signature
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("a bare call to DynamoDB: %s", res.Status))
	}
	return err
}

// allocated measures what a warm call allocates.
func (res *result) allocated(ctx context.Context, r *rig.Rig) error {
	e, m, err := startProbed(ctx, r, res.benchCase)
	if err != nil {
		return err
	}
	defer e.Close()
	for range warmUp {
		if _, err := res.once(ctx, e); err != nil {
			return err
		}
	}
	before, beforeBytes, err := m.read(e)
	if err != nil {
		return err
	}
	for range res.times {
		if _, err := res.once(ctx, e); err != nil {
			return err
		}
	}
	after, afterBytes, err := m.read(e)
	n := int64(res.times)
	res.allocations, res.bytes = (after-before)/n, (afterBytes-beforeBytes)/n
	return err
}

// once makes a fresh event and calls the function with it.
func (res *result) once(ctx context.Context, e *runtimeapi.Environment) (time.Duration, error) {
	event, check, err := res.event(ctx)
	if err != nil {
		return 0, err
	}
	out, err := e.Invoke(ctx, event)
	if err == nil && check != nil {
		err = check(out.Payload)
	}
	return out.Duration, err
}

func percentile(of []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[(len(sorted)-1)*p/100]
}
