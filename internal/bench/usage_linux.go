package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is how much processor time a process has taken.
func cpuTime(pid int) (time.Duration, bool) {
	const scheduled = 2 // CPUCLOCK_SCHED: the clock of a whole process, in nanoseconds
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|scheduled, &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

// memory is what a process occupies of it: all, and its share where pages are
// shared with others, in bytes.
func memory(pid int) (resident, proportional int64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, false
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
		switch name := string(fields[0]); {
		case err != nil:
		case name == "Rss:":
			resident = kib << 10
		case name == "Pss:":
			proportional = kib << 10
		}
	}
	return resident, proportional, resident > 0
}

// filesystem is what kind of file system a directory is on.
func filesystem(dir string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "unknown"
	}
	switch uint32(s.Type) {
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.RAMFS_MAGIC:
		return "ramfs"
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	}
	return fmt.Sprintf("0x%x", uint32(s.Type))
}

// inMemory tells whether a flush to that kind of file system reaches no disk.
func inMemory(kind string) bool { return kind == "tmpfs" || kind == "ramfs" }

// nap sleeps by the system's own clock: Go's wakes up to a millisecond late where
// nothing else goes on.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil) // a signal ends it early, which is looked at
}

// Forgets tells that this system Forgets what it has of a file in memory when it is asked to.
const Forgets = true

// forget has the system read a file from the disk when it is read next.
func forget(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil { // what is not on the disk yet cannot be forgotten
		return err
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// manyAddresses: all of 127.0.0.0/8 is this machine.
const manyAddresses = true

// latePort has the system choose a connection's port when it knows where that goes
// to: the same one may then be used towards others.
func latePort(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) }); e != nil {
		return e
	}
	return err
}
