package policy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Recorder is a pass-through in front of AWS's services that notes what functions,
// worker and relay need. Whoever isn't one of them, tests and tools, goes through
// unnoticed.
type Recorder struct {
	mu   sync.Mutex
	seen map[string]Need
	full bool

	servers []*http.Server
}

// Bounds of what is kept in memory.
const (
	maxNeeds = 20_000   // different ones
	maxBody  = 17 << 20 // of one call whose body is looked into; DynamoDB takes 16 MB
)

// NewRecorder returns a recorder that has seen nothing. Close must be called in the
// end.
func NewRecorder() *Recorder { return &Recorder{seen: map[string]Need{}} }

// Listen starts a pass-through to a service at that URL and returns its own, on a
// free port of this machine.
func (r *Recorder) Listen(upstream string) (string, error) {
	to, err := url.Parse(upstream)
	if err != nil {
		return "", fmt.Errorf("address of what is recorded: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for calls to be recorded: %w", err)
	}
	server := &http.Server{Handler: r.handler(to), ReadHeaderTimeout: 10 * time.Second}
	r.servers = append(r.servers, server)
	go server.Serve(listener) // ends with Close
	return "http://" + listener.Addr().String(), nil
}

// Close ends every pass-through.
func (r *Recorder) Close() {
	for _, s := range r.servers {
		s.Close()
	}
}

// handler passes requests on as they are, a connection for each: the embedded AWS
// closes idle ones, and loses what it was just asked on them.
func (r *Recorder) handler(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = to.Scheme, to.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Host = p.In.Host // requests are signed for it
		},
		Transport:     &passage{recorder: r, next: &http.Transport{DisableCompression: true, DisableKeepAlives: true}},
		FlushInterval: -1,
		// The caller sees a broken connection, as it would without this.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// passage notes requests on their way.
type passage struct {
	recorder *Recorder
	next     http.RoundTripper
}

// RoundTrip notes a call, whatever becomes of it, and passes it on.
func (p *passage) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ContentLength > 0 {
		// The transport looks whether there is more, by when the caller may have been
		// answered, and its body closed: that would break the answer off.
		r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength))
	}
	app, signed, service := caller(r)
	if service == "" {
		return p.next.RoundTrip(r)
	}
	var body []byte
	if r.Body != nil && hasBody(r, service) {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	}
	asked := needs(r, service, body)
	p.recorder.note(app, signed, asked)
	res, err := p.next.RoundTrip(r)
	if err == nil && !signed && service == "s3" && res.StatusCode == http.StatusNotFound {
		p.recorder.note(app, signed, absence(asked))
	}
	return res, err
}

func (r *Recorder) note(app string, signed bool, asked []Need) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range asked {
		n.App, n.Signed = app, signed
		text := n.text()
		if _, known := r.seen[text]; !known && len(r.seen) == maxNeeds {
			r.full = true
			return
		}
		r.seen[text] = n
	}
}
