package badnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/internal/badnet"
	"rollcall.example/internal/memnet"
)

// A world is a proxy in memory, with a server behind it.
type world struct {
	t        *testing.T
	net      *memnet.Network
	proxy    *badnet.Proxy
	accepted chan net.Conn // at the server
}

// story tells a story about a line in fake time.
func story(t *testing.T, seed uint64, line badnet.Line, tell func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: &memnet.Network{}, accepted: make(chan net.Conn, 100)}
		server, front := w.listen("server:1"), w.listen("proxy:1")
		w.proxy = badnet.New(front, func(ctx context.Context) (net.Conn, error) { return w.net.Dial(ctx, "tcp", "server:1") }, seed, line)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := w.proxy.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			for {
				c, err := server.Accept()
				if err != nil {
					return
				}
				w.accepted <- c
			}
		})
		tell(t, w)
		cancel()
		_ = server.Close()
		all.Wait()
	})
}

func (w *world) listen(address string) net.Listener {
	w.t.Helper()
	l, err := w.net.Listen(address)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := w.net.Dial(w.t.Context(), "tcp", "proxy:1")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// connect is a connection through the proxy, with both its ends.
func (w *world) connect() (client, server net.Conn) {
	w.t.Helper()
	client = w.dial()
	synctest.Wait()
	select {
	case server = <-w.accepted:
		w.t.Cleanup(func() { _ = server.Close() })
		return client, server
	default:
		w.t.Fatal("nobody has reached the server")
		return nil, nil
	}
}

// transit sends so many bytes and says how long they took.
func (w *world) transit(from, to net.Conn, n int) time.Duration {
	w.t.Helper()
	began := time.Now()
	sent := make([]byte, n)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	done := make(chan error, 1)
	go func() {
		_, err := from.Write(sent)
		done <- err
	}()
	got := make([]byte, n)
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, sent) {
		w.t.Fatalf("%d bytes arrived as others, %v", n, err)
	}
	took := time.Since(began)
	if err := <-done; err != nil {
		w.t.Fatal(err)
	}
	return took
}

func TestDelay(t *testing.T) {
	story(t, 1, badnet.Line{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond}, func(t *testing.T, w *world) {
		client, server := w.connect()
		var least, most time.Duration = time.Hour, 0
		for i := range 1000 {
			from, to := client, server
			if i%2 == 1 {
				from, to = to, from
			}
			took := w.transit(from, to, 100)
			least, most = min(least, took), max(most, took)
		}
		if least < 30*time.Millisecond || least > 32*time.Millisecond || most > 70*time.Millisecond || most < 68*time.Millisecond {
			t.Errorf("from %v to %v, want 30 to 70 ms", least, most)
		}
		w.proxy.Set(badnet.Line{})
		if took := w.transit(client, server, 100); took != 0 {
			t.Errorf("on a good line it took %v", took)
		}
	})
}

// TestLossIsAStall of the retransmission timeout, which doubles, and holds up what
// comes after it.
func TestLossIsAStall(t *testing.T) {
	story(t, 1, badnet.Line{Delay: 50 * time.Millisecond, Loss: 0.05}, func(t *testing.T, w *world) {
		client, server := w.connect()
		stalls := map[time.Duration]int{}
		const messages = 4000
		for range messages {
			stalls[w.transit(client, server, 100)-50*time.Millisecond]++
		}
		const once, twice, thrice = 300 * time.Millisecond, 900 * time.Millisecond, 2100 * time.Millisecond
		lost := messages - stalls[0]
		if lost < messages*4/100 || lost > messages*6/100 || stalls[twice] == 0 || stalls[twice] > lost/5 ||
			stalls[0]+stalls[once]+stalls[twice]+stalls[thrice] != messages {
			t.Errorf("of %d messages were held up: %v", messages, stalls)
		}
	})
	story(t, 1, badnet.Line{Loss: 1}, func(t *testing.T, w *world) {
		client, server := w.connect()
		for _, says := range []string{"one", "two"} {
			if _, err := client.Write([]byte(says)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		began := time.Now()
		b := make([]byte, 3)
		for _, want := range []string{"one", "two"} {
			if _, err := io.ReadFull(server, b); err != nil || string(b) != want {
				t.Fatalf("got %s, %v, want %s", b, err, want)
			}
			if took := time.Since(began); took != 63*200*time.Millisecond {
				t.Errorf("%s, lost 6 times, came after %v", want, took)
			}
		}
	})
}

func TestBandwidth(t *testing.T) {
	story(t, 1, badnet.Line{Bandwidth: 10_000}, func(t *testing.T, w *world) {
		client, server := w.connect()
		for _, way := range [2][2]net.Conn{{client, server}, {server, client}} {
			if took := w.transit(way[0], way[1], 100_000); took.Round(time.Millisecond) != 10*time.Second {
				t.Errorf("100 KB at 10 KB/s took %v", took)
			}
		}
	})
}

// TestTheSeedIsTheNetwork: the same has the same, another has another.
func TestTheSeedIsTheNetwork(t *testing.T) {
	var all []string
	for _, seed := range []uint64{7, 7, 8} {
		story(t, seed, badnet.Poor, func(t *testing.T, w *world) {
			var took []time.Duration
			for range 3 {
				client, server := w.connect()
				for range 50 {
					took = append(took, w.transit(client, server, 100))
				}
			}
			all = append(all, fmt.Sprint(took))
		})
	}
	if all[0] != all[1] || all[0] == all[2] {
		t.Errorf("the same seeds are the same: %t, others are: %t", all[0] == all[1], all[0] == all[2])
	}
}

// TestASlowReaderHoldsTheWriterUp: what is under way is bounded.
func TestASlowReaderHoldsTheWriterUp(t *testing.T) {
	story(t, 1, badnet.Poor, func(t *testing.T, w *world) {
		client, server := w.connect()
		if err := client.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		n, err := client.Write(make([]byte, 10<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n < 256<<10 || n > 512<<10 {
			t.Errorf("%d bytes were taken, %v", n, err)
		}
		if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
			t.Errorf("of which not all arrive: %v", err)
		}
	})
}

// hears is what an end hears within a minute: "end", "nothing", or what was said.
func hears(c net.Conn) string {
	b := make([]byte, 100)
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	switch n, err := c.Read(b); {
	case err == nil:
		return string(b[:n])
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	default:
		return "end"
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		how            badnet.Break
		client, server string
	}{
		{badnet.Reset, "end", "end"},
		{badnet.Unplug, "end", "nothing"},
		{badnet.Forget, "nothing", "end"},
		{badnet.Silent, "nothing", "nothing"},
	} {
		story(t, 1, badnet.Poor, func(t *testing.T, w *world) {
			client, server := w.connect()
			say := func(c net.Conn, what string) {
				if _, err := c.Write([]byte(what)); err != nil && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("break %d: %v", tt.how, err)
				}
			}
			say(client, "on its way") // and does not arrive
			w.proxy.Cut(tt.how)
			if got := hears(client); got != tt.client {
				t.Errorf("break %d: the client hears %s, want %s", tt.how, got, tt.client)
			}
			if got := hears(server); got != tt.server {
				t.Errorf("break %d: the server hears %s, want %s", tt.how, got, tt.server)
			}
			say(server, "lost?")
			late := w.dial()
			say(late, "hello")
			want := "end"
			if tt.how == badnet.Silent {
				want = "nothing"
			}
			if got := hears(late); got != want {
				t.Errorf("break %d: who dials hears %s, want %s", tt.how, got, want)
			}
			w.proxy.Mend()
			again, other := w.connectAfter(tt.how, late)
			if want = "hello"; tt.how != badnet.Silent {
				say(again, want)
			}
			if got := hears(other); got != want {
				t.Errorf("break %d: mended, the server hears %s", tt.how, got)
			}
			if tt.how == badnet.Silent {
				tt.client, tt.server = "lost?", "on its way"
			}
			got := []string{hears(client), hears(server)}
			if want := []string{tt.client, tt.server}; !slices.Equal(got, want) {
				t.Errorf("break %d: mended, the first connection hears %q, want %q", tt.how, got, want)
			}
		})
	}
}

// connectAfter is a connection after a break: the one that was dialled meanwhile, if
// that waits in silence.
func (w *world) connectAfter(how badnet.Break, late net.Conn) (client, server net.Conn) {
	w.t.Helper()
	if how != badnet.Silent {
		return w.connect()
	}
	server = <-w.accepted
	w.t.Cleanup(func() { _ = server.Close() })
	return late, server
}

// TestAnEndIsTheEnd of both, after what was said before.
func TestAnEndIsTheEnd(t *testing.T) {
	story(t, 1, badnet.Poor, func(t *testing.T, w *world) {
		client, server := w.connect()
		if _, err := client.Write([]byte("bye")); err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		if got := hears(server); got != "bye" {
			t.Errorf("the server hears %s", got)
		}
		if got := hears(server); got != "end" {
			t.Errorf("and then %s", got)
		}
	})
}

// TestWithoutAServerNobodyIsServed.
func TestWithoutAServerNobodyIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: &memnet.Network{}}
		w.proxy = badnet.New(w.listen("proxy:1"), func(ctx context.Context) (net.Conn, error) { return w.net.Dial(ctx, "tcp", "server:1") }, 1, badnet.Poor)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.proxy.Run(ctx) }()
		if got := hears(w.dial()); got != "end" {
			t.Errorf("the client hears %s", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestOverTCP: what it is for.
func TestOverTCP(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	dial := func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", server.Addr().String()) }
	p := badnet.New(front, dial, 1, badnet.Line{Delay: time.Millisecond, Loss: 0.01, Bandwidth: 10 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	accepted := make(chan net.Conn)
	all.Go(func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	})
	defer all.Wait()
	defer server.Close()
	defer cancel()
	w := &world{t: t}
	pair := func() (client, behind net.Conn) {
		client, err := d.DialContext(ctx, "tcp", front.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		behind = <-accepted
		t.Cleanup(func() { _ = behind.Close() })
		return client, behind
	}
	client, behind := pair()
	w.transit(client, behind, 100_000)
	w.transit(behind, client, 100_000)
	p.Cut(badnet.Reset)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut, the client reads %v", err)
	}
	if _, err := behind.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut, the server reads %v", err)
	}
	p.Mend()
	client, behind = pair()
	p.Cut(badnet.Unplug)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("unplugged, the client reads %v", err)
	}
	if _, err := behind.Write(make([]byte, 100)); err != nil {
		t.Errorf("unplugged, the server writes: %v", err)
	}
	p.Cut(badnet.Forget) // by the server, too
	if _, err := behind.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("forgotten, the server reads %v", err)
	}
}
