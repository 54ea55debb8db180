//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// resizes tells of another size of the terminal, until stop.
func resizes() (resized <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	return c, func() { signal.Stop(c) }
}

// stopped stops the process, as the shell's Ctrl-Z does, until it goes on. Where
// nobody would have it go on it does at once.
func stopped() error {
	on := make(chan os.Signal, 1)
	signal.Notify(on, syscall.SIGCONT)
	defer signal.Stop(on)
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		return err
	}
	select {
	case <-on:
	case <-time.After(time.Second):
	}
	return nil
}
