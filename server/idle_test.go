package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall.example/internal/memnet"
	"rollcall.example/server"
	"rollcall.example/wire"
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

// BenchmarkIdleSessionInMemory is the same over a network in memory. Both of its ends
// are in this process, and what the network keeps of them is counted.
func BenchmarkIdleSessionInMemory(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(fmt.Sprintf("tls=%t", secure), func(b *testing.B) {
			dir := b.TempDir()
			key := initialize(b, dir)
			var n memnet.Network
			l, err := n.Listen(host)
			if err != nil {
				b.Fatal(err)
			}
			cfg := server.Config{Dir: dir, Listener: l}
			if secure {
				cfg.TLS = selfSigned()
			}
			s, err := server.New(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			dial := func() (net.Conn, error) { return n.Dial(ctx, "tcp", host) }
			for _, c := range enterBy(b, dial, key, 1, secure, b.N) { // accounts that are known are not counted
				_ = c.Close()
			}
			for runtime.NumGoroutine() > 100 && pause(ctx, 10*time.Millisecond) { // until they have left; the server has fewer of its own
				continue
			}
			before := collected()
			open := enterBy(b, dial, key, 2, secure, b.N)
			after := collected()
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(b.N), "heap-B/session")
			b.ReportMetric((float64(after.StackInuse)-float64(before.StackInuse))/float64(b.N), "stack-B/session")
			b.ReportMetric(0, "ns/op")
			for _, c := range open {
				_ = c.Close()
			}
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
}

// collected is the memory in use when all garbage has gone and stacks have shrunk.
func collected() (m runtime.MemStats) {
	for range 4 {
		debug.FreeOSMemory()
	}
	runtime.ReadMemStats(&m)
	return m
}

// BenchmarkIdleStranger says what a connection costs that has not said anything yet. It
// is let go after some seconds: give no more than -benchtime 3000x.
func BenchmarkIdleStranger(b *testing.B) {
	at, _ := startAlone(b, orders{Connections: 2 * b.N, WithoutLogin: 2 * b.N})
	before := at.metrics(b)
	for range b.N {
		c, err := net.Dial("tcp", at.Clients)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
	}
	at.collect(b)
	after := at.metrics(b)
	if in := after["rollcall_connections_without_login"]; in < float64(b.N) {
		b.Fatalf("%.0f of %d are inside", in, b.N)
	}
	for name, unit := range map[string]string{
		"go_memstats_heap_alloc_bytes": "heap-B/stranger", "go_memstats_stack_inuse_bytes": "stack-B/stranger", "process_resident_memory_bytes": "RSS-B/stranger",
	} {
		b.ReportMetric((after[name]-before[name])/float64(b.N), unit)
	}
	b.ReportMetric(0, "ns/op")
}

// enter logs n accounts in, each on a connection of its own.
func enter(t testing.TB, at lodging, key string, try uint64, secure bool, n int) []net.Conn {
	t.Helper()
	return enterBy(t, func() (net.Conn, error) { return net.Dial("tcp", at.Clients) }, key, try, secure, n)
}

func enterBy(t testing.TB, dial func() (net.Conn, error), key string, try uint64, secure bool, n int) []net.Conn {
	t.Helper()
	open := make([]net.Conn, n)
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < n; i += 16 {
				c, err := dial()
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

// TestAnIdleSessionHoldsNoBuffer: measured on accounts that the server knows already, so
// that what it keeps of each of them is not counted. Stacks, which a small number of
// sessions cannot tell, are for `make idle`.
func TestAnIdleSessionHoldsNoBuffer(t *testing.T) {
	const sessions, most = 500, 2 << 10
	at, key := startAlone(t, orders{})
	for _, c := range enter(t, at, key, 1, false, sessions) {
		_ = c.Close()
	}
	for pause(t.Context(), 10*time.Millisecond) {
		if at.metrics(t)["rollcall_connections"] == 0 {
			break
		}
	}
	heap := func() float64 {
		for range 3 {
			at.collect(t)
		}
		return at.metrics(t)["go_memstats_heap_alloc_bytes"]
	}
	before := heap()
	open := enter(t, at, key, 2, false, sessions)
	if got := (heap() - before) / sessions; got > most {
		t.Errorf("%.0f bytes of heap for each idle session, want at most %d", got, most)
	} else {
		t.Logf("%.0f bytes of heap for each idle session", got)
	}
	for _, c := range open {
		_ = c.Close()
	}
}

var loginWait = flag.Duration("login-wait", 0, "for BenchmarkLoginStorm: limits.login_wait")

// BenchmarkLoginStorm has ten times as many log in at once as the store takes in a
// second or so: how fast they come in, how often they came again, and how long somebody
// who is in waits for an answer meanwhile. Give -benchtime 20000x: as many logins.
func BenchmarkLoginStorm(b *testing.B) {
	const clients = 4000
	at, key := startAlone(b, orders{LoginWait: *loginWait})
	in := enter(b, at, key, 1, false, 1)[0]
	defer in.Close()
	ctx, cancel := context.WithCancel(b.Context())
	var pings []time.Duration
	var pinging sync.WaitGroup
	pinging.Go(func() {
		for id := uint64(10); pause(ctx, 30*time.Millisecond); id++ {
			began := time.Now()
			if _, err := exchange(in, in, &wire.ClientFrame{Id: id, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}}); err != nil {
				b.Error(err)
				return
			}
			pings = append(pings, time.Since(began))
		}
	})
	var again atomic.Int64
	var all sync.WaitGroup
	next := make(chan int)
	b.ResetTimer()
	for range min(clients, b.N) {
		all.Go(func() {
			for i := range next {
				c, err := insist(at, key, "s"+strconv.Itoa(i), &again)
				if err != nil {
					b.Errorf("login %d: %v", i, err)
					continue
				}
				_ = c.Close()
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	all.Wait()
	b.StopTimer()
	cancel()
	pinging.Wait()
	slices.Sort(pings)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
	b.ReportMetric(float64(again.Load())/float64(b.N), "again/login")
	if len(pings) > 0 {
		b.ReportMetric(float64(slowest(pings).Milliseconds()), "ping-p99-ms")
	}
}

// insist logs in, as often as it takes.
func insist(at lodging, key, user string, again *atomic.Int64) (net.Conn, error) {
	for try := uint64(1); ; try++ {
		c, err := net.Dial("tcp", at.Clients)
		if err != nil {
			return nil, err
		}
		if err = logIn(c, key, user, try); err == nil {
			return c, nil
		}
		_ = c.Close()
		busy, ok := errors.AsType[*refused](err)
		if !ok || busy.GetRetryAfterMs() == 0 {
			return nil, err
		}
		again.Add(1)
		time.Sleep(time.Duration(busy.GetRetryAfterMs()) * time.Millisecond)
	}
}
