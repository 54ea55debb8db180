//go:build unix

package server

import "syscall"

// openFiles is how many files the process may open; 0: the system does not say. Go
// has raised the limit to the highest that the system lets it have.
func openFiles() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return l.Cur
}
