//go:build !linux

package sqlite

import "os"

// cold does nothing where a program cannot wish for it.
func cold(*os.File) {}
