//go:build !windows

package client

import "syscall"

// What the system says when nobody listens, and when there is no way.
var (
	refused     = []syscall.Errno{syscall.ECONNREFUSED}
	unreachable = []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH}
)
