package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/imcode"
)

// A works does what comes to a store: so many at once, in so much time.
type works struct {
	at    chan struct{} // as many as are done at once
	takes time.Duration
}

// do has one thing done, when it is its turn in the line.
func (w *works) do(ctx context.Context, l *line, t turn) error {
	if err := l.enter(ctx, t); err != nil {
		return err
	}
	began := time.Now()
	w.at <- struct{}{}
	time.Sleep(w.takes)
	<-w.at
	l.leave(began)
	return nil
}

func newWorks(atOnce int, takes time.Duration) *works {
	return &works{make(chan struct{}, atOnce), takes}
}

// sentAway is when a login is to come back; 0: it was not sent away.
func sentAway(err error) time.Duration {
	if e, ok := errors.AsType[*imcode.Error](err); ok && e.Code == imcode.Internal {
		return e.RetryAfter
	}
	return 0
}

// TestACrowdOfLoginsComesInAtTheRateOfTheStore: ten times as many as it takes in the
// time that a login may wait, and then more than it takes.
func TestACrowdOfLoginsComesInAtTheRateOfTheStore(t *testing.T) {
	for name, w := range map[string]struct {
		atOnce int
		takes  time.Duration
		crowd  int
	}{
		"a slow store":       {1, 10 * time.Millisecond, 3000},
		"a very slow one":    {1, 50 * time.Millisecond, 600},
		"one with commits":   {100, 100 * time.Millisecond, 30_000},
		"one that is uneven": {1, 0, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(time.Second, func(time.Duration) {})
				store := newWorks(w.atOnce, w.takes)
				if w.takes == 0 { // 100 a second, but for 3 seconds none
					store.takes = 10 * time.Millisecond
					go func() {
						time.Sleep(10 * time.Second)
						store.at <- struct{}{}
						time.Sleep(3 * time.Second)
						<-store.at
					}()
				}
				began, ends := time.Now(), make([]time.Duration, w.crowd)
				var mu sync.Mutex
				var returns []time.Duration
				var all sync.WaitGroup
				for i := range w.crowd {
					all.Go(func() {
						for {
							after := sentAway(store.do(t.Context(), l, login))
							if after == 0 {
								break
							}
							time.Sleep(after)
							mu.Lock()
							returns = append(returns, time.Since(began))
							mu.Unlock()
						}
						ends[i] = time.Since(began)
					})
				}
				if w.takes >= 50*time.Millisecond && w.atOnce == 1 { // whom the burst has let into the line does not stay there
					time.Sleep(5 * time.Second)
					if n := l.Len(); n > 60 {
						t.Errorf("%d wait after 5 s, want no more than come to their turn within seconds", n)
					}
				}
				slowest := time.Duration(0)
				all.Go(func() { // returns of sessions do not wait for the crowd
					for range 20 {
						time.Sleep(500 * time.Millisecond)
						came := time.Now()
						if err := store.do(t.Context(), l, first); err != nil {
							t.Error(err)
						}
						slowest = max(slowest, time.Since(came))
					}
				})
				all.Wait()
				atBest := time.Duration(w.crowd/w.atOnce) * store.takes
				if took := slices.Max(ends); took > atBest*3/2+5*time.Second {
					t.Errorf("all were in after %v, the store alone takes %v", took, atBest)
				}
				if least := 4 * time.Second; slowest > least {
					t.Errorf("a return took %v", slowest)
				}
				if most := 6 * w.crowd; len(returns) > most {
					t.Errorf("%d came %d times again, want at most %d", w.crowd, len(returns), most)
				}
				t.Logf("in after %v (%v at best), %d came again; a return took %v at most", slices.Max(ends), atBest, len(returns), slowest)
			})
		})
	}
}

func TestWhoGivesUpTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Second, func(time.Duration) {})
		for range startRoom {
			if err := l.enter(t.Context(), login); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp, turns := make(chan error), make(chan turn, 3)
		go func() { gaveUp <- l.enter(ctx, first) }()
		for _, x := range []turn{login, later, first} {
			synctest.Wait()
			go func() {
				if err := l.enter(t.Context(), x); err != nil {
					t.Error(err)
				}
				turns <- x
			}()
		}
		synctest.Wait()
		if n := l.Len(); n != 4 {
			t.Errorf("%d wait, want 4", n)
		}
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		for _, want := range []turn{first, login, later} {
			l.leave(time.Now().Add(-time.Second / 4)) // neither fast nor slow
			synctest.Wait()
			if got := <-turns; got != want {
				t.Errorf("it is the turn of %d, want %d", got, want)
			}
		}
		if n := l.Len(); n != 0 {
			t.Errorf("%d wait, want nobody", n)
		}
	})
}

func TestOnlyLoginsAreSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Second, func(time.Duration) {})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range startRoom + startRate {
			all.Go(func() { _ = l.enter(ctx, later) })
		}
		synctest.Wait()
		last := time.Duration(0)
		for range 10 * startRate {
			after := sentAway(l.enter(ctx, login))
			if after <= last || after < time.Second || after > 12*time.Second {
				t.Fatalf("back after %v, the one before after %v; want a moment of its own, and all at the rate of the store", after, last)
			}
			last = after
		}
		for _, x := range []turn{first, later} {
			all.Go(func() {
				if err := l.enter(ctx, x); sentAway(err) != 0 {
					t.Errorf("turn %d is sent away", x)
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

// TestALineThatIsSeldomNeededLearnsNothingWrong: one waits now and then for a moment, and
// some while a commit hangs, which says nothing of how many could have their turn.
func TestALineThatIsSeldomNeededLearnsNothingWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Second, func(time.Duration) {})
		store := newWorks(startRoom, 10*time.Millisecond) // 6,400 a second
		crowd := func(n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if err := store.do(t.Context(), l, login); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		for range 100 {
			crowd(startRoom + 1)
			time.Sleep(time.Second)
		}
		store.takes = 700 * time.Millisecond // a commit that hangs
		crowd(startRoom + 10)
		store.takes = 10 * time.Millisecond
		time.Sleep(time.Second)
		crowd(startRate) // fewer than a second takes
	})
}
