package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"rollcall.example/internal/config"
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

// TestTheVariablesOfTheCommandsAreNoMistakes: a server starts in the shell in which
// they are set.
func TestTheVariablesOfTheCommandsAreNoMistakes(t *testing.T) {
	given := []string{"ROLLCALL_MASTER_KEY=x", "ROLLCALL_ADMIN_TOKEN=x"}
	for _, leaf := range kong.Must(new(commands), kong.Name("rollcall")).Model.Leaves(true) {
		for _, flag := range leaf.Flags {
			for _, name := range flag.Envs {
				given = append(given, name+"=x")
			}
		}
	}
	if len(given) < 10 {
		t.Fatalf("there are only %q", given)
	}
	if err := config.Unknown(given); err != nil {
		t.Error(err)
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
