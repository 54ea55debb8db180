package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// BenchmarkConverse has callers send messages of 100 bytes, each in a conversation of
// its own, one after the other.
func BenchmarkConverse(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			var commits atomic.Int64
			s, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{
				Node:      "bench",
				Committed: func(int, time.Duration) { commits.Add(1) },
			})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { closeStore(b, s) })
			together(b, s, 64, 2*callers, 2*callers, 1)
			commits.Store(0)
			b.ResetTimer()
			converse(b, s, callers)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(float64(b.N)/float64(commits.Load()), "messages/commit")
		})
	}
}

// converse has callers send b.N messages.
func converse(b *testing.B, s *sqlite.Store, callers int) {
	b.Helper()
	user := func(i int) rollcall.UserID { return rollcall.UserID(fmt.Sprintf("user-%d", i)) }
	var next atomic.Int64
	done := make(chan error, callers)
	content := make([]byte, 100)
	for i := range callers {
		q := store.Conversing{Account: rollcall.Account{App: 1, User: user(2 * i)}, Peer: user(2*i + 1)}
		go func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					done <- nil
					return
				}
				sending := talk.Sending{
					Asking: talk.Asking{Now: time.Now(), Session: 1, Conn: 1}, ID: fmt.Sprintf("%x", n*0x9E3779B97F4A7C1), Content: content,
				}
				q.Need = talk.Need{ID: sending.ID}
				o, err := s.Converse(b.Context(), q, func(t talk.Talk) talk.Outcome { return talk.Send(t, sending) }, func(talk.Outcome) {})
				if err == nil && o.Code != 0 {
					err = o.Code.Errorf("%s", o.Detail)
				}
				if err != nil {
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
