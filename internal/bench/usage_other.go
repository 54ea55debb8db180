//go:build !linux

package bench

import (
	"syscall"
	"time"
)

// What other systems tell of a process is not asked for: its figures are left out.

func cpuTime(int) (time.Duration, bool) { return 0, false }

func memory(int) (resident, proportional int64, ok bool) { return 0, 0, false }

func filesystem(string) string { return "unknown" }

func inMemory(string) bool { return false }

func nap(d time.Duration) { time.Sleep(d) }

const Forgets = false

func forget(string) error { return nil }

const manyAddresses = false

func latePort(string, string, syscall.RawConn) error { return nil }
