package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/internal/gateway"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// sentAway reads what a connection is told on which nothing was said: to come back.
func sentAway(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("no word: %v", err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil {
		t.Error(err)
	}
	_ = a.Body.Close()
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); a.StatusCode != http.StatusServiceUnavailable || err != nil || seconds < 1 {
		t.Errorf("answered with %s, back after %q s; want 503 and a time", a.Status, a.Header.Get("Retry-After"))
	}
	if b, err := in.ReadByte(); err == nil {
		t.Errorf("after the word comes %q", b)
	}
}

// refusals is how many connections were refused for a reason.
func (w *world) refusals(reason string) float64 {
	w.t.Helper()
	synctest.Wait()
	return w.metric(`rollcall_connections_refused_total{reason="` + reason + `"}`)
}

func TestWhereAllAreLoggedInNobodyComesInAndIsToldSo(t *testing.T) {
	story(t, server.Config{Connections: 2}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android).online()
		w.device("bob", "phone", rollcall.Android).online()
		for range 100 {
			sentAway(t, w.dial())
		}
		if n := w.refusals("full"); n != 100 {
			t.Errorf("%v refused, want 100", n)
		}
		alice.hangUp()
		synctest.Wait()
		w.device("carol", "phone", rollcall.Android).online()
	})
}

func TestWhoIsNotLoggedInMakesRoom(t *testing.T) {
	story(t, server.Config{Connections: 3, ConnectionsWithoutLogin: 3}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android).online()
		silent, upgraded := w.dial(), w.connect()
		synctest.Wait()
		bob := w.connect() // the silent one goes
		sentAway(t, silent)
		carol := w.connect() // who has upgraded and says nothing goes next
		if c := upgraded.closed(wire.CloseOverloaded); c.RetryAfter < time.Second {
			t.Errorf("back after %v, want a time", c.RetryAfter)
		}
		for name, p := range map[string]*peer{"bob": bob, "carol": carol} {
			d := w.device(name, "phone", rollcall.Android)
			d.granted(p.ask(d.attempt()))
		}
		alice.ask(&wire.PingRequest{})
		sentAway(t, w.dial())
		if crowd, full := w.refusals("crowded out"), w.refusals("full"); crowd != 2 || full != 1 {
			t.Errorf("%v made room, %v were refused; want 2 and 1", crowd, full)
		}
	})
}

func TestAFloodPushesOutItself(t *testing.T) {
	for name, from := range map[string]func(w *world, i int) net.Conn{
		"from one address":     func(w *world, _ int) net.Conn { return w.dialFrom("flood") },
		"from a few addresses": func(w *world, i int) net.Conn { return w.dialFrom("flood-" + strconv.Itoa(i%5)) },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{ConnectionsWithoutLogin: 20}, func(t *testing.T, w *world) {
				p := w.connect() // who is slow to log in, from elsewhere
				for i := range 200 {
					c := from(w, i)
					if i%2 == 0 {
						w.speak(c, wire.Proto)
					}
				}
				synctest.Wait()
				if n := w.metric("rollcall_connections_without_login"); n != 20 {
					t.Errorf("%v connections are inside without a login, want 20", n)
				}
				d := w.device("alice", "phone", rollcall.Android)
				d.granted(p.ask(d.attempt()))
				w.healthy()
			})
		})
	}
}

func TestAnAddressHasABound(t *testing.T) {
	story(t, server.Config{ConnectionsPerAddress: 2}, func(t *testing.T, w *world) {
		for _, id := range []string{"phone", "pad"} {
			d, p := w.device("alice", id, rollcall.Android), w.speak(w.dialFrom("home"), wire.Proto)
			d.granted(p.ask(d.attempt()))
			if id == "phone" {
				w.dialFrom("home") // says nothing, and makes room
			}
		}
	})
}

func TestWhoLogsOutMakesRoomAgain(t *testing.T) {
	story(t, server.Config{Connections: 1}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		sentAway(t, w.dial())
		if f := p.ask(d.logout()); !f.GetLogout().GetKnown() {
			t.Fatalf("a logout was answered with %v", f)
		}
		w.device("bob", "phone", rollcall.Android).online()
		p.closed(wire.CloseOverloaded)
	})
}

func TestALoginThatIsServedMakesNoRoom(t *testing.T) {
	balkyStoryBehind(t, gateway.DoorOptions{Connections: 1}, 0, func(t *testing.T, w *world, b *balky) {
		hold := make(chan struct{})
		b.waitOnce("phone", hold)
		d, p := w.device("alice", "phone", rollcall.Android), w.connect()
		p.send(d.attempt())
		synctest.Wait() // its login is committed, and not answered
		sentAway(t, w.dial())
		close(hold)
		d.granted(p.read())
	})
}

func TestTheClientComesInWhenThereIsRoom(t *testing.T) {
	story(t, server.Config{Connections: 1}, func(t *testing.T, w *world) {
		full := w.device("bob", "phone", rollcall.Android).online()
		d := w.phone("alice", "phone", rollcall.Android)
		go func() {
			time.Sleep(5 * time.Second)
			full.hangUp()
		}()
		d.in()
		same(t, "signals", d.signals(), nil)
	})
}

func TestCompressionIsDeclined(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		offer := "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"
		for _, in := range []bool{false, true} {
			p := &peer{t: t, net: w.dial(), sub: wire.Proto}
			p.in = bufio.NewReader(p.net)
			status, header := p.upgrade(offer)
			if status != http.StatusSwitchingProtocols || len(header.Values("Sec-WebSocket-Extensions")) != 0 {
				t.Fatalf("an offer of compression was answered with %d and %q", status, header)
			}
			if in {
				d := w.device("alice", "phone", rollcall.Android)
				d.granted(p.ask(d.attempt()))
			}
			f := ws.NewBinaryFrame([]byte{0x02, 0x00}) // deflate's empty block
			f.Header.Rsv = ws.Rsv(true, false, false)
			f.Header.Masked = true
			p.write(ws.MustCompileFrame(f))
			p.closed(wire.CloseBadFrame)
		}
	})
}

// TestAStormOfLoginsIsMetByTheClientItself: more log in at once than the store takes.
// Those that are sent away come back by themselves, their apps hear of nothing, and who
// is in is served.
func TestAStormOfLoginsIsMetByTheClientItself(t *testing.T) {
	balkyStoryBehind(t, gateway.DoorOptions{}, 10*time.Millisecond, func(t *testing.T, w *world, b *balky) {
		in := w.device("well", "phone", rollcall.Android).online()
		back := w.device("back", "phone", rollcall.Android)
		back.online().hangUp()
		synctest.Wait()
		b.slow(20 * time.Millisecond)
		var all sync.WaitGroup
		phones := make([]*phone, 150)
		for i := range phones {
			phones[i] = w.phone("user"+strconv.Itoa(i), "phone", rollcall.Android)
			all.Go(func() { phones[i].in() })
		}
		for range 20 {
			time.Sleep(100 * time.Millisecond)
			asked := time.Now()
			in.ask(&wire.PingRequest{})
			if took := time.Since(asked); took > 10*time.Millisecond {
				t.Errorf("a ping took %v", took)
			}
		}
		asked := time.Now()
		p := w.connect()
		p.send(back.resume())
		back.granted(p.readWithin(5 * time.Second))
		if took := time.Since(asked); took > 2*time.Second {
			t.Errorf("a return took %v", took)
		}
		all.Wait()
		if b.busy.Load() == 0 {
			t.Error("nobody was told to come back")
		}
		for _, x := range phones {
			same(t, "signals", x.signals(), nil)
		}
	})
}
