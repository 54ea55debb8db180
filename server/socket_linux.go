package server

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// ownersOnly is a net.ListenConfig's Control for a unix socket that nobody but its
// owner may open, from its first moment on: what is bound has the socket's own mode.
func ownersOnly(_, _ string, c syscall.RawConn) error {
	var err error
	if outer := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); outer != nil {
		return outer
	}
	return err
}
