package storetest

import (
	"io"
	"net/http"
)

// Wire carries the calls of tests' clients. The SDK closes a request's body as soon as
// there is an answer, and a body of its kind that the transport then looks for more of
// fails and takes the connection along, with the answer on it: the SDK makes the call
// again. What is on the same machine answers soon enough for that. Here the transport
// gets a body that it can only read, and finds its end.
type Wire struct{ Next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (w Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.Next.RoundTrip(r)
}
