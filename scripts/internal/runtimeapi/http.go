package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Invoker is an Environment or a Function.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) (Result, error)
}

// Request is an HTTP request for a function behind an HTTP API.
type Request struct {
	Method string
	Path   string // with its query
	Header map[string]string
	Body   string
}

// Response is the function's answer to it.
type Response struct {
	Status int
	Header http.Header
	Body   string
	Result
}

// Event is the request as API Gateway (payload 2.0) hands it over.
func (r Request) Event() ([]byte, error) {
	path, query, _ := strings.Cut(r.Path, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", r.Path, err)
	}
	headers := map[string]string{"host": "api.example.com", "x-forwarded-for": "192.0.2.7", "user-agent": "parley"}
	for name, value := range r.Header {
		headers[strings.ToLower(name)] = value
	}
	if r.Body != "" && headers["content-type"] == "" {
		headers["content-type"] = "application/json"
	}
	return json.Marshal(events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: query, Headers: headers, Body: r.Body,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", APIID: "local", DomainName: "api.example.com",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: plain, Protocol: "HTTP/1.1", SourceIP: "192.0.2.7", UserAgent: "parley"},
		},
	})
}

// Call sends an HTTP request to a function.
func Call(ctx context.Context, to Invoker, r Request) (Response, error) {
	event, err := r.Event()
	if err != nil {
		return Response{}, err
	}
	result, err := to.Invoke(ctx, event)
	if err != nil {
		return Response{}, err
	}
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(result.Payload, &out); err != nil {
		return Response{}, fmt.Errorf("answer of %s %s: %w", r.Method, r.Path, err)
	}
	res := Response{Status: out.StatusCode, Header: http.Header{}, Body: out.Body, Result: result}
	for name, value := range out.Headers {
		res.Header.Set(name, value)
	}
	return res, nil
}
