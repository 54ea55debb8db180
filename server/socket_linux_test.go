package server_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"rollcall.example/server"
)

// TestTheAdminSocketIsNeverOpenToOthers: not even before anybody could change its mode.
func TestTheAdminSocketIsNeverOpenToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	lc := net.ListenConfig{Control: server.OwnersOnly}
	l, err := lc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^0o600 != 0 {
		t.Errorf("just made it has mode %v, %v; want 0600", info.Mode(), err)
	}
}
