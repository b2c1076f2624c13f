// Package api turns a use case into an HTTP endpoint, the same for functions
// behind API Gateway and for the relay.
//
// An endpoint is a Func: it gets who is calling and the decoded body, and
// returns what to encode or an error. Handle does the rest in one order:
// identity, size cap, strict decoding, the call, encoding. A failure becomes a
// problem document (RFC 9457) and, where it is ours, one line in the log.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"parley/shared/auth"
	"parley/shared/problem"
	"parley/shared/trace"
)

// Service is what the endpoints of one process share.
type Service struct {
	Verifier Verifier // checks access tokens; may be nil if all endpoints are open
	Edge     Edge     // whose word on the client's address counts
	Log      *slog.Logger
}

// Verifier checks an access token and says whose it is.
type Verifier interface {
	Verify(ctx context.Context, token string) (auth.Identity, error)
}

// Request is what an endpoint knows of its caller besides the body.
type Request struct {
	*http.Request
	ID     string        // names this request in answers and logs
	User   auth.Identity // zero for an open endpoint
	Viewer string        // the client's IP address as far as it can be trusted
	status int
	header http.Header
}

// SetHeader adds a field to the answer, also to one that reports an error.
func (r *Request) SetHeader(name, value string) { r.header.Set(name, value) }

// SetStatus replaces the status with which the endpoint was declared.
func (r *Request) SetStatus(status int) { r.status = status }

// None is the body of a request or of an answer that has none.
type None struct{}

// Func is the shape of every endpoint.
type Func[In, Out any] func(ctx context.Context, r *Request, in In) (Out, error)

// Route says how an endpoint is reached: Status of its success, whether it is
// Open to callers without a token, and the MaxBody in bytes (64 KiB if zero).
type Route struct {
	Status  int
	Open    bool
	MaxBody int64
}

// Handle makes an http.Handler of an endpoint.
func Handle[In, Out any](s *Service, route Route, fn Func[In, Out]) http.Handler {
	return s.Raw(route.Open, func(w http.ResponseWriter, r *Request) error {
		var in In
		if err := decode(w, r.Request, route.MaxBody, &in); err != nil {
			return err
		}
		r.status = route.Status
		out, err := fn(r.Context(), r, in)
		if err != nil {
			return err
		}
		return encode(w, r.status, out)
	})
}

// Raw is Handle for an endpoint that writes its own answer, a stream for
// instance. An error that it returns must come before its first byte.
func (s *Service) Raw(open bool, fn func(w http.ResponseWriter, r *Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		hr = hr.WithContext(trace.With(hr.Context(), trace.Incoming(hr.Header)))
		r := &Request{Request: hr, ID: requestID(hr), Viewer: s.Edge.viewer(hr), header: w.Header()}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Request-Id", r.ID)
		err := s.identify(r, open)
		if err == nil {
			err = fn(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *Service) identify(r *Request, open bool) error {
	if open {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.ErrNoToken
	}
	user, err := s.Verifier.Verify(r.Context(), strings.TrimSpace(token))
	r.User = user
	return err
}

func (s *Service) fail(w http.ResponseWriter, r *Request, err error) {
	e := problem.From(err)
	if e.Kind == problem.Internal || e.Kind == problem.Unavailable {
		s.Log.ErrorContext(r.Context(), "request failed", "request_id", r.ID, "method", r.Method,
			"route", r.Pattern, "user", r.User.User, "code", e.Code, "error", err.Error())
	}
	WriteProblem(w, r.ID, e)
}

// Mux returns a ServeMux whose own answers (unknown path, wrong method) are
// problem documents too.
func (s *Service) Mux(routes map[string]http.Handler) http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.Handle(pattern, h)
	}
	unknown := s.Raw(true, func(w http.ResponseWriter, r *Request) error {
		allowed := methodsOf(mux, r.Request)
		if len(allowed) == 0 {
			return problem.New(problem.NotFound, "not_found", "There is nothing at this address.")
		}
		r.SetHeader("Allow", strings.Join(allowed, ", "))
		return problem.New(problem.NotAllowed, "method_not_allowed", "This address doesn't take that method.")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" || !clean(r) {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// clean reports whether a path is one that routes can name. Left to itself, a
// ServeMux redirects the others.
func clean(r *http.Request) bool { return path.Clean(r.URL.Path) == r.URL.Path }

func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var allowed []string
	if !clean(r) {
		return nil
	}
	for _, m := range []string{"DELETE", "GET", "PATCH", "POST", "PUT"} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, pattern := mux.Handler(probe); pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// Clock is time.Now, or a test's.
type Clock func() time.Time
