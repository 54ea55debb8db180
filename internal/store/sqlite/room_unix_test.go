//go:build unix

package sqlite_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// noRoom has the system refuse this process files over 48 KB, which is less than
// any database here, until room or the end of the test.
func noRoom(t *testing.T, _ string) {
	t.Helper()
	limitFiles(t, 48<<10)
	t.Cleanup(func() { room(t) })
}

// room takes that back.
func room(t *testing.T) {
	t.Helper()
	limitFiles(t, unix.RLIM_INFINITY)
}

func limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit)
	limit.Cur = min(bytes, limit.Max)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
	}
	if err != nil {
		t.Fatal(err)
	}
}
