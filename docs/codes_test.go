package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"parley/docs"
)

// unseen are codes that no client of the public address ever gets: of an API that is
// asked past its edge, of messages that a queue consumer
// can't read, of a worker whose attempt was superseded, of files that are processed, of
// an index that a search goes on without and of its building, and of operators' tools.
var unseen = []string{"edge_required", "bad_prompt", "bad_arrival", "stale_attempt", "stale_file", "scan_pending", "scanner_failed",
	"bytes_missing", "bad_hash", "later_text", "index_corrupt", "index_overtaken", "no_files", "row_changed", "limits_invalid", "plan_invalid"}

// TestCodes: every code that the program can answer with is documented, and every
// documented one exists.
func TestCodes(t *testing.T) {
	documented, used := codesOfDocument(t), codesOfProgram(t)
	if len(used) < 30 {
		t.Fatalf("found only %d codes in the program: %v", len(used), slices.Sorted(maps.Keys(used)))
	}
	for _, code := range slices.Sorted(maps.Keys(used)) {
		if !documented[code] && !slices.Contains(unseen, code) {
			t.Errorf("%s (%s) is not in docs/openapi.yaml", code, used[code])
		}
	}
	for _, code := range slices.Sorted(maps.Keys(documented)) {
		if used[code] == "" {
			t.Errorf("%s is in docs/openapi.yaml, but nothing answers with it", code)
		}
	}
}

// codesOfDocument gathers the values of every property that is named code.
func codesOfDocument(t *testing.T) map[string]bool {
	t.Helper()
	var root any
	if err := yaml.Unmarshal(docs.OpenAPI, &root); err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	var walk func(any)
	walk = func(node any) {
		switch n := node.(type) {
		case []any:
			for _, v := range n {
				walk(v)
			}
		case map[string]any:
			if code, ok := n["code"].(map[string]any); ok {
				if one, ok := code["const"].(string); ok {
					codes[one] = true
				}
				several, _ := code["enum"].([]any)
				for _, v := range several {
					codes[v.(string)] = true
				}
			}
			for _, v := range n {
				walk(v)
			}
		}
	}
	walk(root)
	return codes
}

// notes is where the codes of files' notes are constants.
const notes = "../shared/extract/child"

// codesOfProgram finds the codes in the source, each with the place where it stands.
func codesOfProgram(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	set := token.NewFileSet()
	for _, dir := range []string{"../shared", "../fleet", "../functions"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				code := codeIn(n)
				if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(path, notes) && spec.Names[0].IsExported() && len(spec.Values) == 1 {
					code = word(spec.Values[0])
				}
				if code != "" {
					codes[code] = set.Position(n.Pos()).String()
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return codes
}

// codeIn returns the code that a node spells: an argument of problem.New or of a
// Check's That, the field or variable code, or the first value of a Failure.
func codeIn(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch called(n) {
		case "New":
			if from, ok := n.Fun.(*ast.SelectorExpr).X.(*ast.Ident); ok && from.Name == "problem" && len(n.Args) == 3 {
				return word(n.Args[1])
			}
		case "That":
			if len(n.Args) == 4 {
				return word(n.Args[2])
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			return word(n.Value)
		}
	case *ast.AssignStmt:
		switch to := n.Lhs[0].(type) {
		case *ast.SelectorExpr:
			if to.Sel.Name == "Code" {
				return word(n.Rhs[0])
			}
		case *ast.Ident:
			if to.Name == "code" {
				return word(n.Rhs[0])
			}
		}
	case *ast.CompositeLit:
		if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "Failure" && len(n.Elts) == 2 {
			return word(n.Elts[0])
		}
	}
	return ""
}

func called(c *ast.CallExpr) string {
	if f, ok := c.Fun.(*ast.SelectorExpr); ok {
		return f.Sel.Name
	}
	return ""
}

// word returns the value of a string literal in snake case.
func word(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return s
}
