package sqlite

import "testing"

func TestCheckLibrary(t *testing.T) {
	for _, tt := range []struct {
		version string
		good    bool
	}{
		{"3.51.3", true},
		{"3.51.10", true},
		{"3.54.1", true},
		{"4.0.0", true},
		{"3.51.2", false},
		{"3.50.9", false},
		{"3.9.99", false},
		{"2.99.99", false},
		{"3.51", false},
		{"3.51.x", false},
		{"", false},
	} {
		if err := checkLibrary(tt.version); (err == nil) != tt.good {
			t.Errorf("SQLite %q: %v, want good %t", tt.version, err, tt.good)
		}
	}
}
