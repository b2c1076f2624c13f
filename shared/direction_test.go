// Package shared_test keeps the direction of dependencies: the domain knows
// neither AWS nor HTTP, adapters know the domain but not each other, and only
// main packages know everything.
package shared_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var (
	domain   = []string{"problem", "id", "quota", "file", "picture", "chat", "auth", "account", "model", "usage", "bill", "backlog", "region", "words", "passage", "ingest", "search", "segment"}
	adapters = []string{"store", "queue", "object", "shelf", "finance", "mail", "kms", "api"}
	// edges are HTTP's side of the domain: they may use api, and no other adapter.
	edges = []string{"chatapi", "accountapi", "fileapi", "searchapi"}
)

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "parley/shared/"+pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", pkg, out)
	}
	return strings.Fields(string(out))
}

func TestTheDomainKnowsNeitherAWSNorHTTP(t *testing.T) {
	for _, pkg := range domain {
		for _, d := range deps(t, pkg) {
			if d == "net/http" || strings.HasPrefix(d, "github.com/aws/") {
				t.Errorf("shared/%s depends on %s", pkg, d)
			}
		}
	}
}

func TestAdaptersDoNotKnowEachOther(t *testing.T) {
	for _, pkg := range slices.Concat(domain, adapters, edges) {
		for _, d := range deps(t, pkg) {
			other, ours := strings.CutPrefix(d, "parley/shared/")
			isAdapter := slices.Contains(adapters, other) || slices.Contains(edges, other)
			if !ours || !isAdapter || other == pkg || other == "api" && slices.Contains(edges, pkg) {
				continue
			}
			t.Errorf("shared/%s depends on shared/%s", pkg, other)
		}
	}
}

// What reads files is as large as all other functions together, and is attacked.
func TestOnlyOneProgramReadsFiles(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}: {{join .Deps " "}}`, "parley/functions/...", "parley/fleet/...").CombinedOutput()
	if err != nil {
		t.Fatalf("%s", out)
	}
	readers := 0
	for line := range strings.Lines(string(out)) {
		program, deps, _ := strings.Cut(line, ":")
		if !slices.Contains(strings.Fields(deps), "parley/shared/extract") {
			continue
		}
		if readers++; program != "parley/functions/process-upload" {
			t.Errorf("%s depends on shared/extract", program)
		}
	}
	if readers == 0 {
		t.Error("nothing reads files")
	}
}
