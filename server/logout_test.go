package server_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestAPendingLogoutComesBeforeTheLoginOnTheSameConnection(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice, bob := w.device("alice", "phone", rollcall.Android), w.device("bob", "phone", rollcall.Android)
		alice.online().hangUp()
		synctest.Wait()
		p := w.connect()
		p.send(alice.logout()) // its answer is not awaited
		p.send(bob.attempt())
		if f := p.read(); f.GetId() != 1 || !f.GetLogout().GetKnown() {
			t.Errorf("the logout was answered with %v", f)
		}
		if f := p.read(); f.GetId() != 2 || f.GetSession() == nil {
			t.Errorf("the login was answered with %v", f)
		}
		w.wantHistory("alice", "signed up", "login 1", "away 1", "logout 1")
		if got := outcome(w.connect().ask(alice.resume())); got != "log in again" {
			t.Errorf("a resume after the logout was answered with %s, want log in again", got)
		}
	})
}

func TestALogoutEndsOnlyTheSessionItNames(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		phone, mac := w.device("alice", "phone", rollcall.Android), w.device("alice", "mac", rollcall.Mac)
		p, q := phone.online(), mac.online()
		p.ask(mac.logout())
		q.closed(wire.CloseLoggedOut)
		p.silent(time.Second)
		if f := p.ask(phone.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("the own logout was answered with %v", f)
		}
		w.wantHistory("alice", "signed up", "login 1", "login 2", "logout 2", "logout 1")
	})
}

func TestALogoutThatNothingProvesIsNotKnownAndEndsNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		before := w.state("alice")
		for name, spoil := range map[string]func(q *wire.LogoutRequest){
			"another fixed half":          func(q *wire.LogoutRequest) { q.FixedHalf = bytes.Repeat([]byte{1}, wire.HalfBytes) },
			"and another's UserSig":       func(q *wire.LogoutRequest) { q.FixedHalf, q.UserSig = d.draw(), w.sig("bob", time.Hour) },
			"and a forged UserSig":        func(q *wire.LogoutRequest) { q.FixedHalf, q.UserSig = d.draw(), "hello" },
			"of an account never seen":    func(q *wire.LogoutRequest) { q.UserId = "nobody" },
			"with the hash of its secret": func(q *wire.LogoutRequest) { q.FixedHalf = d.proof()[:wire.HalfBytes] },
		} {
			q := d.logout()
			q.TryNumber += 1000
			spoil(q)
			if f := w.connect().ask(q); f.GetLogout() == nil || f.GetLogout().GetKnown() {
				t.Errorf("a logout with %s was answered with %v, want not known", name, f)
			}
		}
		after := w.state("alice")
		if len(after.Sessions) != 1 || after.Tries[0].Highest != before.Tries[0].Highest {
			t.Errorf("logouts without proof changed %+v to %+v", before, after)
		}
		if s := w.state("nobody"); s.Exists() || len(s.Tries) != 0 {
			t.Errorf("a logout without proof left %+v", s)
		}
		p.silent(time.Second)
	})
}

func TestALogoutOfAnUnknownAppIs70020(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online()
		q := d.logout()
		q.App++
		w.connect().refused(q, imcode.AppNotFound)
	})
}

func TestALogoutMakesItsAttemptsLateLoginStale(t *testing.T) {
	for _, tt := range []struct {
		name   string
		exists bool
	}{{"of an account that exists", true}, {"of one that does not", false}} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				if tt.exists {
					w.device("alice", "mac", rollcall.Mac).online()
				}
				d := w.device("alice", "phone", rollcall.Android)
				late := d.attempt() // given up without an answer, and still on its way
				q := d.logout()
				q.UserSig = d.sig
				if f := w.connect().ask(q); !f.GetLogout().GetKnown() {
					t.Fatalf("the logout with a UserSig was answered with %v", f)
				}
				if got := outcome(w.connect().ask(late)); got != "stale" {
					t.Errorf("the late login was answered with %s, want stale", got)
				}
				if got := w.state("alice").Exists(); got != tt.exists {
					t.Errorf("the account exists: %v, want %v", got, tt.exists)
				}
				d.online() // a new attempt is free to come
			})
		})
	}
}

func TestALogoutWithAnOldTryNumberIsCarriedOut(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.try = 50
		p := d.online()
		q := d.logout()
		q.TryNumber = 1
		if f := p.ask(q); !f.GetLogout().GetKnown() {
			t.Errorf("answered with %v, want known", f)
		}
		if n := len(w.state("alice").Sessions); n != 0 {
			t.Errorf("%d sessions after the logout, want 0", n)
		}
	})
}

func TestALogoutRepeatedIsKnownAndWritesNothingMore(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		for range 3 {
			if f := p.ask(d.logout()); !f.GetLogout().GetKnown() {
				t.Errorf("answered with %v, want known", f)
			}
		}
		w.wantHistory("alice", "signed up", "login 1", "logout 1")
	})
}

func TestALogoutJustAfterTheEndOfItsUserSigIsToldOfThatEnd(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = signed(t, app, w.key, "alice", time.Now().Add(-time.Hour), time.Hour)
		p := d.online()
		b.blind() // the sweep does not see the end
		time.Sleep(2 * time.Second)
		p.send(d.logout())
		if n := p.read(); !n.GetNotice().GetExpired() {
			t.Errorf("got %v, want the notice: the session ended before its logout", n)
		}
	})
}

func TestALogoutAcknowledgesTheKickOfItsSession(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "old", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		w.device("alice", "new", rollcall.Android).online()
		if f := w.connect().ask(d.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("answered with %v, want known", f)
		}
		if n := len(w.state("alice").Kicks); n != 0 {
			t.Errorf("%d kick rows after the logout of the kicked session, want 0", n)
		}
	})
}
