package gameday

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Network is what calls of AWS go over.
type Network struct {
	mu      sync.Mutex
	regions map[string]*area
	first   string // whose KMS has the key of all
	key     string // its id
	names   map[string]string
}

// Name has a table called as in the region that it is copied from: a global table has
// one name, and where each region's stack makes a table of its own it has two.
func (n *Network) Name(table, as string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil {
		n.names = map[string]string{}
	}
	n.names[table] = as
}

// abroad names the tables of a call that goes to another region as they are called there.
func (n *Network) abroad(r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	n.mu.Lock()
	for table, as := range n.names {
		body = bytes.ReplaceAll(body, []byte(`"`+table+`"`), []byte(`"`+as+`"`))
	}
	n.mu.Unlock()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// area is a region as the network knows it.
type area struct {
	at   *url.URL
	up   context.Context // ends when it is cut off
	down context.CancelFunc
}

// Join adds a region whose AWS is at base. The first one's KMS speaks for all.
func (n *Network) Join(region, base string) error {
	at, err := url.Parse(base)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.regions == nil {
		n.regions, n.first = map[string]*area{}, region
	}
	n.regions[region] = &area{at: at}
	n.regions[region].up, n.regions[region].down = context.WithCancel(context.Background())
	return nil
}

// Cut ends all calls from and to a region, and refuses more.
func (n *Network) Cut(region string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.regions[region].down()
}

// Heal ends a Cut.
func (n *Network) Heal(region string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.regions[region].up, n.regions[region].down = context.WithCancel(context.Background())
}

func (n *Network) area(region string) area {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.regions[region]; a != nil {
		return *a
	}
	return area{}
}

// scope is what a signature is for: …/20261127/us-east-1/dynamodb/aws4_request.
var scope = regexp.MustCompile(`/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// From serves the endpoint of everything that runs in a region.
func (n *Network) From(region string) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			to, _ := r.In.Context().Value(target{}).(*url.URL)
			r.SetURL(to)
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, service := region, ""
		if m := scope.FindStringSubmatch(r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential")); m != nil {
			to, service = m[1], m[2]
		}
		from, there := n.area(region), n.area(to)
		if there.at == nil || from.up.Err() != nil || there.up.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), target{}, there.at))
		defer cancel()
		defer context.AfterFunc(from.up, cancel)()
		defer context.AfterFunc(there.up, cancel)()
		r = r.WithContext(ctx)
		switch {
		case service == "kms":
			n.share(region, r)
		case service == "dynamodb" && to != region:
			n.abroad(r)
		}
		proxy.ServeHTTP(w, r)
	})
}

type target struct{}

// share makes one key of all regions' keys: a multi-Region key has the same id and
// material in each of them. Its material is in the first region's KMS, and outlives
// that region.
func (n *Network) share(region string, r *http.Request) {
	var call map[string]any
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &call) != nil {
		panic(http.ErrAbortHandler)
	}
	n.mu.Lock()
	if id, ok := call["KeyId"].(string); ok && region == n.first {
		n.key = id
	} else if ok {
		call["KeyId"] = n.key
	}
	first, at := n.first, n.regions[n.first].at
	n.mu.Unlock()
	if body, err = json.Marshal(call); err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/"+region+"/kms/", "/"+first+"/kms/", 1))
	*r = *r.WithContext(context.WithValue(r.Context(), target{}, at))
}
