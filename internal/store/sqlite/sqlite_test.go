package sqlite_test

import (
	"testing"

	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() storetest.Engine {
		dir := t.TempDir()
		return func() storetest.Engine { return open(t, dir, sqlite.Options{}) }
	})
}

// open opens a store that must open.
func open(t *testing.T, dir string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
