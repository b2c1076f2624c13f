package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"parley/shared/api"
	"parley/shared/id"
	"parley/shared/problem"
)

var errAPIAway = problem.New(problem.Unavailable, "api_unavailable", "The service is not available; please try again in a moment.")

// ToAPIAt passes requests on to the API at base as the edge does: with the secret
// that proves it, and with the client's address.
func ToAPIAt(base, secret string, log *slog.Logger) (http.Handler, error) {
	target, err := url.Parse(base)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("the API's address %q is no http URL", base)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			TLSHandshakeTimeout:   2 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			MaxIdleConnsPerHost:   32,
			IdleConnTimeout:       20 * time.Second,
		},
		Rewrite:  func(r *httputil.ProxyRequest) { rewrite(r, target, secret) },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			refuse(w, r, err, log)
		},
	}
	return proxy, nil
}

func rewrite(r *httputil.ProxyRequest, target *url.URL, secret string) {
	r.SetURL(target)
	h := r.Out.Header
	// What only the edge may say is never taken from a client.
	for _, name := range []string{api.EdgeSecretHeader, api.ViewerHeader, "X-Parley-Request-Id", "X-Real-Ip"} {
		h.Del(name)
	}
	if secret != "" {
		h.Set(api.EdgeSecretHeader, secret)
	}
	h.Set(api.ViewerHeader, r.In.RemoteAddr)
}

func refuse(w http.ResponseWriter, r *http.Request, err error, log *slog.Logger) {
	e, request := errAPIAway.Because(err), id.New(time.Now())
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e = api.ErrTooLarge
	}
	if !errors.Is(err, context.Canceled) {
		log.Warn("the API didn't answer", "request_id", request, "method", r.Method, "path", r.URL.Path, "error", err.Error())
	}
	w.Header().Set("Cache-Control", "no-store")
	api.WriteProblem(w, request, e)
}
