package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestTheManualHasEveryCommand holds docs/cli.md against the commands there are.
func TestTheManualHasEveryCommand(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, leaf := range kong.Must(new(commands), kong.Name("rollcall")).Model.Leaves(true) {
		words := []string{}
		for node := leaf; node != nil && node.Type != kong.ApplicationNode; node = node.Parent {
			words = append([]string{node.Name}, words...)
		}
		path := "rollcall " + strings.Join(words, " ")
		there[path] = true
		if !regexp.MustCompile("`" + path + "[ `]").Match(text) {
			t.Errorf("docs/cli.md does not have `%s`", path)
		}
		if leaf.Help == "" {
			t.Errorf("%s has no help", path)
		}
	}
	for _, found := range regexp.MustCompile(`(?m)^\| .*`).FindAllString(string(text), -1) {
		for _, quoted := range regexp.MustCompile("`(rollcall [a-z ]*[a-z])").FindAllStringSubmatch(found, -1) {
			if !there[quoted[1]] {
				t.Errorf("docs/cli.md has `%s`, which is no command", quoted[1])
			}
		}
	}
}

// TestNoPageShowsASecretInACommandLine: others on the machine can list those.
func TestNoPageShowsASecretInACommandLine(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	shown := regexp.MustCompile(`--(usersig|key)[ =]["$A-Za-z0-9][^\n]*`)
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range shown.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", page, line)
		}
	}
	for _, leaf := range kong.Must(new(commands), kong.Name("rollcall")).Model.Leaves(true) {
		for _, line := range shown.FindAllString(leaf.Detail, -1) {
			t.Errorf("help of %s: %s", leaf.Name, line)
		}
	}
}
