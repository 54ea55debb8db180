package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
)

// BenchmarkMutateLogin logs accounts in that have never been seen, and again
// those that have a session on the device already.
func BenchmarkMutateLogin(b *testing.B) {
	for _, again := range []bool{false, true} {
		for _, callers := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("again=%t/callers=%d", again, callers), func(b *testing.B) {
				benchmarkLogin(b, callers, again)
			})
		}
	}
}

// BenchmarkMutateLeave logs accounts in and says at once that they are away.
func BenchmarkMutateLeave(b *testing.B) {
	for _, callers := range []int{1, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{Node: "bench"})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { closeStore(b, s) })
			b.ResetTimer()
			crowd(b, callers, b.N, func(i int) error {
				a, q := loginOf(i, b.N, 1)
				_, err := s.Mutate(b.Context(), a, func(before policy.State) policy.Outcome { return policy.LogIn(before, q, policy.Multi()) })
				if err != nil {
					return err
				}
				gone := policy.Disconnect{Now: q.Now, Session: 1, Conn: 1}
				o, err := s.Mutate(b.Context(), a, func(before policy.State) policy.Outcome { return policy.Disconnected(before, gone, policy.Multi()) })
				if err == nil && o.Answer != policy.Granted {
					err = fmt.Errorf("disconnect of %s: answer %d", a, o.Answer)
				}
				return err
			})
		})
	}
}

func benchmarkLogin(b *testing.B, callers int, again bool) {
	var commits atomic.Int64
	s, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{
		Node:      "bench",
		Committed: func(int, time.Duration) { commits.Add(1) },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeStore(b, s) })
	accounts := b.N
	if again {
		accounts = min(b.N, 20_000)
		together(b, s, callers, accounts, accounts, 1)
	}
	commits.Store(0)
	b.ResetTimer()
	together(b, s, callers, b.N, accounts, 2)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
	b.ReportMetric(float64(b.N)/float64(commits.Load()), "logins/commit")
}

// together has callers log in count times, account after account.
func together(b *testing.B, s *sqlite.Store, callers, count, accounts int, attempt uint64) {
	crowd(b, callers, count, func(i int) error {
		a, q := loginOf(i, accounts, attempt)
		o, err := s.Mutate(b.Context(), a, func(before policy.State) policy.Outcome {
			return policy.LogIn(before, q, policy.Multi())
		})
		if err == nil && o.Answer != policy.Granted {
			err = fmt.Errorf("login of %s: answer %d", a, o.Answer)
		}
		return err
	})
}

// loginOf is the i-th login, to one of so many accounts.
func loginOf(i, accounts int, attempt uint64) (rollcall.Account, policy.Login) {
	now := time.Now()
	q := policy.Login{
		Now: now, Node: "bench", Device: "device-0123456789abcdef", DeviceName: "Ann's phone", Platform: rollcall.Android,
		Address: "192.0.2.17", SigTime: now.Unix(), SigEnds: now.Unix() + 86400, Try: attempt + uint64(i),
		Proofs: []policy.Hash{{1}}, // it is the same client: nobody is kicked
	}
	q.Fixed[0], q.Fixed[1], q.Fixed[2], q.Fixed[3], q.Changing[0] = byte(i), byte(i>>8), byte(i>>16), byte(attempt), 1
	return rollcall.Account{App: 1, User: rollcall.UserID(fmt.Sprintf("user-%d", (i*7919)%accounts))}, q
}

// crowd has callers do something count times.
func crowd(b *testing.B, callers, count int, do func(i int) error) {
	var next atomic.Int64
	done := make(chan error, callers)
	for range callers {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= count {
					done <- nil
					return
				}
				if err := do(i); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}
