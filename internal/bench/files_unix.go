//go:build linux || darwin

package bench

import "golang.org/x/sys/unix"

// raiseOpenFiles allows this process and those that it starts as many open files
// as may be.
func raiseOpenFiles() {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) == nil && r.Cur < r.Max {
		r.Cur = r.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &r) // what it is then is asked for by openFiles
	}
}

// openFiles is how many files a process may have open.
func openFiles() (limit uint64, known bool) {
	var r unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r)
	return r.Cur, err == nil
}
