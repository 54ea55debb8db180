package main

import (
	"database/sql"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall.example/internal/store/sqlite"
)

// TestADatabaseOfANewerProgramIsRefused: by every command that would open it, with
// both versions and what to do.
func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9099, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", "--dir", dir, "--listen", "127.0.0.1:0", "--ops=", "--admin="},
		{"app", "list", "--dir", dir},
		{"check", "--dir", dir},
		{"backup", "--dir", dir, filepath.Join(t.TempDir(), "backup.db")},
	} {
		cmd := exec.Command("rollcall", args...)
		cmd.Env = clean()
		out, err := cmd.CombinedOutput()
		exit, ended := errors.AsType[*exec.ExitError](err)
		if !ended || exit.ExitCode() != 1 || !strings.Contains(string(out), "version 9099, this program knows up to 6: run the newer program") {
			t.Errorf("rollcall %s on a newer database ended with %v and said %s", args[0], err, out)
		}
	}
}
