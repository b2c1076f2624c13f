package file

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCleanName(t *testing.T) {
	long := strings.Repeat("é", 200)
	for sent, want := range map[string]string{
		"report.pdf":                          "report.pdf",
		"../../etc/passwd":                    "passwd",
		`C:\Users\ada\report.pdf`:             "report.pdf",
		"photo\u202egnp.exe":                  "photognp.exe",
		"a\u2066b\u2069c\u200ed.txt":          "abcd.txt",
		"two\r\nlines\x00\x7f.txt":            "twolines.txt",
		"e\u0301te\u0301.txt":                 "été.txt",
		"  spaces\u00a0and\u3000more.txt .. ": "spaces and more.txt",
		"":                                    "file",
		"..":                                  "file",
		"/":                                   "file",
		"\u202e\u200f":                        "file",
		".gitignore":                          ".gitignore",
		"bad\xffbyte":                         "bad\uFFFDbyte",
		"👩\u200d🚀.png":                        "👩\u200d🚀.png",
		"نمی\u200cدانم.txt":                   "نمی\u200cدانم.txt",
		long + ".tar":                         strings.Repeat("é", 125) + ".tar",
		long:                                  strings.Repeat("é", 127),
		"x." + strings.Repeat("y", 300):       "x." + strings.Repeat("y", 253),
		strings.Repeat("x", 4096) + ".pdf":    strings.Repeat("x", 251) + ".pdf",
	} {
		if got := CleanName(sent); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", sent, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{"report.pdf", "../a\\b", "\u202eexe.gpj", "e\u0301", "\xff\x00", " . ", strings.Repeat("\u0958", 99) + ".ظ", "a\u200d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		name := CleanName(sent)
		if name == "" || len(name) > MaxName || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) {
			t.Errorf("%q has %d bytes, or isn't NFC", name, len(name))
		}
		if strings.ContainsAny(name, "/\\\r\n\x00") || strings.ContainsFunc(name, unicode.IsControl) || unicode.In(rune(name[0]), unicode.Zs) {
			t.Errorf("%q holds what no name may", name)
		}
		for _, r := range name {
			if unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
				t.Errorf("%q holds %U", name, r)
			}
		}
		if again := CleanName(name); again != name {
			t.Errorf("%q is cleaned to %q", name, again)
		}
	})
}
