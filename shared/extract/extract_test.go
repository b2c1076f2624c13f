package extract

import (
	"os"
	"path/filepath"
	"testing"

	"parley/shared/file"
)

// scratch is a folder for what the tests of this package share.
var scratch string

func TestMain(m *testing.M) {
	pretend()
	Child()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "extract-test-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	return m.Run()
}

// read runs r over a file of that name and content.
func read(t *testing.T, r Runner, name, content string) Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := r.Run(t.Context(), path, name, "")
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestPlainText(t *testing.T) {
	res := read(t, Runner{}, "notes.txt", "one\r\ntwo\r\n")
	if res.Kind != file.Text || res.ContentType != "text/plain" || res.Lines != 2 || res.Note != nil {
		t.Fatalf("%+v", res)
	}
	if len(res.Document.Passages) != 1 || res.Document.Passages[0].Text != "one\ntwo" {
		t.Errorf("%+v", res.Document.Passages)
	}
}
