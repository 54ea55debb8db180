package client

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// What the system says when nobody listens, and when there is no way.
var (
	refused     = []syscall.Errno{syscall.ECONNREFUSED, windows.WSAECONNREFUSED}
	unreachable = []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTUNREACH}
)
