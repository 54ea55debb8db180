package server_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"rollcall.example/internal/store/sqlite"
)

// execute changes the database of a server that does not run, as no command can
// yet.
func execute(t *testing.T, dir, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s changed %d rows (%v), want 1", statement, n, err)
	}
}

func disableApp(t *testing.T, dir string) {
	t.Helper()
	execute(t, dir, `UPDATE app SET disabled = 1 WHERE id = ?`, app)
}

func disableAccount(t *testing.T, dir, user string) {
	t.Helper()
	execute(t, dir, `UPDATE account SET disabled = 1 WHERE app = ? AND user = ?`, app, user)
}
