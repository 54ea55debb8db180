//go:build !unix

package sqlite_test

import (
	"path/filepath"
	"testing"

	"rollcall.example/internal/store/sqlite"
)

// noRoom leaves no room for the copy: this system knows no limit for files.
func noRoom(t *testing.T, dir string) {
	t.Helper()
	blocked(t, filepath.Join(dir, sqlite.File+".part"))
}

func room(t *testing.T) { t.Helper() }
