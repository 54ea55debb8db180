package imcode_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rollcall.example/imcode"
)

func TestTableIsSortedAndWhole(t *testing.T) {
	elsewhere := regexp.MustCompile(`\bas (-?\d+)`) // "as 6208": what to do stands there
	last := -1 << 31
	for e := range imcode.All() {
		n := int(e.Code)
		if n <= last {
			t.Errorf("%d stands after %d", n, last)
		}
		last = n
		if e.Meaning == "" || e.Advice == "" {
			t.Errorf("%d: meaning %q, advice %q", n, e.Meaning, e.Advice)
		}
		if found, ok := imcode.Lookup(n); !ok || found != e {
			t.Errorf("Lookup(%d) = %+v, %t", n, found, ok)
		}
		if m := elsewhere.FindStringSubmatch(e.Advice); m != nil {
			other, _ := strconv.Atoi(m[1])
			if found, ok := imcode.Lookup(other); !ok || found.By == imcode.Nobody {
				t.Errorf("%d sends the reader to %d, which Rollcall does not make", n, other)
			}
		}
	}
}

// testdata/symbols.txt is written apart from the table, so that a slip in one shows.
func TestSymbolsAreTheVendors(t *testing.T) {
	text, err := os.ReadFile("testdata/symbols.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[int]string)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var n int
		var symbol string
		if _, err := fmt.Sscan(line, &n, &symbol); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want[n] = strings.TrimPrefix(symbol, "-")
	}
	for e := range imcode.All() {
		symbol, ok := want[int(e.Code)]
		if !ok || e.Symbol != symbol {
			t.Errorf("%d is %q in the table, the vendor has %q", e.Code, e.Symbol, symbol)
		}
		delete(want, int(e.Code))
	}
	for n, symbol := range want {
		t.Errorf("%d %s is not in the table", n, symbol)
	}
}

func TestEveryCodeThatRollcallMakesHasItsConstant(t *testing.T) {
	meanings := constants(t)
	for e := range imcode.All() {
		meaning, ok := meanings[int(e.Code)]
		delete(meanings, int(e.Code))
		made := e.By&(imcode.BySDK|imcode.ByServer) != 0
		switch {
		case made && !ok:
			t.Errorf("%d is made by %v and has no constant", e.Code, e.By)
		case !made && ok:
			t.Errorf("%d has a constant and is made by %v", e.Code, e.By)
		case ok && e.Code != imcode.OK && meaning != e.Meaning:
			t.Errorf("%d: the constant says %q, the table %q", e.Code, meaning, e.Meaning)
		}
	}
	for n := range meanings {
		t.Errorf("the constant %d is not in the table", n)
	}
}

// constants returns the comment of each constant in codes.go.
func constants(t *testing.T) map[int]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int]string)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			code, err := strconv.Atoi(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := found[code]; twice {
				t.Errorf("%d has two constants", code)
			}
			found[code] = strings.TrimSpace(spec.Comment.Text())
		}
		return false
	})
	return found
}
