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

// search plays histories on all processors, and returns the first that breaks a
// promise.
func search(from, histories uint64, without Without) *Broken {
	var next, end atomic.Uint64
	end.Store(histories)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= end.Load() {
					return
				}
				if write(from+n).play(without, nil) == nil {
					continue
				}
				mu.Lock()
				end.Store(min(end.Load(), n))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := end.Load(); n < histories {
		return Play(from+n, without)
	}
	return nil
}
