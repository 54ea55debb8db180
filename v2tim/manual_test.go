package v2tim_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheManualsProgram: what the example runs is what docs/client.md shows.
func TestTheManualsProgram(t *testing.T) {
	page, err := os.ReadFile("../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	run, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, found := strings.Cut(string(page), "```go\nsdk := ")
	shown, _, _ = strings.Cut("sdk := "+shown, "```")
	if !found {
		t.Fatal("docs/client.md has no program that begins with sdk :=")
	}
	indented := "\t" + strings.ReplaceAll(strings.TrimSuffix(shown, "\n"), "\n", "\n\t") + "\n"
	if !strings.Contains(string(run), indented) {
		t.Errorf("example_test.go does not run the program of docs/client.md:\n%s", indented)
	}
}
