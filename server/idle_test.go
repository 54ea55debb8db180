package server_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"testing"
)

// BenchmarkIdleSession says what a logged-in session that does nothing costs the
// server's process. Give -benchtime 5000x: as many sessions.
func BenchmarkIdleSession(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(fmt.Sprintf("tls=%t", secure), func(b *testing.B) {
			at, key := startAlone(b, orders{TLS: secure})
			before := at.metrics(b)
			open := enter(b, at, key, 1, secure, b.N)
			busy := at.metrics(b)
			at.collect(b)
			after := at.metrics(b)
			per := func(names ...string) (sum float64) {
				for _, n := range names {
					sum += after[n] - before[n]
				}
				return sum / float64(b.N)
			}
			b.ReportMetric(per("go_memstats_heap_alloc_bytes"), "heap-B/session")
			b.ReportMetric(per("go_memstats_stack_inuse_bytes"), "stack-B/session")
			b.ReportMetric(per("process_resident_memory_bytes"), "RSS-B/session")
			b.ReportMetric((busy["process_resident_memory_bytes"]-before["process_resident_memory_bytes"])/float64(b.N), "RSS-at-once-B/session")
			b.ReportMetric(before["process_resident_memory_bytes"]/(1<<20), "base-MB")
			b.ReportMetric(after["go_goroutines"]-before["go_goroutines"], "goroutines")
			b.ReportMetric(0, "ns/op")
			for _, c := range open {
				if c != nil {
					_ = c.Close()
				}
			}
		})
	}
}

// enter logs n accounts in, each on a connection of its own.
func enter(t testing.TB, at lodging, key string, try uint64, secure bool, n int) []net.Conn {
	t.Helper()
	open := make([]net.Conn, n)
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < n; i += 16 {
				c, err := net.Dial("tcp", at.Clients)
				if err == nil && secure {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
				}
				if err == nil {
					err = logIn(c, key, fmt.Sprintf("u%d", i), try)
				}
				if err != nil {
					t.Errorf("session %d: %v", i, err)
					return
				}
				open[i] = c
			}
		})
	}
	all.Wait()
	return open
}

// TestAnIdleSessionCostsLittle: measured on accounts that the server knows already,
// so that what it keeps of each of them is not counted. Twice as much is a stack that
// has not been given back, or a buffer that waits with its connection.
func TestAnIdleSessionCostsLittle(t *testing.T) {
	const sessions, most = 500, 5 << 10
	at, key := startAlone(t, orders{})
	for _, c := range enter(t, at, key, 1, false, sessions) {
		_ = c.Close()
	}
	for at.metrics(t)["rollcall_connections"] > 0 {
	}
	used := func() float64 {
		for range 3 {
			at.collect(t)
		}
		m := at.metrics(t)
		return m["go_memstats_heap_alloc_bytes"] + m["go_memstats_stack_inuse_bytes"]
	}
	before := used()
	open := enter(t, at, key, 2, false, sessions)
	if got := (used() - before) / sessions; got > most {
		t.Errorf("%.0f bytes for each idle session, want at most %d", got, most)
	} else {
		t.Logf("%.0f bytes for each idle session", got)
	}
	for _, c := range open {
		_ = c.Close()
	}
}
