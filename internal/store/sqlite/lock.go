package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockFile holds the lock on a data directory, and the process id of its holder.
const lockFile = "lock"

// Owns tells whether the file of this name in a data directory is the store's, or was:
// the database, what belongs to it, those that are kept beside it, and the lock.
func Owns(name string) bool {
	kept, beside := strings.CutPrefix(name, File)
	return name == lockFile || name == Staging || beside && (kept == "" || kept[0] == '-' ||
		strings.HasPrefix(kept, ".v") || strings.HasPrefix(kept, ".before-"))
}

// errHeld: another open file holds the lock.
var errHeld = errors.New("lock is held")

// lockDirectory makes dir this process's own until the file is closed or the
// process has ended, however it ends.
func lockDirectory(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, fmt.Errorf("data directory %s is in use by %s: it belongs to one process at a time; stop that one, or use another directory", dir, holder(f))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	pid := strconv.Itoa(os.Getpid()) + "\n"
	if err := errors.Join(f.Truncate(0), writeAt(f, pid)); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the process id to %s: %w", path, err)
	}
	return f, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

// holder says who wrote the lock file.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}
