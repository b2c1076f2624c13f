package serve

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// policy lets the page load nothing but its own files, and call nothing but its own
// origin and those where files are. Pictures of files come as blobs. Inline styles
// are needed by nothing, so they are out, too.
const policy = "default-src 'self'; connect-src 'self'%s; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; " +
	"frame-ancestors 'none'; form-action 'self'"

// policyFor returns the policy with those origins.
func policyFor(files []string) (string, error) {
	var sources strings.Builder
	for _, origin := range files {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(u.Host, ";,'*@") {
			return "", fmt.Errorf("%q is no origin", origin)
		}
		sources.WriteString(" " + origin)
	}
	return fmt.Sprintf(policy, sources.String()), nil
}

// Page serves the files of dir, index.html for folders, and lists none. The page
// may send users' files to, and get them from, the origins of files.
func Page(dir string, files ...string) (http.Handler, error) {
	policy, err := policyFor(files)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the page's folder: %w", err)
	}
	pages := root.FS()
	server := http.FileServerFS(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-cache") // a client may keep it, but asks whether it is still good
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case !shown(pages, r.URL.Path):
			http.NotFound(w, r)
		default:
			server.ServeHTTP(w, r)
		}
	}), nil
}

// shown reports whether there is something for the page at that path: a file, or
// a folder with an index. Names that begin with a dot, tests and templates are
// nobody's business.
func shown(files fs.FS, at string) bool {
	name := strings.TrimPrefix(path.Clean("/"+at), "/")
	if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || strings.HasPrefix(name, "test") || name == "package.json" ||
		strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".go") {
		return false
	}
	if name == "" {
		name = "."
	}
	info, err := fs.Stat(files, name)
	if err != nil {
		return false
	}
	if info.IsDir() {
		info, err = fs.Stat(files, path.Join(name, "index.html"))
	}
	return err == nil && info.Mode().IsRegular()
}
