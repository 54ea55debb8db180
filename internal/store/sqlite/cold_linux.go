package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// cold has the system forget what it keeps of a flushed file in memory, so that who reads
// it next reads the disk.
func cold(f *os.File) {
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // a wish
}
