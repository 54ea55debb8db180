// Package limit says when somebody does something too often.
//
// [Attempts] bounds how many different things a key may try in a while,
// [Failures] shuts a key out for a while after too many failures.
//
// # What callers may rely on
//
//   - Memory is bounded, whoever calls: of more keys than the bound, the one
//     unused for longest is forgotten, and with it what it had done. Keys that
//     no longer matter go by themselves. Keys and ids are short: an array, a bounded string.
//   - Time is passed in, and nothing runs in the background. A time before the
//     last one is taken as it is: what happened after it counts as just now.
//   - Zero values are ready, with the defaults named; fields are set before
//     use. All methods may be called concurrently.
package limit

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// defaultKeys bounds the keys of a limit: some tens of megabytes at most.
const defaultKeys = 100_000

// Attempts bounds the number of distinct attempts that a key makes within a
// window of time. An attempt has an id, which its retries share: however often
// it comes, it counts once.
type Attempts[K, ID comparable] struct {
	Max    int           // distinct attempts within Window; default 5
	Window time.Duration // default 10 s
	Keys   int           // keys remembered; default 100,000

	mu   sync.Mutex
	keys recent[K, []attempt[ID]]
}

// An attempt is one that was allowed, and when it first came.
type attempt[ID comparable] struct {
	id ID
	at time.Time
}

// Allow reports whether key may make the attempt id now, and counts it if so.
// A refused attempt is not counted.
func (a *Attempts[K, ID]) Allow(key K, id ID, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	window := cmp.Or(a.Window, 10*time.Second)
	made := a.keys.use(key, now, window, cmp.Or(a.Keys, defaultKeys))
	*made = slices.DeleteFunc(*made, func(x attempt[ID]) bool { return now.Sub(x.at) >= window })
	if slices.ContainsFunc(*made, func(x attempt[ID]) bool { return x.id == id }) {
		return true
	}
	if len(*made) >= cmp.Or(a.Max, 5) {
		return false
	}
	*made = append(*made, attempt[ID]{id, now})
	return true
}

// Len returns how many keys are remembered.
func (a *Attempts[K, ID]) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys.len()
}

// Failures blocks a key for a while once it has failed too often within a
// window of time.
type Failures[K comparable] struct {
	Max    int           // failures within Window that lead to a block; default 10
	Window time.Duration // default 60 s
	Block  time.Duration // how long a block lasts; default 60 s
	Keys   int           // keys remembered; default 100,000

	mu   sync.Mutex
	keys recent[K, failures]
}

// failures are those of one key.
type failures struct {
	at    []time.Time // those within the window
	until time.Time   // blocked until then; zero: never was
}

// Fail counts a failure of key. Failures during a block are not counted, so
// that it ends; after it the count begins anew.
func (f *Failures[K]) Fail(key K, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	window, block := cmp.Or(f.Window, time.Minute), cmp.Or(f.Block, time.Minute)
	x := f.keys.use(key, now, max(window, block), cmp.Or(f.Keys, defaultKeys))
	if now.Before(x.until) {
		return
	}
	x.at = slices.DeleteFunc(x.at, func(at time.Time) bool { return now.Sub(at) >= window })
	x.at = append(x.at, now)
	if len(x.at) >= cmp.Or(f.Max, 10) {
		*x = failures{until: now.Add(block)}
	}
}

// Blocked reports whether key is blocked now, and if so for how much longer.
func (f *Failures[K]) Blocked(key K, now time.Time) (retryAfter time.Duration, blocked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x, known := f.keys.find(key)
	if !known || !now.Before(x.until) {
		return 0, false
	}
	return x.until.Sub(now), true
}

// Len returns how many keys are remembered.
func (f *Failures[K]) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys.len()
}
