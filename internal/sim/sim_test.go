package sim

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seed      = flag.Uint64("seed", 0, "play the history of this seed alone; -v tells it")
	from      = flag.Uint64("from", 1, "the seed of the first history")
	histories = flag.Uint64("histories", 100_000, "play so many")
)

// TestHistories plays histories: every promise holds in each.
func TestHistories(t *testing.T) {
	if *seed != 0 {
		*from, *histories = *seed, 1
		story, _ := Tell(*seed, Whole)
		t.Log("\n" + story)
	}
	if b := search(*from, *histories, Whole); b != nil {
		t.Fatal(b)
	}
}

// TestAHistoryIsItsSeed: the same seed tells the same story.
func TestAHistoryIsItsSeed(t *testing.T) {
	for seed := range uint64(200) {
		once, _ := Tell(seed, Whole)
		again, _ := Tell(seed, Whole)
		if once != again {
			t.Fatalf("seed %d told\n%s\nand then\n%s", seed, once, again)
		}
	}
}

// search plays histories until a promise breaks, on all processors.
func search(from, histories uint64, without Without) *Broken {
	var next, found atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for found.Load() == 0 {
				n := next.Add(1) - 1
				if n >= histories {
					return
				}
				if write(from+n).play(without, nil) != nil {
					found.CompareAndSwap(0, from+n)
				}
			}
		})
	}
	wg.Wait()
	if n := found.Load(); n != 0 {
		return Play(n, without)
	}
	return nil
}
