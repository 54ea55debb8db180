package server

import "golang.org/x/sys/windows"

// freeDisk is how many bytes are free on the disk of dir, for this process, and how many
// it has; known is whether the system says.
func freeDisk(dir string) (free, all int64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, false
	}
	var own, total uint64
	if windows.GetDiskFreeSpaceEx(path, &own, &total, nil) != nil {
		return 0, 0, false
	}
	return int64(own), int64(total), true
}
