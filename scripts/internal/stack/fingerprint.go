package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"parley/scripts/internal/runtimeapi"
)

// fingerprint is a hash over all that a deployment depends on: sources of the
// functions, templates, modules, tools, parameters.
func (s *Stack) fingerprint() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtimeapi.BuildEnv, s.parameters())
	err := filepath.WalkDir(s.opts.Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.opts.Root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && !mayMatter(rel):
			return filepath.SkipDir
		case d.Type().IsRegular() && matters(rel):
			return hashFile(sum, path, rel)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint of the sources: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// mayMatter leaves out hidden folders and what other languages install.
func mayMatter(dir string) bool {
	name := filepath.Base(dir)
	return dir == "." || !strings.HasPrefix(name, ".") && name != "node_modules" && name != "web" && name != "docs"
}

// matters tells whether a deployment reads the file with this relative path.
func matters(path string) bool {
	path = filepath.ToSlash(path)
	name := filepath.Base(path)
	switch {
	case strings.HasSuffix(name, "_test.go"), strings.Contains("/"+path, "/testdata/"):
		return false
	case name == "go.mod", name == "go.sum", name == "samconfig.toml":
		return true
	case strings.HasPrefix(path, "scripts/requirements/"):
		return true
	case strings.HasPrefix(path, "functions/"), strings.HasPrefix(path, "shared/"):
		return true
	}
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func hashFile(sum hash.Hash, path, rel string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	content := sha256.New()
	if _, err := io.Copy(content, f); err != nil {
		return err
	}
	fmt.Fprintf(sum, "%s %x\n", filepath.ToSlash(rel), content.Sum(nil))
	return nil
}
