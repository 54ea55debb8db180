//go:build !linux && !darwin && !windows

package server

// freeDisk is how many bytes are free on the disk of dir; here the system is not asked.
func freeDisk(string) (free, all int64, known bool) { return 0, 0, false }
