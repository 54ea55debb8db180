package session

import (
	"container/list"
	"context"
	"sync"
	"time"

	"rollcall.example/imcode"
)

// A line is where requests wait for the store, which takes so many at once as it
// answers soon: more where it is fast, fewer where it is slow. Those that keep what
// there is (returns, logouts, renewals, acts) come first. A login that would have to
// wait for long is told when to come back: each at a moment of its own, so that all
// of them come at the rate that the store sustains.
type line struct {
	wait   time.Duration // that a login may have before it
	waited func(time.Duration)

	mu     sync.Mutex
	first  list.List // of chan struct{}, closed when it is its turn
	later  list.List
	inside int // at the store
	room   int // for so many
	shrunk time.Time

	rate     float64 // of those whose turn came in a second, while others waited
	measured bool
	turns    int       // since then, somebody waiting all the while:
	since    time.Time //
	ripe     time.Time // when that says enough; zero: not known yet
	booked   time.Time // when the last login that was sent away is to come back
}

// A turn is how soon a request has its turn.
type turn int

const (
	first turn = iota
	later      // behind all first ones
	login      // the same, and it may be sent away
)

const (
	slowStore  = 500 * time.Millisecond // in which it answers: then it is given less at once
	fastStore  = 125 * time.Millisecond // then more
	minRoom    = 16
	startRoom  = 64
	maxRoom    = 1024                   // two commits
	startRate  = 2000                   // until it was measured
	rateOver   = 100 * time.Millisecond // at least
	commitOver = 20 * time.Millisecond  // from the first to the last that hears of a commit
	patience   = 3                      // times the wait that a login may have before it
	bookedOver = 1.5                    // times the rate come back, or a rate that is thought too low would stay so
	maxBooking = 5 * time.Minute
)

func newLine(wait time.Duration, waited func(time.Duration)) *line {
	return &line{wait: wait, waited: waited, room: startRoom, rate: startRate}
}

// Len is how many wait.
func (l *line) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.len()
}

func (l *line) len() int { return l.first.Len() + l.later.Len() }

// enter returns when it is the request's turn; leave must follow. 70500 sends a login
// away.
func (l *line) enter(ctx context.Context, t turn) error {
	came := time.Now()
	l.mu.Lock()
	if l.inside < l.room {
		l.inside++
		l.mu.Unlock()
		return nil
	}
	if t == login && l.long() {
		defer l.mu.Unlock()
		return l.sendAway(came)
	}
	if l.len() == 0 {
		l.measureFrom(came)
	}
	queue := &l.later
	if t == first {
		queue = &l.first
	}
	mine := make(chan struct{})
	place := queue.PushBack(mine)
	l.mu.Unlock()
	var enough <-chan time.Time
	if t == login {
		timer := time.NewTimer(patience * l.wait) // the store has become slower since
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-mine:
		l.waited(time.Since(came))
		return nil
	case <-enough:
	case <-ctx.Done():
	}
	return l.giveUp(ctx, queue, place)
}

// giveUp takes one who waits out of the line; with a context that goes on, it is a
// login that has waited for too long.
func (l *line) giveUp(ctx context.Context, queue *list.List, place *list.Element) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-place.Value.(chan struct{}): // it has its turn, just now
		if err := ctx.Err(); err != nil {
			l.inside--
			l.next()
			return err
		}
		return nil
	default:
		queue.Remove(place)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.sendAway(time.Now())
}

// Turn waits for a turn at the store, for what is not the coming and going of sessions
// itself: that goes first. leave ends it.
func (s *Sessions) Turn(ctx context.Context) (leave func(), err error) {
	if err := s.line.enter(ctx, later); err != nil {
		return nil, err
	}
	began := time.Now()
	return func() { s.line.leave(began) }, nil
}

// leave is the end of a turn that began at a time.
func (l *line) leave(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch took := now.Sub(began); {
	case took > slowStore && now.Sub(l.shrunk) > took:
		l.room, l.shrunk = max(l.room*3/4, minRoom), now
	case took < fastStore && l.inside == l.room:
		l.room = min(l.room+1, maxRoom)
	}
	l.inside--
	l.next()
}

// next gives their turn to those that there is room for.
func (l *line) next() {
	if l.len() == 0 {
		return
	}
	for l.inside < l.room && l.len() > 0 {
		queue := &l.first
		if queue.Len() == 0 {
			queue = &l.later
		}
		close(queue.Remove(queue.Front()).(chan struct{}))
		l.inside++
		l.turns++
	}
	l.measure(time.Now())
}

func (l *line) measureFrom(now time.Time) { l.turns, l.since, l.ripe = 0, now, time.Time{} }

// measure measures the rate, once as many as are at the store at a time have had their
// turn, or it is slow, and the rest of a commit is counted too. Where nobody waits any
// more there might have been more turns.
func (l *line) measure(now time.Time) {
	over := now.Sub(l.since)
	switch {
	case l.len() == 0 || over < rateOver || l.turns < l.room && over < slowStore:
	case l.ripe.IsZero():
		l.ripe = now.Add(commitOver)
	case !now.Before(l.ripe):
		l.learn(float64(l.turns) / over.Seconds())
		l.measureFrom(now)
	}
}

// learn takes in a rate that was measured. It believes sooner in a higher one: at the
// height of a storm those who come take the processor from those who are served.
func (l *line) learn(rate float64) {
	switch {
	case !l.measured:
		l.rate, l.measured = rate, true
	case rate > l.rate:
		l.rate += (rate - l.rate) / 2
	default:
		l.rate += (rate - l.rate) / 8
	}
}

// long tells whether those that wait take longer than a login may have before it.
func (l *line) long() bool { return float64(l.len()+1)/l.rate > l.wait.Seconds() }

// sendAway is what a login is told that has to come back, and when.
func (l *line) sendAway(now time.Time) error {
	if soonest := now.Add(l.wait); l.booked.Before(soonest) || l.booked.Sub(now) > maxBooking {
		l.booked = soonest
	}
	l.booked = l.booked.Add(time.Duration(float64(time.Second) / (l.rate * bookedOver)))
	return &imcode.Error{
		Code: imcode.Internal, Detail: "more logins than the server can take at once: come back later",
		RetryAfter: l.booked.Sub(now),
	}
}
