// Package limit says when somebody does something too often.
//
// [Attempts] bounds how many different things a key may try in a while,
// [Failures] shuts a key out for a while after too many failures, [Budget] bounds how
// much a key takes.
//
// # What callers may rely on
//
//   - Memory is bounded, whoever calls: of more keys than the bound, the one
//     unused for longest is forgotten, and with it what it had done. Keys that
//     no longer matter go by themselves. Keys and ids are told apart by 64 bits of
//     a hash, and are not kept themselves.
//   - Time is passed in, and nothing runs in the background. A time before the
//     last one is taken as it is: what happened after it counts as just now.
//   - Zero values are ready, with the defaults named; fields are set before
//     use. All methods may be called concurrently.
package limit

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// defaultKeys bounds the keys of a limit, some ten megabytes; perKey what is
// remembered of them all: as many times the keys.
const (
	defaultKeys = 100_000
	perKey      = 10
)

// Attempts bounds the number of distinct attempts that a key makes within a
// window of time. An attempt has an id, which its retries share: however often
// it comes, it counts once.
type Attempts[K, ID comparable] struct {
	Max    int           // distinct attempts within Window; default 5
	Window time.Duration // default 10 s
	Keys   int           // keys remembered; default 100,000

	mu   sync.Mutex
	keys recent[K, []attempt]
}

// An attempt is one that was allowed, and when it first came.
type attempt struct {
	id uint64
	at int64
}

// Allow reports whether key may make the attempt id now, and counts it if so.
// A refused attempt is not counted.
func (a *Attempts[K, ID]) Allow(key K, id ID, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	window, most := cmp.Or(a.Window, 10*time.Second), cmp.Or(a.Keys, defaultKeys)
	at := a.keys.stamp(now)
	e := a.keys.use(key, at, window, most)
	h := maphash.Comparable(a.keys.seed, id)
	e.value = slices.DeleteFunc(e.value, func(x attempt) bool { return at-x.at >= int64(window) })
	if slices.ContainsFunc(e.value, func(x attempt) bool { return x.id == h }) {
		return true
	}
	if len(e.value) >= cmp.Or(a.Max, 5) {
		return false
	}
	e.value = append(e.value, attempt{h, at})
	a.keys.resize(e, cap(e.value), perKey*most)
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
	at      []int64 // those within the window
	until   int64   // blocked until then
	blocked bool    // was, at least
}

// Fail counts a failure of key. Failures during a block are not counted, so
// that it ends; after it the count begins anew.
func (f *Failures[K]) Fail(key K, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	window, block, most := cmp.Or(f.Window, time.Minute), cmp.Or(f.Block, time.Minute), cmp.Or(f.Keys, defaultKeys)
	at := f.keys.stamp(now)
	e := f.keys.use(key, at, max(window, block), most)
	x := &e.value
	if x.blocked && at < x.until {
		return
	}
	x.at = append(slices.DeleteFunc(x.at, func(was int64) bool { return at-was >= int64(window) }), at)
	if len(x.at) >= cmp.Or(f.Max, 10) {
		*x = failures{until: at + int64(block), blocked: true}
	}
	f.keys.resize(e, cap(x.at), perKey*most)
}

// Blocked reports whether key is blocked now, and if so for how much longer.
func (f *Failures[K]) Blocked(key K, now time.Time) (retryAfter time.Duration, blocked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.keys.stamp(now)
	x, known := f.keys.find(key)
	if !known || !x.blocked || at >= x.until {
		return 0, false
	}
	return time.Duration(x.until - at), true
}

// Len returns how many keys are remembered.
func (f *Failures[K]) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys.len()
}
