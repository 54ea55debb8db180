package server_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/memnet"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestADrainAsksEveryoneToComeBackSpreadAndLosesNothing(t *testing.T) {
	story(t, server.Config{DrainSpread: 10 * time.Second}, func(t *testing.T, w *world) {
		const n = 20
		var devices []*device
		var peers []*peer
		for i := range n {
			d := w.device(fmt.Sprintf("user-%d", i), "phone", rollcall.Android)
			devices, peers = append(devices, d), append(peers, d.online())
		}
		idle := w.connect()
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the drain took %v", took)
		}
		seen := map[time.Duration]bool{}
		for _, p := range append(peers, idle) {
			c := p.closed(wire.CloseDrain)
			if c.RetryAfter < time.Second || c.RetryAfter > 11*time.Second {
				t.Errorf("asked to come back after %v, want 1 to 11 s", c.RetryAfter)
			}
			seen[c.RetryAfter] = true
		}
		if len(seen) != n+1 {
			t.Errorf("%d clients were given %d times to come back", n+1, len(seen))
		}
		if _, err := w.net.Dial(t.Context(), "tcp", host); err == nil {
			t.Error("a drained server still answers")
		}

		time.Sleep(time.Minute)
		w.start()
		for _, d := range devices {
			d.back()
			if d.session != 1 || d.conn != 2 {
				t.Errorf("%s came back as session %d, connection %d; want 1 and 2", d.user, d.session, d.conn)
			}
		}
	})
}

func TestADrainDoesNotWaitForTheDeaf(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.peers = 99
		p := w.device("alice", "phone", rollcall.Android).online() // from peer-100
		w.net.Endpoint("peer-100").Cut(memnet.Silent)
		half := w.dial() // says nothing at all
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("the drain took %v", took)
		}
		w.net.Endpoint("peer-100").Mend()
		p.hangUp()
		_ = half.Close()
	})
}

func TestARestartMakesEverySessionAwayAndEndsNone(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online()
		tab := w.device("alice", "tab", rollcall.Web)
		tab.online()
		w.stop()
		w.start() // in the same moment
		for _, x := range w.state("alice").Sessions {
			if x.Away.IsZero() || x.Node != "" {
				t.Errorf("after the restart session %d is %+v, want away", x.Number, x)
			}
		}
		d.back()
		time.Sleep(2 * time.Minute)
		if got := outcome(w.connect().ask(tab.resume())); got != "log in again" {
			t.Errorf("a tab back after two minutes was answered with %s, want log in again", got)
		}
	})
}

func TestAKickSurvivesARestart(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "old", rollcall.Android)
		d.online().hangUp()
		clone := *d
		d.back().hangUp()
		synctest.Wait()
		clone.try = 100
		w.connect().ask(clone.resume2())
		w.stop()
		w.start()
		d.try = 200
		if n := w.connect().ask(d.resume()).GetNotice(); n.GetReason() != wire.Reason_REASON_SECRET_USED_TWICE {
			t.Errorf("after the restart a resume got %v, want the notice", n)
		}
	})
}

func TestReadinessAndMetrics(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for _, path := range []string{"/healthz", "/readyz"} {
			if status, body := w.ops(path); status != http.StatusOK {
				t.Errorf("%s answers %d %q", path, status, body)
			}
		}
		p := w.device("alice", "phone", rollcall.Android).online()
		w.connect()
		synctest.Wait() // a peer has its upgrade before the connection is counted
		for name, want := range map[string]float64{
			"rollcall_connections": 2, "rollcall_sessions_connected": 1, `rollcall_logins_total{code="0"}`: 1,
		} {
			if got := w.metric(name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		p.hangUp()
		synctest.Wait()
		if got := w.metric("rollcall_sessions_connected"); got != 0 {
			t.Errorf("%v sessions are connected after the cut, want 0", got)
		}
	})
}
