package sqlite

import "testing"

// TestDurability: nothing but a power cut tells whether a commit was flushed,
// so the test asks SQLite what it has been told to do.
func TestDurability(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} {
		var got string
		if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

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
