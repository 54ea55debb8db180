package server_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

var (
	floodOf    = flag.Int("flood", 400, "connections of a flood")
	floodUsers = flag.Int("users", 40, "users who log in beside it")
)

// A flood is connections that are up to no good, each opened again when it is
// closed, though not at once.
type flood struct {
	from   []net.IP // where they come from
	opened atomic.Int64
	refuse atomic.Int64 // by the server, before they gave up
}

// flooders are what a flood's connections do with what they have opened; they say
// something, or nothing, and read until the server ends it.
var flooders = []func(ctx context.Context, c net.Conn){
	func(context.Context, net.Conn) {}, // silent
	func(ctx context.Context, c net.Conn) { // slow
		for _, b := range []byte(upgradeRequest(wire.Proto)) {
			if _, err := c.Write([]byte{b}); err != nil || !pause(ctx, time.Second) {
				return
			}
		}
	},
	func(_ context.Context, c net.Conn) { _, _ = io.WriteString(c, upgradeRequest(wire.Proto)) }, // half-open, from now on
	func(_ context.Context, c net.Conn) { // garbage
		b := make([]byte, 200)
		_, _ = rand.Read(b)
		_, _ = c.Write(b)
	},
	func(_ context.Context, c net.Conn) { // and in a WebSocket
		b := make([]byte, 100)
		_, _ = rand.Read(b)
		_, _ = io.WriteString(c, upgradeRequest(wire.Proto))
		_, _ = c.Write(masked(ws.NewBinaryFrame(b)))
	},
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// run floods until ctx ends.
func (f *flood) run(ctx context.Context, address string, n int) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range n {
		all.Go(func() {
			for wait := time.Duration(i%1000) * 5 * time.Millisecond; pause(ctx, wait); wait = 10 * time.Second {
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: f.from[i%len(f.from)]}, Timeout: 10 * time.Second}
				c, err := d.DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				f.opened.Add(1)
				stop := context.AfterFunc(ctx, func() { _ = c.Close() })
				flooders[i%len(flooders)](ctx, c)
				_, _ = io.Copy(io.Discard, c)
				if stop() {
					f.refuse.Add(1)
				}
				_ = c.Close()
			}
		})
	}
}

// visit has users log in, ping and log out, a few at a time, and returns how long
// their logins took.
func visit(t *testing.T, at lodging, key, name string, users int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, users)
	var all sync.WaitGroup
	next := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range next {
				began := time.Now()
				if err := visitOnce(at, key, fmt.Sprintf("%s-%d", name, i), &took[i]); err != nil {
					t.Errorf("%s: user %d, after %v: %v", name, i, time.Since(began), err)
				}
			}
		})
	}
	for i := range users {
		next <- i
	}
	close(next)
	all.Wait()
	slices.Sort(took)
	return took
}

func visitOnce(at lodging, key, user string, took *time.Duration) error {
	began := time.Now()
	c, err := net.DialTimeout("tcp", at.Clients, 20*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if err := logIn(c, key, user, 1); err != nil {
		return err
	}
	*took = time.Since(began)
	out := &wire.LogoutRequest{App: app, UserId: user, DeviceId: "phone", TryNumber: 2, FixedHalf: loginFrame("", "phone", 1).GetLogin().GetFixedHalf()}
	for _, f := range []*wire.ClientFrame{
		{Id: 2, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}},
		{Id: 3, Request: &wire.ClientFrame_Logout{Logout: out}},
	} {
		a, err := exchange(c, c, f)
		if err != nil {
			return err
		}
		if a.GetId() != f.GetId() || a.GetRefusal() != nil {
			return errors.New("answered with " + a.String())
		}
	}
	return nil
}

// TestUsersDoNotNoticeAFlood: connections that are silent, slow, half-open or send
// garbage, beside users who come in meanwhile. `make flood` makes it a large one.
func TestUsersDoNotNoticeAFlood(t *testing.T) {
	at, key := startAlone(t, orders{WithoutLogin: max(*floodOf/4, 10)})
	calm := visit(t, at, key, "calm", *floodUsers)
	for _, tt := range []struct {
		name string
		from []net.IP
	}{
		{"elsewhere", []net.IP{net.IPv4(127, 0, 0, 2), net.IPv4(127, 0, 0, 3), net.IPv4(127, 0, 0, 4)}},
		{"at the same address", []net.IP{net.IPv4(127, 0, 0, 1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f := &flood{from: tt.from}
			var running sync.WaitGroup
			running.Go(func() { f.run(ctx, at.Clients, *floodOf) })
			for pause(ctx, 10*time.Millisecond) {
				if f.opened.Load() >= int64(*floodOf) {
					break
				}
			}
			before := at.metrics(t)
			took := visit(t, at, key, "beside-"+strconv.Itoa(len(tt.from)), *floodUsers)
			after := at.metrics(t)
			cancel()
			running.Wait()
			t.Logf("a login took %v, of 100 the slowest %v; beside the flood %v and %v", middle(calm), slowest(calm), middle(took), slowest(took))
			t.Logf("%d connections were opened, %d ended by the server; %.0f without a login; %.1f MB, %.1f MB before",
				f.opened.Load(), f.refuse.Load(), after["rollcall_connections_without_login"],
				after["process_resident_memory_bytes"]/(1<<20), before["process_resident_memory_bytes"]/(1<<20))
		})
	}
}

func middle(sorted []time.Duration) time.Duration {
	return sorted[len(sorted)/2].Round(10 * time.Microsecond)
}
func slowest(sorted []time.Duration) time.Duration {
	return sorted[len(sorted)*99/100].Round(10 * time.Microsecond)
}

// TestTooManyOpenFilesHarmNobody: the process may open fewer files than there are
// connections that want in, and nothing but that bounds them.
func TestTooManyOpenFilesHarmNobody(t *testing.T) {
	at, key := startAlone(t, orders{Files: 100, Connections: 10_000, WithoutLogin: 10_000})
	_ = at.metrics(t) // whose connection stays
	users := enter(t, at, key, 1, false, 20)
	own := at.metrics(t)["process_open_fds"] // 0 where the system does not say
	said := 0
	crowd := make([]net.Conn, 0, 300)
	for range cap(crowd) {
		c, err := net.Dial("tcp", at.Clients)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		crowd = append(crowd, c)
	}
	var took time.Duration
	if err := visitOnce(at, key, "late", &took); err != nil && !strings.Contains(err.Error(), "503") {
		t.Errorf("who comes late: %v, want in, or a word", err)
	}
	for i, c := range users {
		if c == nil {
			continue
		}
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if a, err := exchange(c, c, &wire.ClientFrame{Id: 9, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}}); err != nil || a.GetPing() == nil {
			t.Errorf("user %d pings: %v, %v", i, a, err)
		}
	}
	for _, c := range crowd {
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(c); strings.HasPrefix(string(b), "HTTP/1.1 503 ") {
			said++
		}
		_ = c.Close()
	}
	m := at.metrics(t)
	if refused := m[`rollcall_connections_refused_total{reason="open files"}`]; refused == 0 || said < 100 {
		t.Errorf("%v were refused for want of files, %d of %d were told to come back; want most of them", refused, said, len(crowd))
	}
	for now := 0.0; own > 0 && (now == 0 || now > own+10) && pause(t.Context(), 10*time.Millisecond); { // until the crowd has left
		now = at.metrics(t)["process_open_fds"]
	}
	for i := range 20 {
		if err := visitOnce(at, key, "afterwards-"+strconv.Itoa(i), &took); err != nil {
			t.Errorf("after the crowd: %v", err)
		}
	}
}
