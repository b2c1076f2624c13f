package file

import (
	"mime"
	"strings"
	"testing"
)

func TestDisposition(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf":     `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`,
		`a"b\c;d%e/f`:    `attachment; filename="a_b_c_d_e_f"; filename*=UTF-8''a%22b%5Cc%3Bd%25e%2Ff`,
		"Größe ½.txt":    `attachment; filename="Gr__e _.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%C2%BD.txt`,
		"x\r\nX-Evil: 1": `attachment; filename="x__X-Evil: 1"; filename*=UTF-8''x%0D%0AX-Evil%3A%201`,
		"it's (1)*.txt":  `attachment; filename="it's (1)*.txt"; filename*=UTF-8''it%27s%20%281%29%2A.txt`,
	} {
		if got := disposition(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// FuzzDisposition reads what a browser would, of any name at all.
func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{"report.pdf", `"; filename="evil.exe`, "x\r\nSet-Cookie: a=b", "Größe", "%00%22", "\xff", "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		name := strings.ToValidUTF8(sent, "\uFFFD")
		d := disposition(name)
		if strings.ContainsFunc(d, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q isn't plain ASCII", d)
		}
		plain, exact, two := strings.Cut(d, `; filename*=UTF-8''`)
		if !two || strings.Count(plain, `"`) != 2 || strings.ContainsAny(exact, `"; `) {
			t.Fatalf("%q has other than two names", d)
		}
		how, params, err := mime.ParseMediaType("attachment; filename*=UTF-8''" + exact)
		if err != nil || how != "attachment" || len(params) > 1 || params["filename"] != name {
			t.Errorf("%q is read as %q, %v", d, params, err)
		}
		if _, params, err = mime.ParseMediaType(plain); err != nil || len(params) != 1 {
			t.Errorf("%q is read as %q, %v", plain, params, err)
		}
	})
}

func TestMediaType(t *testing.T) {
	for sent, want := range map[string]string{
		"text/plain":                    "text/plain",
		"Text/HTML; charset=utf-8":      "text/html",
		"application/vnd.x+json":        "application/vnd.x+json",
		"chemical/x-pdb":                "chemical/x-pdb",
		"":                              "",
		"text":                          "",
		"text/":                         "",
		"/plain":                        "",
		"text/plain/more":               "",
		"text/plain; charset":           "",
		"text/pl ain":                   "",
		"text/plain\r\nX: y":            "",
		"a/" + strings.Repeat("x", 255): "",
	} {
		got, ok := mediaType(sent)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", sent, got, ok, want)
		}
	}
}

func FuzzMediaType(f *testing.F) {
	f.Add("text/plain; charset=utf-8")
	f.Add("a/b; c*=utf-8''%00")
	f.Fuzz(func(t *testing.T, sent string) {
		media, ok := mediaType(sent)
		if !ok {
			return
		}
		again, fine := mediaType(media)
		if !fine || again != media || strings.Count(media, "/") != 1 || len(media) > maxMedia || strings.ContainsFunc(media, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is taken as %q, which is taken as %q, %v", sent, media, again, fine)
		}
	})
}

// TestNoScriptIsShown lists what browsers open as part of the site that it comes
// from.
func TestNoScriptIsShown(t *testing.T) {
	for _, media := range []string{"text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/javascript", "application/xml", "text/plain", "", "IMAGE/PNG"} {
		if got := deliveredAs(media); got != "application/octet-stream" {
			t.Errorf("%q is delivered as %q", media, got)
		}
	}
}
