package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"parley/fleet/enginetest"
)

// recorder stands before a real engine and notes its calls as enginetest does by
// itself. It hands on what comes as it comes, the end of a connection included.
type recorder struct {
	calls  *calls
	engine int
	number atomic.Int64
}

// record starts the recorder of one engine; it ends with ctx.
func (r *run) record(ctx context.Context, engine int) error {
	target, err := url.Parse(r.fleet.url(portEngine + engine))
	if err != nil {
		return err
	}
	rec := &recorder{calls: r.calls, engine: engine}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: rec.response, ErrorHandler: rec.failed, Transport: &http.Transport{DisableKeepAlives: true}}
	l, err := net.Listen("tcp", r.fleet.addr(portRecorder+engine))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: rec.requests(proxy), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(l) // ends with Close
	return nil
}

type callKey struct{}

var nameOf = regexp.MustCompile(`p\d{6}`)

// requests notes where calls begin and end.
func (rec *recorder) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		var in struct{ Messages []enginetest.Message }
		if err != nil || json.Unmarshal(body, &in) != nil || len(in.Messages) == 0 {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c := &call{Entry: enginetest.Entry{ID: int(rec.number.Add(1)), BeganAt: time.Now(), Key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}}
		last := in.Messages[len(in.Messages)-1]
		if last.Role == "assistant" {
			c.Prefix, last = len(last.Content), in.Messages[len(in.Messages)-2]
		}
		c.Question = nameOf.FindString(last.Content)
		rec.calls.note(rec.engine, *c)
		defer rec.end(c, r)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// end notes how a call ended that isn't finished.
func (rec *recorder) end(c *call, r *http.Request) {
	if c.State == enginetest.Began {
		c.State = enginetest.Broken
		if r.Context().Err() != nil {
			c.State = enginetest.Aborted
		}
	}
	c.EndedAt = time.Now()
	rec.calls.note(rec.engine, *c)
}

// failed passes on that the engine can't be reached, or hung up.
func (rec *recorder) failed(w http.ResponseWriter, r *http.Request, err error) {
	if c, ok := r.Context().Value(callKey{}).(*call); ok {
		c.State = enginetest.Broken
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	panic(http.ErrAbortHandler)
}

// response has what comes read along.
func (rec *recorder) response(resp *http.Response) error {
	c, ok := resp.Request.Context().Value(callKey{}).(*call)
	switch {
	case !ok:
	case resp.StatusCode != http.StatusOK:
		c.State = enginetest.Refused
	default:
		resp.Body = &reading{ReadCloser: resp.Body, call: c}
	}
	return nil
}

// reading takes the tokens out of a stream that passes through.
type reading struct {
	io.ReadCloser
	call *call
	rest []byte
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.take(p[:n])
	return n, err
}

// take takes in what came, line by line.
func (r *reading) take(p []byte) {
	r.rest = append(r.rest, p...)
	for {
		advance, line, _ := bufio.ScanLines(r.rest, false)
		if advance == 0 {
			return
		}
		r.call.read(line)
		r.rest = r.rest[advance:]
	}
}

// read takes in one line of an answer.
func (c *call) read(line []byte) {
	data, ok := bytes.CutPrefix(line, []byte("data: "))
	if !ok {
		return
	}
	if string(data) == "[DONE]" {
		c.State = enginetest.Finished
		return
	}
	var chunk struct {
		Choices []struct{ Delta struct{ Content string } }
		Timings struct {
			Predicted int `json:"predicted_n"`
		}
		Usage *struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		}
	}
	if json.Unmarshal(data, &chunk) != nil {
		return
	}
	if u := chunk.Usage; u != nil {
		c.Prompt, c.Sent = u.Prompt, u.Completion
	}
	if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
		for len(c.sizes) < chunk.Timings.Predicted-1 {
			c.sizes = append(c.sizes, 0) // a token that was held back, because it was half a character
		}
		c.sizes = append(c.sizes, len(chunk.Choices[0].Delta.Content))
	}
}
