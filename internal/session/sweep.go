package session

import (
	"context"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

const (
	sweepBatch   = 512              // accounts read at once
	sweepWorkers = 64               // and judged at once, so that they share commits
	sweepPause   = time.Second      // after an error of the store
	sweepAtLeast = 30 * time.Second // without anything due
	jumpBound    = time.Minute      // a clock that jumps forward further is not believed at once
	jumpHold     = time.Minute      // how long the sweep waits then
)

// Run ends each session when time alone ends it, until ctx ends.
func (s *Sessions) Run(ctx context.Context) error {
	clock := watched{wall: s.Now().Round(0), mono: time.Now()}
	for {
		if s.watch && clock.jumped(time.Now()) {
			s.opt.Log.Error("the clock jumped forward by more than a minute: expiry is held for a minute")
			s.opt.OnJump()
			if !sleep(ctx, jumpHold, nil) {
				return nil
			}
		}
		heard := s.catchUp(ctx)
		next, err := s.sweep(ctx)
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

// sweep ends what is due and says when the next is.
func (s *Sessions) sweep(ctx context.Context) (time.Time, error) {
	s.due.Store(math.MaxInt64) // whatever is expected from now on wakes the next sweep
	for {
		now := s.Now()
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
		if err := s.expireAll(ctx, due); err != nil {
			return next, err
		}
	}
}

func (s *Sessions) expireAll(ctx context.Context, due []rollcall.Account) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sweepWorkers)
	for _, a := range due {
		g.Go(func() error {
			rules, now := s.rules(a.App), s.Now()
			_, err := s.mutateIn(ctx, later, a, nil, func(st policy.State) policy.Outcome { return policy.Expire(st, now, rules) })
			return err
		})
	}
	return g.Wait()
}

// watched is the wall clock held against the monotonic one.
type watched struct{ wall, mono time.Time }

// jumped tells whether the wall clock went further than time passed.
func (w *watched) jumped(now time.Time) bool {
	wall := now.Round(0)
	ahead := wall.Sub(w.wall) - now.Sub(w.mono)
	w.wall, w.mono = wall, now
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
