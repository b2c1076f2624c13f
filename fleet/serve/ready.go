package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Check is one thing that has to work before a relay may be sent work.
type Check struct {
	Name string
	Ask  func(ctx context.Context) error
}

// Ready answers 200 if every check passes within two seconds, else 503 with the
// names of those that don't. Why they don't is logged.
func Ready(log *slog.Logger, checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		errs := make([]error, len(checks))
		var asked sync.WaitGroup
		for i, c := range checks {
			asked.Go(func() { errs[i] = c.Ask(ctx) })
		}
		asked.Wait()
		var bad []string
		for i, err := range errs {
			if err != nil {
				bad = append(bad, checks[i].Name)
				log.Warn("not ready", "check", checks[i].Name, "error", err.Error())
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if len(bad) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, "not ready:", strings.Join(bad, ", ")) // who asks has gone
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
}

// Answers is a check that a GET of url brings 200. The header is names, each with
// its value behind it.
func Answers(name, url string, header ...string) Check {
	return Check{name, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask %s: %w", name, err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("ask %s: %w", name, err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", name, resp.Status)
		}
		return nil
	}}
}
