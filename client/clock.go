package client

import (
	"sync"
	"time"
)

// A clock is the server's: what a frame said, carried on by the monotonic clock
// of this process.
type clock struct {
	mu     sync.Mutex
	server time.Time
	heard  time.Time // when the frame came
}

// hear takes the time out of a frame; what is no time is passed over.
func (c *clock) hear(ms int64) {
	if ms <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.heard = time.UnixMilli(ms), time.Now()
}

// believed tells whether the server's time was heard within the last minute.
func (c *clock) believed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.heard) < time.Minute
}

// now is the server's time; zero before the first frame.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return time.Time{}
	}
	return c.server.Add(time.Since(c.heard))
}
