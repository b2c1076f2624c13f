package ledger

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Stage is when a Hook is asked.
type Stage int

// The stages of a call.
const (
	Before Stage = iota // the service has not seen it
	After               // the service has carried it out; its answer is here
)

// Hook sees every call at both stages. If it returns false the call goes no
// further: the connection is closed on the caller.
type Hook func(Stage, Call) bool

// Recorder is a proxy in front of AWS that notes every call.
type Recorder struct {
	upstream map[string]string // base URL by service; "" for all others
	delay    time.Duration
	client   *http.Transport
	server   *httptest.Server

	mu    sync.Mutex
	calls []*Call
	count map[string]int
	hook  Hook
	err   error // first thing that could not be counted
}

// NewRecorder starts a proxy in front of a DynamoDB and an AWS for all the rest.
// Each call takes delay longer, so that calls which are made side by side overlap
// for certain. Close must be called in the end.
func NewRecorder(dynamoDB, aws string, delay time.Duration) *Recorder {
	r := &Recorder{upstream: map[string]string{DynamoDB: dynamoDB, "": aws}, delay: delay, count: map[string]int{},
		// A connection for each call: the embedded AWS closes idle ones, and loses
		// what it was just asked on them.
		client: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	return r
}

// URL is where the recorded process finds AWS.
func (r *Recorder) URL() string { return r.server.URL }

// Close ends the proxy.
func (r *Recorder) Close() {
	r.server.CloseClientConnections()
	r.server.Close()
	r.client.CloseIdleConnections()
}

// Reset forgets all calls but those under way, a long poll for instance, and has h
// asked from now on; nil asks nobody.
func (r *Recorder) Reset(h Hook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = slices.DeleteFunc(r.calls, func(c *Call) bool { return !c.Ended.IsZero() || c.Status == dropped })
	r.count, r.hook = map[string]int{}, h
}

// Settle waits until nothing has been under way for a moment: what a process that
// was killed had sent before is carried out all the same.
func (r *Recorder) Settle() {
	const moment = 30 * time.Millisecond
	for quiet := time.Now(); time.Since(quiet) < moment; time.Sleep(time.Millisecond) {
		if r.busy() {
			quiet = time.Now()
		}
	}
}

func (r *Recorder) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.calls, func(c *Call) bool { return c.Ended.IsZero() && c.Status != dropped })
}

// Calls returns what was called since the last Reset, in order of beginning, and
// an error if something could not be counted.
func (r *Recorder) Calls() ([]Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := make([]Call, len(r.calls))
	for i, c := range r.calls {
		calls[i] = *c
	}
	slices.SortStableFunc(calls, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return calls, r.err
}

func (r *Recorder) serve(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return // the caller is gone
	}
	call := r.begin(in, len(body))
	if !r.ask(Before, *call) {
		r.drop(call)
		hangUp(w)
		return
	}
	time.Sleep(r.delay)
	out, answer, err := r.forward(in, call.Service, body)
	if err != nil {
		r.drop(call)
		r.fail(fmt.Errorf("%s: %w", call.Name(), err))
		hangUp(w)
		return
	}
	done := r.end(call, out.StatusCode, answer)
	if !r.ask(After, done) {
		hangUp(w)
		return
	}
	for name, values := range out.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.StatusCode)
	w.Write(answer) // if the caller is gone, it is its death that is tested
}

// ask has the hook of this moment decide.
func (r *Recorder) ask(s Stage, c Call) bool {
	r.mu.Lock()
	hook := r.hook
	r.mu.Unlock()
	return hook == nil || hook(s, c)
}

func (r *Recorder) begin(in *http.Request, sent int) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := &Call{Began: time.Now(), Sent: sent}
	call.Service, call.Operation = classify(in)
	if call.Service == S3 {
		call.Class = classOf(in)
	}
	kind := call.Service + " " + call.Operation
	r.count[kind]++
	call.Nth = r.count[kind]
	r.calls = append(r.calls, call)
	return call
}

// drop marks a call that nobody answered.
func (r *Recorder) drop(call *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	call.Status = dropped
}

func (r *Recorder) end(call *Call, status int, answer []byte) Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	call.Ended = time.Now()
	if err := call.note(status, answer); err != nil && r.err == nil {
		r.err = err
	}
	return *call
}

func (r *Recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// forward sends a request on and reads all of its answer.
func (r *Recorder) forward(in *http.Request, service string, body []byte) (*http.Response, []byte, error) {
	base, ok := r.upstream[service]
	if !ok {
		base = r.upstream[""]
	}
	if service == DynamoDB {
		body = askCapacity(body)
	}
	// Not the caller's context: what AWS has been asked it carries out, even if
	// the caller dies over it.
	req, err := http.NewRequest(in.Method, base+in.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = in.Header.Clone()
	req.Header.Del("Content-Length")
	req.Host = in.Host // signed URLs are signed for it
	out, err := r.client.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer out.Body.Close()
	answer, err := io.ReadAll(out.Body)
	return out, answer, err
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.Close()
	}
}
