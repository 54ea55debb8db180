package server_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestAWebPageIsAdmittedFromTheOwnOriginAndThoseListed(t *testing.T) {
	story(t, server.Config{Origins: []string{"https://app.example", "http://localhost:3000"}}, func(t *testing.T, w *world) {
		for origin, want := range map[string]int{
			"https://app.example":           http.StatusSwitchingProtocols,
			"http://localhost:3000":         http.StatusSwitchingProtocols,
			"http://rollcall.test":          http.StatusForbidden, // the server's own name is one of a name server's, and is not listed
			"https://app.example.evil.test": http.StatusForbidden,
			"http://app.example":            http.StatusForbidden,
			"https://app.example:8443":      http.StatusForbidden,
			"http://localhost:3001":         http.StatusForbidden,
			"http://rollcall.test.evil":     http.StatusForbidden,
			"null":                          http.StatusForbidden,
			"rollcall.test":                 http.StatusForbidden,
			"%":                             http.StatusForbidden,
		} {
			c := w.dial()
			p := &peer{t: t, net: c, in: bufio.NewReader(c), sub: wire.JSON}
			if status, _ := p.upgrade("Origin: " + origin); status != want {
				t.Errorf("origin %s was answered with %d, want %d", origin, status, want)
			}
			p.hangUp()
		}
		p := w.speak(w.dial(), wire.JSON, "Origin: http://rollcall.test", "X-Forwarded-For: 192.0.2.7") // a proxy's own page
		p.hangUp()
	})
	story(t, server.Config{}, func(_ *testing.T, w *world) {
		w.speak(w.dial(), wire.JSON, "Origin: http://rollcall.test").hangUp()
	})
}

// TestTheLogNamesAnOriginThatIsNotAdmitted: the page learns no more than that there is no
// connection. Whoever claims many origins does not fill the log.
func TestTheLogNamesAnOriginThatIsNotAdmitted(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		refuse := func(origin string) {
			c := w.dial()
			p := &peer{t: t, net: c, in: bufio.NewReader(c), sub: wire.JSON}
			if status, _ := p.upgrade("Origin: " + origin); status != http.StatusForbidden {
				t.Errorf("origin %s was answered with %d", origin, status)
			}
			p.hangUp()
		}
		told := func(text string) int { return strings.Count(w.log.String(), text) }
		refuse("http://localhost:5173")
		if told("[web] origins") != 1 || told("origin=http://localhost:5173 refused_since=0") != 1 {
			t.Errorf("the log has\n%s", w.log)
		}
		for range 100 {
			refuse("http://flood.example/" + strings.Repeat("x", 1000))
		}
		if told("flood.example") != 0 {
			t.Errorf("within a minute the log has\n%s", w.log)
		}
		time.Sleep(time.Minute)
		refuse("http://flood.example/" + strings.Repeat("x", 1000))
		if told("flood.example") != 1 || told("refused_since=100") != 1 || told(strings.Repeat("x", 100)) != 0 {
			t.Errorf("a minute later the log has\n%s", w.log)
		}
	})
}

func TestAWebPageLogsInAsWebOnly(t *testing.T) {
	story(t, server.Config{Origins: []string{"https://app.example"}}, func(t *testing.T, w *world) {
		page := func() *peer { return w.speak(w.dial(), wire.JSON, "Origin: https://app.example") }
		phone := w.device("alice", "phone", rollcall.Android)
		page().refused(phone.attempt(), imcode.InvalidParameters)
		phone.online().hangUp()
		page().refused(phone.resume(), imcode.InvalidParameters)

		tab := w.device("alice", "tab", rollcall.Web)
		p := page()
		tab.granted(p.ask(tab.attempt()))
		q := page()
		tab.granted(q.ask(tab.resume()))

		program := w.device("alice", "program", rollcall.Web) // Web without an Origin
		program.online()
	})
}

func TestAPlatformOfANewerClientIsOther(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for _, number := range []uint32{99, 1 << 31} {
			d := w.device("alice", "d", rollcall.PlatformOther)
			q := d.attempt()
			q.Platform, q.TryNumber = number, uint64(number)
			d.granted(w.connect().ask(q))
			if x := w.state("alice").Sessions; x[len(x)-1].Platform != rollcall.PlatformOther {
				t.Errorf("platform %d is stored as %s", number, x[len(x)-1].Platform)
			}
		}
	})
}

func TestTheHeartbeatIsTold(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for p, want := range map[rollcall.Platform]uint32{rollcall.Android: 120_000, rollcall.Web: 30_000} {
			d := w.device("alice", p.String(), p)
			if got := d.granted(w.connect().ask(d.attempt())).GetHeartbeatMs(); got != want {
				t.Errorf("%s is asked for a heartbeat each %d ms, want %d", p, got, want)
			}
			if got := d.granted(w.connect().ask(d.resume())).GetHeartbeatMs(); got != want {
				t.Errorf("%s coming back is asked for a heartbeat each %d ms, want %d", p, got, want)
			}
		}
	})
}

func TestANativeConnectionSilentFor400SecondsIsClosed(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		for range 5 { // heard of in time, it stays
			time.Sleep(399 * time.Second)
			p.writeFrame(ws.NewPingFrame(nil))
		}
		synctest.Wait()
		heard := time.Now()
		p.closedWithin(500*time.Second, wire.CloseIdle)
		if took := p.ended.Sub(heard); took != 400*time.Second {
			t.Errorf("closed after %v of silence, want 400 s", took)
		}
		if p.pings != 0 || p.pongs != 5 {
			t.Errorf("%d pings and %d pongs came, want 0 and 5: a native client keeps the heartbeat", p.pings, p.pongs)
		}
		synctest.Wait()
		if x := w.state("alice").Sessions[0]; x.Away.IsZero() {
			t.Error("the session without a connection is not away")
		}
		d.back()
	})
}

func TestAWebPageIsPingedEach30SecondsAndClosedAfter60OfSilence(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "tab", rollcall.Web)
		p := d.online()
		p.silent(10*time.Minute + time.Second)
		if p.pings != 20 {
			t.Errorf("%d pings in ten minutes, want 20", p.pings)
		}
		p.mute = true
		began := time.Now()
		p.closedWithin(5*time.Minute, wire.CloseIdle)
		if took := p.ended.Sub(began); took < 58*time.Second || took > 60*time.Second {
			t.Errorf("closed after %v of silence, want 60 s from the last pong", took)
		}
	})
}

func TestTheTimesOfAConnectionAreTheOperators(t *testing.T) {
	times := server.Config{
		LoginWithin: 2 * time.Second, Heartbeat: 3 * time.Second, Silence: 7 * time.Second,
		WebHeartbeat: 4 * time.Second, WebSilence: 9 * time.Second,
	}
	story(t, times, func(t *testing.T, w *world) {
		began := time.Now()
		p := w.connect()
		p.closedWithin(time.Minute, wire.CloseLoginTimeout)
		if took := p.ended.Sub(began); took != 2*time.Second {
			t.Errorf("no login: closed after %v, want 2 s", took)
		}
		for platform, want := range map[rollcall.Platform]time.Duration{rollcall.Mac: 7 * time.Second, rollcall.Web: 9 * time.Second} {
			q := w.device("alice", platform.String(), platform).online()
			q.mute = true
			began := time.Now()
			q.closedWithin(time.Minute, wire.CloseIdle)
			if took := q.ended.Sub(began); took != want {
				t.Errorf("%s: closed after %v, want %v", platform, took, want)
			}
		}
	})
}

func TestASlowReaderIsCutOffAndHoldsNobodyUp(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		b := masked(ws.NewFrame(ws.OpBinary, true, p.spell(9, &wire.PingRequest{})))
		stuck := make(chan struct{})
		go func() { // asks and asks, and reads nothing
			defer close(stuck)
			for range 100_000 {
				if _, err := p.net.Write(b); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		w.device("alice", "mac", rollcall.Mac).online() // nobody waits for it
		<-stuck
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("cut off after %v, want within about 10 s", took)
		}
		d.back()
	})
}
