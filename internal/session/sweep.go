package session

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

const (
	sweepBatch   = 512              // accounts read at once
	sweepWorkers = 64               // and judged at once, so that they share commits
	sweepPause   = time.Second      // after an error of the store
	sweepAtLeast = 30 * time.Second // without anything due
	jumpBound    = time.Minute      // a clock that jumps forward further is not believed at once
	jumpHold     = time.Minute      // how long the sweep waits then
)

// Run ends each session when time alone ends it, until ctx ends. After a jump of the
// clock it waits, and looks at the clock again before it believes it: it may have been
// set back, or have jumped further.
func (s *Sessions) Run(ctx context.Context) error {
	clock := s.watched()
	for {
		now := s.Now()
		if s.watch && clock.jumped(now, time.Now()) {
			s.opt.Log.Error("the clock jumped forward by more than a minute: expiry is held for a minute")
			s.opt.OnJump()
			if !sleep(ctx, jumpHold, nil) {
				return nil
			}
			continue
		}
		heard := s.catchUp(ctx)
		next, err := s.sweep(ctx, now)
		pause := sweepPause
		if heard && err == nil {
			pause = min(next.Sub(s.Now()), sweepAtLeast)
		}
		if !sleep(ctx, pause, s.wake) {
			return nil
		}
	}
}

// Wake makes the sweep look at the clock: for clocks that are moved by hand.
func (s *Sessions) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// expect makes sure that the sweep wakes at the moment given.
func (s *Sessions) expect(due time.Time) {
	if due.UnixMilli() < s.due.Load() {
		s.Wake()
	}
}

// sweep ends what is due now and says when the next is. Now is a time that is
// believed, whatever the clock says meanwhile.
func (s *Sessions) sweep(ctx context.Context, now time.Time) (time.Time, error) {
	s.due.Store(math.MaxInt64) // whatever is expected from now on wakes the next sweep
	for {
		due, next, err := s.store.Due(ctx, now, sweepBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.opt.Log.Error("look for sessions that are due", "err", err)
			}
			return next, err
		}
		if next.IsZero() {
			next = now.Add(sweepAtLeast)
		}
		if len(due) == 0 {
			s.due.Store(next.UnixMilli())
			return next, nil
		}
		damaged, err := s.expireAll(ctx, due, now)
		if err != nil {
			return next, err
		}
		if damaged == len(due) { // they stay due, and nobody else is
			s.due.Store(next.UnixMilli())
			return next, nil
		}
	}
}

// expireAll ends what is due of accounts. It counts those which it could not look at, as
// they are damaged: they do not hold up the others.
func (s *Sessions) expireAll(ctx context.Context, due []rollcall.Account, now time.Time) (damaged int, err error) {
	var broken atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sweepWorkers)
	for _, a := range due {
		g.Go(func() error {
			_, err := s.mutateIn(ctx, later, a, nil, nil, func(st policy.State, at present) policy.Outcome {
				return policy.Expire(st, now, at.rules)
			})
			if errors.Is(err, store.ErrDamaged) {
				broken.Add(1)
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	return int(broken.Load()), err
}

// watched is the wall clock held against the monotonic one.
type watched struct{ wall, mono time.Time }

func (s *Sessions) watched() watched { return watched{wall: s.Now().Round(0), mono: time.Now()} }

// jumped tells whether the wall clock went further than time passed.
func (w *watched) jumped(wall, mono time.Time) bool {
	wall = wall.Round(0)
	ahead := wall.Sub(w.wall) - mono.Sub(w.mono)
	w.wall, w.mono = wall, mono
	return ahead > jumpBound
}

// sleep waits for d, wake or the end of ctx; false: it was that end.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-wake:
	}
	return true
}
