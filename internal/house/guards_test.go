package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhoStartsGoroutinesLooksForLeaks: a package with tests whose code starts
// goroutines fails its tests when one is left over.
func TestWhoStartsGoroutinesLooksForLeaks(t *testing.T) {
	starts := map[string]string{}
	for _, file := range sources(t) {
		src, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		if line := goroutine(t, file, src); line != "" {
			starts[filepath.Dir(file)] = line
		}
	}
	if len(starts) < 5 {
		t.Errorf("only %d packages start goroutines: the search has gone blind", len(starts))
	}
	for dir, line := range starts {
		tests, err := filepath.Glob(filepath.Join("..", "..", dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		looks := len(tests) == 0 // it lives in the tests of others
		for _, file := range tests {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			looks = looks || strings.Contains(string(src), "goleak.")
		}
		if !looks {
			t.Errorf("%s starts a goroutine: have TestMain of the package look for leaks with goleak", line)
		}
	}
}

// goroutine is where a file starts one, as far as its source tells; or nothing.
func goroutine(t *testing.T, file string, src []byte) (at string) {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok {
			s, selects := call.Fun.(*ast.SelectorExpr)
			ok = selects && s.Sel.Name == "Go"
		}
		if _, starts := n.(*ast.GoStmt); starts || ok {
			at = fset.Position(n.Pos()).String()
		}
		return true
	})
	return at
}

var (
	named = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`")
	begun = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)\(`)
)

// TestTheProofsInTheManualAreThere: a test that a page names as its proof exists.
func TestTheProofsInTheManualAreThere(t *testing.T) {
	there := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range begun.FindAllSubmatch(src, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, filepath.Join(root, "SECURITY.md"), filepath.Join(root, "ARCHITECTURE.md"))
	proofs := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			if proofs++; !there[string(m[1])] {
				t.Errorf("%s names %s, which is no test", filepath.Base(page), m[1])
			}
		}
	}
	if proofs < 20 {
		t.Errorf("the pages name %d tests: docs/security.md has more", proofs)
	}
}
