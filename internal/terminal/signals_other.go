//go:build !unix

package terminal

import "time"

// resizes has the size of the terminal looked at now and then, until stop.
func resizes() (resized <-chan time.Time, stop func()) {
	t := time.NewTicker(time.Second)
	return t.C, t.Stop
}

// stopped does nothing: there is no shell that would have the process go on.
func stopped() error { return nil }
