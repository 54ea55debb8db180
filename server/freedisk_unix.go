//go:build linux || darwin

package server

import "golang.org/x/sys/unix"

// freeDisk is how many bytes are free on the disk of dir, for this process, and how many
// it has; known is whether the system says.
func freeDisk(dir string) (free, all int64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), int64(s.Blocks) * int64(s.Bsize), true //nolint:unconvert // darwin's are of another kind
}
