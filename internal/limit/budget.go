package limit

import (
	"cmp"
	"math/bits"
	"sync"
	"time"
)

// Budget bounds how much a key takes: Most at once, and what was taken comes back evenly,
// all of it within Window. So within any Window a key takes less than twice Most.
type Budget[K comparable] struct {
	Most   int64         // 0: no bound
	Window time.Duration // default 24 h
	Keys   int           // keys remembered; default 100,000

	mu   sync.Mutex
	keys recent[K, int64] // when all will have come back
}

// Take takes n for key, if there is so much, and of more than Most as much. Otherwise it
// takes nothing, and wait is how long it is until there will be.
func (b *Budget[K]) Take(key K, n int64, now time.Time) (wait time.Duration, ok bool) {
	if b.Most == 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	back, at := b.use(key, now)
	after := *back + b.span(n)
	if over := after - at - int64(b.window()); over > 0 {
		return time.Duration(over), false
	}
	*back = after
	return 0, true
}

// GiveBack undoes that n was taken for key: nothing came of it.
func (b *Budget[K]) GiveBack(key K, n int64, now time.Time) {
	if b.Most == 0 || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	back, _ := b.use(key, now)
	*back -= b.span(n)
}

// use returns when all will have come back to key, and what time it is.
func (b *Budget[K]) use(key K, now time.Time) (back *int64, at int64) {
	at = b.keys.stamp(now)
	back = &b.keys.use(key, at, b.window(), cmp.Or(b.Keys, defaultKeys)).value
	*back = min(max(*back, at), at+int64(b.window()))
	return back, at
}

// span is how long it takes for n to come back, no less by a nanosecond: many little ones
// are not to be cheaper than all at once.
func (b *Budget[K]) span(n int64) int64 {
	high, low := bits.Mul64(uint64(min(n, b.Most)), uint64(b.window()))
	whole, rest := bits.Div64(high, low, uint64(b.Most))
	if rest > 0 {
		whole++
	}
	return int64(whole)
}

func (b *Budget[K]) window() time.Duration { return cmp.Or(b.Window, 24*time.Hour) }

// Len returns how many keys are remembered.
func (b *Budget[K]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys.len()
}
