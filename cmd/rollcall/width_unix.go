//go:build unix

package main

import (
	"io"

	"golang.org/x/sys/unix"
)

// width is how many characters a line of a terminal has; 80 where it does not say.
func width(w io.Writer) int {
	f, ok := bare(w).(interface{ Fd() uintptr })
	if !ok {
		return 80
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return 80
	}
	return int(size.Col)
}
