package main

import (
	"strings"
	"testing"

	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// TestAppShowSaysThatAZoneIsNotKnown: the store comes from a machine that knew it.
func TestAppShowSaysThatAZoneIsNotKnown(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddApp(t.Context(), store.App{ID: 5}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSettings(t.Context(), 5, []byte(`{"time_zone":"Mars/Olympus"}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "Mars/Olympus (not known to the server's machine: UTC is used)\n"
	if got := command(t, "app", "show", "5", "--dir", dir) + "\n"; !strings.Contains(got, want) {
		t.Errorf("it says\n%s", got)
	}
	if got := command(t, "app", "show", "5", "--dir", dir, "--json"); !strings.Contains(got, `"time_zone_unknown": true`) {
		t.Errorf("it says\n%s", got)
	}
}
