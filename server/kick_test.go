package server_test

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestTheEvictedOneGetsTheNoticeAsItsLastFrame(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		old := w.device("alice", "old phone's", rollcall.Android)
		old.id = "old-phone"
		p := old.online()
		young := w.device("alice", "new-phone", rollcall.Android)
		young.name = "Alice's new one"
		young.online()
		f := p.read()
		n := f.GetNotice()
		if f.GetId() != 0 || n.GetSession() != 1 || n.GetReason() != wire.Reason_REASON_NEWER_LOGIN || n.GetCode() != 0 || n.GetExpired() {
			t.Errorf("the evicted one got %v, want a push: newer login", f)
		}
		if n.GetBySession() != 2 || n.GetByPlatform() != uint32(rollcall.Android) || n.GetByDeviceName() != young.name || n.GetText() == "" {
			t.Errorf("the notice %v does not say who took the place", n)
		}
		p.send(&wire.PingRequest{}) // not read any more
		p.send(old.logout())
		p.send(&wire.Acknowledgement{Session: 2}) // of another's
		p.silent(4 * time.Second)
		if rows := w.state("alice").Kicks; len(rows) != 1 {
			t.Errorf("%d kick rows before the acknowledgement, want 1", len(rows))
		}
		p.send(&wire.Acknowledgement{Session: 1})
		p.closed(wire.CloseKicked)
		synctest.Wait()
		if rows := w.state("alice").Kicks; len(rows) != 0 {
			t.Errorf("%d kick rows after the acknowledgement, want 0", len(rows))
		}
		w.wantHistory("alice", "signed up", "login 1", "kicked 1", "login 2")
	})
}

func TestANoticeThatIsNotAcknowledgedClosesAfter5SecondsAndStays(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.device("alice", "old", rollcall.Android).online()
		w.device("alice", "new", rollcall.Android).online()
		p.read()
		began := time.Now()
		p.closedWithin(time.Minute, wire.CloseKicked)
		if took := p.ended.Sub(began); took != 5*time.Second {
			t.Errorf("closed after %v, want 5 s", took)
		}
		if rows := w.state("alice").Kicks; len(rows) != 1 {
			t.Errorf("%d kick rows without an acknowledgement, want 1", len(rows))
		}
		time.Sleep(7*24*time.Hour + time.Second)
		w.device("alice", "mac", rollcall.Mac).online()
		if rows := w.state("alice").Kicks; len(rows) != 0 {
			t.Errorf("%d kick rows after 7 days, want 0", len(rows))
		}
	})
}

func TestKickedWhileAway(t *testing.T) {
	for _, tt := range []struct {
		name     string
		platform rollcall.Platform
		s1, s2   bool
		resume   string // the answer to a resume
		auto     string // the answer to an automatic login
		login    string // the answer to a login()
	}{
		{"both switches off", rollcall.Android, false, false, "log in again", "session", "session"},
		{"told on reconnect", rollcall.Android, true, false, "notice 6208", "notice 6208", "session"},
		{"told on login", rollcall.Android, false, true, "log in again", "session", "refused 6208"},
		{"the Web behaves as with both off", rollcall.Web, true, true, "log in again", "session", "session"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{TellKickedOnReconnect: tt.s1, TellKickedOnLogin: tt.s2}); err != nil {
					t.Fatal(err)
				}
				for request, want := range map[string]string{"resume": tt.resume, "automatic": tt.auto, "login": tt.login} {
					user := "user-" + request
					d := w.device(user, "old", tt.platform)
					d.online().hangUp()
					synctest.Wait()
					w.device(user, "new", tt.platform).online()
					p := w.connect()
					var f *wire.ServerFrame
					if request == "resume" {
						f = p.ask(d.resume())
					} else {
						q := d.attempt()
						q.Automatic = request == "automatic"
						f = p.ask(q)
					}
					if got := outcome(f); got != want {
						t.Errorf("%s was answered with %s, want %s", request, got, want)
					}
				}
			})
		})
	}
}

// outcome is an answer in a word or two.
func outcome(f *wire.ServerFrame) string {
	switch {
	case f.GetSession() != nil:
		return "session"
	case f.GetLoginAgain() != nil:
		return "log in again"
	case f.GetStale() != nil:
		return "stale"
	case f.GetNotice() != nil:
		return fmt.Sprintf("notice %d", f.GetNotice().GetCode())
	case f.GetRefusal() != nil:
		return fmt.Sprintf("refused %d", f.GetRefusal().GetCode())
	}
	return fmt.Sprint(f)
}

func TestALoginStoppedBy6208SucceedsOnceItCarriesTheKickAsSeen(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{TellKickedOnLogin: true}); err != nil {
			t.Fatal(err)
		}
		d := w.device("alice", "old", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		w.device("alice", "new", rollcall.Android).online()
		p := w.connect()
		for range 2 { // again and again, until it is seen
			r := p.refused(d.attempt(), imcode.KickedOffByOther)
			if n := r.GetKicked(); n.GetSession() != 1 || n.GetReason() != wire.Reason_REASON_NEWER_LOGIN {
				t.Errorf("the refusal tells %v, want the loss of session 1", n)
			}
		}
		q := d.attempt()
		q.KickSeen = 1
		d.granted(p.ask(q))
		w.wantHistory("alice", "signed up", "login 1", "away 1", "kicked 1", "login 2", "refused 6208 x2", "kicked 2", "login 3")
	})
}

func TestANoticeToWhoReturnsIsGivenAgainUntilItIsAcknowledged(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{TellKickedOnReconnect: true}); err != nil {
			t.Fatal(err)
		}
		d := w.device("alice", "old", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		w.device("alice", "new", rollcall.Android).online()
		for range 2 {
			p := w.connect()
			if got := outcome(p.ask(d.resume())); got != "notice 6208" {
				t.Fatalf("a resume was answered with %s, want the notice", got)
			}
			p.hangUp()
		}
		p := w.connect()
		p.ask(d.resume())
		p.send(&wire.Acknowledgement{Session: 1})
		p.closed(wire.CloseKicked)
		if got := outcome(w.connect().ask(d.resume())); got != "log in again" {
			t.Errorf("after the acknowledgement a resume was answered with %s, want log in again", got)
		}
	})
}

func TestANoticeWithoutAProofCannotBeAcknowledged(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{TellKickedOnReconnect: true}); err != nil {
			t.Fatal(err)
		}
		d := w.device("alice", "old", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		w.device("alice", "new", rollcall.Android).online()
		q := d.attempt() // names the session, proves nothing of it
		q.Automatic = true
		p := w.connect()
		if got := outcome(p.ask(q)); got != "notice 6208" {
			t.Fatalf("the automatic login was answered with %s, want the notice", got)
		}
		p.send(&wire.Acknowledgement{Session: 1})
		p.closed(wire.CloseKicked)
		synctest.Wait()
		if rows := w.state("alice").Kicks; len(rows) != 1 {
			t.Errorf("%d kick rows after an acknowledgement without proof, want 1", len(rows))
		}
	})
}

func TestOtherPlatformsAndAccountsAreLeftAlone(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		var others []*peer
		for i, p := range []rollcall.Platform{rollcall.IPhone, rollcall.Mac, rollcall.Web, rollcall.PlatformOther} {
			others = append(others, w.device("alice", fmt.Sprintf("d%d", i), p).online())
		}
		others = append(others, w.device("bob", "b", rollcall.Android).online())
		old := w.device("alice", "old", rollcall.Android).online()
		w.device("alice", "new", rollcall.Android).online()
		old.read()
		for _, p := range others {
			p.silent(time.Second)
		}
	})
}

// TestManyLoginsAtOnce lets devices of one account log in at once, over and over,
// and holds each connection to its order: one answer, then at most one notice,
// then nothing; and whoever was answered later leaves nothing to the earlier.
func TestManyLoginsAtOnce(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		const devices, rounds = 10, 5
		var mu sync.Mutex
		answered := map[uint64]int{} // sessions that were granted, by how often
		noticed := map[uint64]int{}  // and kicked
		var wg sync.WaitGroup
		for i := range devices {
			d := w.device("alice", fmt.Sprintf("d%d", i), rollcall.Android)
			var peers []*peer
			for range rounds {
				peers = append(peers, w.connect())
			}
			wg.Go(func() {
				for _, p := range peers {
					p.send(d.attempt())
					order, session := watch(p)
					mu.Lock()
					switch order {
					case "session notice", "session notice close":
						answered[session]++
						noticed[session]++
					case "notice", "notice close": // it overtook the answer, under the login's id
						noticed[session]++
					case "session":
						answered[session]++
					default:
						t.Errorf("a connection saw %q", order)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		s := w.state("alice")
		if s.Counter != devices*rounds || len(s.Sessions) != 1 || s.Sessions[0].Number != s.Counter {
			t.Errorf("%d sessions were made, %+v are left; want %d and the last of them", s.Counter, s.Sessions, devices*rounds)
		}
		for n := range s.Counter {
			if noticed[n+1] > 1 || answered[n+1] > 1 {
				t.Errorf("session %d was answered %d times and kicked %d times", n+1, answered[n+1], noticed[n+1])
			}
		}
		if noticed[s.Counter] != 0 {
			t.Error("the last one was kicked")
		}
	})
}

// watch reads a connection until it is quiet or ends, and says what came, in
// order, and for which session.
func watch(p *peer) (order string, session uint64) {
	said := func(s string) {
		if order != "" {
			order += " "
		}
		order += s
	}
	for {
		f, err := p.frame(500 * time.Millisecond)
		switch {
		case errors.Is(err, io.EOF):
			return order, session
		case err != nil: // quiet
			return order, session
		case f.Header.OpCode == ws.OpClose:
			said("close")
			return order, session
		}
		s := p.decode(f)
		switch {
		case s.GetSession() != nil && s.GetId() == 1:
			session = s.GetSession().GetSession()
			said("session")
		case s.GetNotice() != nil && (s.GetId() == 0) == (order == "session"):
			session = s.GetNotice().GetSession()
			said("notice")
			p.send(&wire.Acknowledgement{Session: session})
		default:
			said(fmt.Sprint(s))
		}
	}
}
