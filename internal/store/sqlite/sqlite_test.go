package sqlite_test

import (
	"context"
	"testing"

	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() storetest.Engine {
		t.Helper()
		dir := t.TempDir()
		return func() storetest.Engine { return open(t, dir, sqlite.Options{}) }
	})
}

// open opens a store that must open.
func open(t *testing.T, dir string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.WithoutCancel(t.Context()), dir, o) // which a bubble may not share
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t testing.TB, s *sqlite.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
