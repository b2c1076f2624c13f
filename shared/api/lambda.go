package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"parley/shared/id"
	"parley/shared/problem"
)

type handler func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Lambda lets endpoints answer API Gateway's events (HTTP API, payload 2.0). The
// gateway is open to the internet: if there is an edge, they answer nothing else.
func (s *Service) Lambda(routes map[string]http.Handler) handler {
	return carry(s.edgeOnly(s.Mux(routes)))
}

func carry(h http.Handler) handler {
	return func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		ctx, cancel := within(ctx)
		defer cancel()
		w := &answer{header: http.Header{}}
		r, err := request(ctx, ev)
		if err != nil {
			WriteProblem(w, ev.RequestContext.RequestID, problem.From(err))
		} else {
			h.ServeHTTP(w, r)
		}
		return w.event(), nil
	}
}

// lastWords is what a function keeps of its time to say that it had too little.
const lastWords = 500 * time.Millisecond

// within ends ctx a moment before the function is killed, which would leave the
// gateway to answer.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, end.Add(-lastWords))
}

func request(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(ev.Body)
	if ev.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(ev.Body)
		if err != nil {
			return nil, errMalformed.Because(err)
		}
		body = raw
	}
	path, err := url.PathUnescape(ev.RawPath)
	if err != nil || !strings.HasPrefix(path, "/") {
		return nil, problem.New(problem.NotFound, "not_found", "There is nothing at this address.")
	}
	r, err := http.NewRequestWithContext(ctx, ev.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, problem.New(problem.Malformed, "malformed_request", "The request can't be read.").Because(err)
	}
	r.URL = &url.URL{Path: path, RawPath: ev.RawPath, RawQuery: ev.RawQueryString}
	for name, value := range ev.Headers {
		r.Header.Set(name, value)
	}
	r.RemoteAddr = net.JoinHostPort(ev.RequestContext.HTTP.SourceIP, "0")
	return r.WithContext(context.WithValue(ctx, requestIDKey{}, ev.RequestContext.RequestID)), nil
}

// answer gathers what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) event() events.APIGatewayV2HTTPResponse {
	headers := make(map[string]string, len(a.header))
	for name, values := range a.header {
		headers[name] = strings.Join(values, ", ")
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: a.status, Headers: headers, Body: a.body.String()}
}

// requestIDKey is where a request's context has API Gateway's name for it. A
// header would be the client's word, on the relay.
type requestIDKey struct{}

func requestID(r *http.Request) string {
	if given, _ := r.Context().Value(requestIDKey{}).(string); given != "" {
		return given
	}
	return id.New(time.Now())
}
