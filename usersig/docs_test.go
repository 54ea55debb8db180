package usersig_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/usersig"
)

// TestTheProgramsInTheDocument runs each program of docs/usersig.md and checks
// the tickets that it makes. Node's needs what vendorPackage needs. The others
// run where their language is installed; a variable that is set makes its
// absence a failure.
func TestTheProgramsInTheDocument(t *testing.T) {
	text := string(must(os.ReadFile("../docs/usersig.md")))
	for _, p := range []struct{ language, file, demand, command string }{
		{"go", "main.go", "ROLLCALL_TEST_GO", "go run"},
		{"js", "usersig.js", "ROLLCALL_TEST_NODE", "node"},
		{"python", "usersig.py", "ROLLCALL_TEST_PYTHON", "python3"},
		{"php", "usersig.php", "ROLLCALL_TEST_PHP", "php"},
		{"java", "UserSig.java", "ROLLCALL_TEST_JAVA", "java"},
	} {
		t.Run(p.language, func(t *testing.T) {
			command := strings.Fields(p.command)
			if _, err := exec.LookPath(command[0]); err != nil && os.Getenv(p.demand) == "" {
				t.Skipf("%s is not installed: install it, or set %s=1 to demand it", command[0], p.demand)
			}
			dir := t.TempDir()
			if p.language == "js" {
				dir = vendorPackage(t)
			}
			program := filepath.Join(dir, p.file)
			if err := os.WriteFile(program, []byte(fenced(t, text, p.language)), 0o600); err != nil {
				t.Fatal(err)
			}
			tryProgram(t, append(command, program))
		})
	}
}

// tryProgram has a program sign for accounts and keys of several kinds.
func tryProgram(t *testing.T, command []string) {
	t.Helper()
	for _, tt := range []struct {
		app       rollcall.AppID
		key, user string
	}{
		{1400000000, "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e", "alice"},
		{4294967295, "клю́ч-鍵", "A-z_09abcdefghijklmnopqrstuvwxyz"},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], fmt.Sprint(tt.app), tt.user)...)
		cmd.Env = append(cmd.Environ(), "ROLLCALL_KEY="+tt.key, "LC_ALL=C.UTF-8")
		ticket := strings.TrimSpace(string(run(t, cmd)))
		got, err := usersig.Verify(ticket, tt.app, tt.user, []string{tt.key}, time.Now())
		if err != nil || got.Expire != 86400 {
			t.Errorf("%s in %d: %q, good for %d s: %v", tt.user, tt.app, ticket, got.Expire, err)
		}
	}
}

// fenced returns the one program of a language in a Markdown text.
func fenced(t *testing.T, text, language string) string {
	t.Helper()
	parts := strings.Split(text, "\n```"+language+"\n")
	if len(parts) != 2 {
		t.Fatalf("%d programs in %s, want 1", len(parts)-1, language)
	}
	program, _, closed := strings.Cut(parts[1], "\n```\n")
	if !closed {
		t.Fatalf("the program in %s does not end", language)
	}
	return program + "\n"
}
