package main

import "testing"

// TestWhatIsPrintedSaysWhereToTypeIt: what is found in one directory alone.
func TestWhatIsPrintedSaysWhereToTypeIt(t *testing.T) {
	for typed, want := range map[string]string{
		"rollcall":              "",
		"/opt/bin/rollcall":     "",
		"./rollcall":            " in /srv/clone",
		"go run ./cmd/rollcall": " in /srv/clone",
	} {
		if got := placeFor(typed, "/srv/clone"); got != want {
			t.Errorf("%q is to be typed %q, want %q", typed, got, want)
		}
	}
}
