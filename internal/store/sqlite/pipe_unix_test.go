//go:build unix

package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall.example/internal/store/sqlite"
)

// A pipe that somebody has put where the backup would lie is refused, and not waited for.
func TestABackupDoesNotWaitForAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.db")
	if err := syscall.Mkfifo(path+".part", 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := sqlite.Backup(t.Context(), path, true, nil, silent)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "b.db.part is in the way") {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		f, err := syscall.Open(path+".part", syscall.O_WRONLY|syscall.O_NONBLOCK, 0) // let it go
		t.Fatal("the backup waits for the pipe", errors.Join(err, syscall.Close(f)), <-done)
	}
}
