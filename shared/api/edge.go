package api

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"

	"parley/shared/problem"
)

// Headers by which the edge vouches for a request and says who sent it.
const (
	EdgeSecretHeader = "X-Edge-Secret"
	ViewerHeader     = "Cloudfront-Viewer-Address" // address:port
)

// Edge is what stands before a process and proves itself by a secret in a header.
// Two of them count, so that one can be changed while requests go on: first the
// process gets the new one as Secret and the old one as Before, then the edge says
// the new one, and then Before is taken away.
type Edge struct {
	Secret string `env:"EDGE_SECRET"` // empty, and Before as well: there is no edge
	Before string `env:"EDGE_SECRET_BEFORE"`
}

var errPastTheEdge = problem.New(problem.Forbidden, "edge_required", "This address is not for the public.")

// there reports whether there is an edge.
func (e Edge) there() bool { return e.Secret != "" || e.Before != "" }

// vouches reports whether a request came through the edge, in a time that doesn't
// tell how much of a secret was right.
func (e Edge) vouches(r *http.Request) bool {
	given, right := []byte(r.Header.Get(EdgeSecretHeader)), 0
	for _, secret := range []string{e.Secret, e.Before} {
		if secret != "" {
			right |= subtle.ConstantTimeCompare(given, []byte(secret))
		}
	}
	return right == 1
}

// viewer is the client's address: the edge's word if it vouches for the request,
// else the connection's.
func (e Edge) viewer(r *http.Request) string {
	peer := r.RemoteAddr
	if v := r.Header.Get(ViewerHeader); v != "" && e.vouches(r) {
		peer = v
	}
	at := strings.LastIndexByte(peer, ':')
	if at < 0 {
		return ""
	}
	ip, err := netip.ParseAddr(strings.Trim(peer[:at], "[]"))
	if err != nil {
		return ""
	}
	return ip.Unmap().String()
}

// keysPath is answered to anybody. The keys are public, to refuse would cost as much,
// and the edge's health checks, which can't say the secret, see by it whether a
// region's API is well.
const keysPath = "/.well-known/jwks.json"

// edgeOnly refuses what comes past the edge, if there is one, before anything of it
// is looked at.
func (s *Service) edgeOnly(h http.Handler) http.Handler {
	if !s.Edge.there() {
		return h
	}
	refuse := s.Raw(true, func(http.ResponseWriter, *Request) error { return errPastTheEdge })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != keysPath && !s.Edge.vouches(r) {
			refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
