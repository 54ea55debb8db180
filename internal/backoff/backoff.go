// Package backoff says how long to wait before trying again.
//
// The wait is drawn evenly between nothing and a ceiling that doubles with each
// try ("full jitter"): many clients that lost the same server at the same
// moment come back spread over time instead of all at once. A server that says
// when to come back is believed, and its clients are spread after that moment.
package backoff

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// LongestHint bounds what a server may ask: nobody is sent away for good.
const LongestHint = time.Hour

// A Backoff counts the tries of one caller. The zero value is ready; the fields
// are set before the first Next. It is not safe for concurrent use.
type Backoff struct {
	Base time.Duration  // ceiling of the first wait; default 500 ms
	Cap  time.Duration  // ceiling of all waits; default 30 s
	Rand func() float64 // evenly in [0, 1); default rand.Float64

	ceiling time.Duration // of the last wait; 0 before the first
}

// Next returns how long to wait before the next try: less than the ceiling, or,
// when the server said to come back after hint, between hint and hint plus the
// ceiling or half of hint, whichever is more. A hint of 0 or less is none, one
// over an hour counts as an hour.
func (b *Backoff) Next(hint time.Duration) time.Duration {
	limit := cmp.Or(b.Cap, 30*time.Second)
	b.ceiling = min(limit, max(cmp.Or(b.Base, 500*time.Millisecond), doubled(b.ceiling, limit)))
	hint = min(max(hint, 0), LongestHint)
	return hint + b.draw(max(b.ceiling, hint/2))
}

// Reset makes the next wait a first one again: the last try succeeded.
func (b *Backoff) Reset() { b.ceiling = 0 }

// draw returns a duration evenly in [0, d).
func (b *Backoff) draw(d time.Duration) time.Duration {
	if b.Rand == nil {
		return time.Duration(rand.Float64() * float64(d))
	}
	return time.Duration(b.Rand() * float64(d))
}

// doubled returns d twice, or limit where that would be more.
func doubled(d, limit time.Duration) time.Duration {
	if d > limit/2 {
		return limit
	}
	return 2 * d
}
