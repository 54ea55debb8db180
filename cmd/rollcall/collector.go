package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A collector decides by the second how much garbage may lie about. A login leaves
// some 20 KB of it: while many log in, collecting it as often as Go does takes a tenth
// of the processor. When it is calm again nothing of it is to stay.
type collector struct {
	allocated uint64 // bytes, since the process began
	busy      bool
}

const (
	busyBytes = 16 << 20 // allocated in a second: some hundred logins
	calmBytes = 1 << 20
	litter    = 64 << 20 // bytes of garbage, beside what Go allows by itself
	usual     = 100      // percent of what is in use that may be garbage, as Go has it
	most      = 400
)

// second says, after each second, how many percent of the bytes in use may be garbage,
// and whether what is unused goes back to the system now.
func (c *collector) second(allocated, used uint64) (percent int, giveBack bool) {
	lately := allocated - c.allocated
	c.allocated = allocated
	giveBack = c.busy && lately < calmBytes
	c.busy = lately >= busyBytes || c.busy && !giveBack
	if !c.busy {
		return usual, giveBack
	}
	return int(max(usual, min(litter*100/max(used, 1), most))), false
}

// collect drives Go's collector until stop, unless GOGC says how it is to be driven.
func collect(ctx context.Context) (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var driving sync.WaitGroup
	driving.Go(func() {
		var c collector
		now := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
		for tick := time.Tick(time.Second); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick:
			}
			metrics.Read(now)
			percent, giveBack := c.second(now[0].Value.Uint64(), now[1].Value.Uint64())
			debug.SetGCPercent(percent)
			if giveBack {
				runtime.GC() // a stack halves each time
				debug.FreeOSMemory()
			}
		}
	})
	return func() {
		cancel()
		driving.Wait()
	}
}
