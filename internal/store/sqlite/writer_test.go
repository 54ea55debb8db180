package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// A queue holds a store inside a rule while requests pile up behind it.
type queue struct {
	store   *sqlite.Store
	commits []int // requests in each commit
	leave   chan struct{}
	all     sync.WaitGroup
}

// queued opens a store in the bubble and holds its writer.
func queued(t *testing.T, o sqlite.Options) *queue {
	t.Helper()
	q := &queue{leave: make(chan struct{})}
	o.Committed = func(requests int, took time.Duration) { q.commits = append(q.commits, requests) }
	q.store = open(t, t.TempDir(), o)
	q.ask(t, childAccount(0), func(s policy.State) policy.Outcome {
		<-q.leave
		return policy.Outcome{State: s}
	}, nil)
	return q
}

// ask queues a request that is to end in an error or in none.
func (q *queue) ask(t *testing.T, a rollcall.Account, rule store.Rule, want func(error) bool) {
	t.Helper()
	q.all.Go(func() {
		_, err := q.store.Mutate(t.Context(), a, rule)
		if want == nil && err != nil || want != nil && !want(err) {
			t.Errorf("a request of %s ended with error %v", a, err)
		}
	})
	synctest.Wait() // until it waits
}

// run lets the writer go and waits for all answers.
func (q *queue) run(t *testing.T) {
	t.Helper()
	close(q.leave)
	q.all.Wait()
	closeStore(t, q.store)
}

func count(s policy.State) policy.Outcome {
	s.Counter++
	return policy.Outcome{State: s}
}

func failed(err error) bool { return err != nil }

func TestWaitingRequestsShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{Batch: 4})
		for range 6 {
			q.ask(t, childAccount(1), count, nil)
		}
		q.run(t)
		if want := []int{1, 4, 2}; !slices.Equal(q.commits, want) {
			t.Errorf("commits of %v requests, want %v", q.commits, want)
		}
	})
}

func TestPanicLeavesTheBatchWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{})
		q.ask(t, childAccount(1), count, nil)
		q.ask(t, childAccount(1), func(policy.State) policy.Outcome { panic("bad") }, failed)
		q.ask(t, childAccount(1), count, nil)
		q.run(t)
		if want := []int{1, 3}; !slices.Equal(q.commits, want) {
			t.Errorf("commits of %v requests, want %v", q.commits, want)
		}
	})
}

func TestBadRequestSplitsItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{})
		q.ask(t, childAccount(1), count, nil)
		q.ask(t, childAccount(1), func(s policy.State) policy.Outcome {
			s.Sessions = []policy.Session{{Number: 1}, {Number: 1}}
			return policy.Outcome{State: s}
		}, failed)
		seen := make([]uint64, 0, 2)
		q.ask(t, childAccount(1), func(s policy.State) policy.Outcome {
			seen = append(seen, s.Counter*10+uint64(len(s.Sessions)))
			return count(s)
		}, nil)
		q.run(t)
		if want := []int{1, 1, 1}; !slices.Equal(q.commits, want) {
			t.Errorf("commits of %v requests, want %v: the good ones alone", q.commits, want)
		}
		if want := []uint64{12, 10}; !slices.Equal(seen, want) {
			t.Errorf("the last rule saw (counter, sessions) %v, want %v: first with the bad one's, then without", seen, want)
		}
	})
}

func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{Queue: 2})
		for range 4 { // two wait, two wait to wait
			q.ask(t, childAccount(1), count, nil)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.store.Mutate(ctx, childAccount(1), count); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no room within a second: %v, want the deadline's error", err)
		}
		q.run(t)
	})
}

func TestCancelledWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 3 {
			if i != 1 {
				q.ask(t, childAccount(1), count, nil)
				continue
			}
			q.all.Go(func() {
				if _, err := q.store.Mutate(ctx, childAccount(1), count); !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled while it waits: %v", err)
				}
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		q.run(t)
		if want := []int{1, 2}; !slices.Equal(q.commits, want) {
			t.Errorf("commits of %v requests, want %v", q.commits, want)
		}
	})
}

func TestCloseAnswersWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queued(t, sqlite.Options{Queue: 2})
		for range 5 {
			q.ask(t, childAccount(1), count, func(err error) bool { return errors.Is(err, store.ErrClosed) })
		}
		q.all.Go(func() {
			closeStore(t, q.store)
		})
		synctest.Wait()
		q.run(t)
	})
}

// TestKicksWait: a kick row tells which node is to deliver it, until a process
// after that one opens the store.
func TestKicksWait(t *testing.T) {
	dir := t.TempDir()
	o := sqlite.Options{Node: "node"}
	s := open(t, dir, o)
	for i := range 3 {
		device := rollcall.DeviceID(fmt.Sprint("device-", i))
		if _, err := s.Mutate(t.Context(), childAccount(1), login(device, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() int {
		t.Helper()
		closeStore(t, s)
		defer func() { s = open(t, dir, o) }()
		return number(t, dir, `SELECT count(*) FROM kick WHERE node = ?`, "node")
	}
	if got := waiting(); got != 2 {
		t.Errorf("%d kicks wait for the node that served the sessions, want 2", got)
	}
	o.Node = "next"
	waiting()
	if got := waiting(); got != 0 {
		t.Errorf("%d kicks wait for a node that is no more", got)
	}
	closeStore(t, s)
}

func TestRefusedStrangerLeavesNoRow(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := s.Mutate(t.Context(), childAccount(1), func(before policy.State) policy.Outcome {
		return policy.Outcome{State: before, Answer: policy.Refused, Events: []policy.Event{{At: time.Now(), Kind: policy.EventRefused}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if n := number(t, dir, `SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM history)`); n != 0 {
		t.Errorf("the stranger left %d rows", n)
	}
}

// TestTheWriterGivesMemoryBackWhenItIsCalm: what many logins have left in its cache.
func TestTheWriterGivesMemoryBackWhenItIsCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), sqlite.Options{})
		defer closeStore(t, s)
		cached := func() int {
			n, err := s.Cached(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for i := range 500 {
			if _, err := s.Mutate(t.Context(), childAccount(i), count); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				time.Sleep(300 * time.Millisecond) // not yet
			}
		}
		busy := cached()
		time.Sleep(10 * time.Second)
		if calm := cached(); calm > busy/2 {
			t.Errorf("the cache has %d bytes while it is calm, and %d before", calm, busy)
		} else {
			t.Logf("%d bytes while it is calm, %d before", calm, busy)
		}
	})
}
