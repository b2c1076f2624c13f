package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

// TestNamedTestsExist holds docs/reliability.md to the code: each guarantee names
// tests by their folder, and they are there.
func TestNamedTestsExist(t *testing.T) {
	page, err := os.ReadFile("reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		folder := strings.Trim(cells[2], " `")
		for _, name := range namedTest.FindAllStringSubmatch(cells[3], -1) {
			if n++; !hasTest(t, folder, name[1]) {
				t.Errorf("%s has no %s", folder, name[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d tests are named", n)
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
