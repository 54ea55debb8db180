package server_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestTheEndOfAUserSigIsPushedWithinASecond(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", time.Minute)
		ends := time.Now().Add(time.Minute + time.Second) // the last second is good
		p := d.online()
		f := p.readWithin(2 * time.Minute)
		n := f.GetNotice()
		if f.GetId() != 0 || n.GetSession() != 1 || n.GetReason() != wire.Reason_REASON_USERSIG_ENDED || !n.GetExpired() {
			t.Errorf("got %v, want a push: the UserSig ended", f)
		}
		if late := time.Since(ends); late < 0 || late > time.Second {
			t.Errorf("pushed %v after the end, want within a second", late)
		}
		p.send(&wire.Acknowledgement{Session: 1})
		p.closed(wire.CloseExpired)
		w.wantHistory("alice", "signed up", "login 1", "expired 1")
		if s := w.state("alice"); len(s.Sessions)+len(s.Kicks) != 0 {
			t.Errorf("the end of a UserSig left %+v", s)
		}
		w.connect().refused(d.attempt(), imcode.UserSigExpired)
	})
}

func TestAnEarlierEndThatComesLaterIsNotOverslept(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.device("bob", "phone", rollcall.Android).online() // the sweep sleeps until tomorrow
		time.Sleep(17 * time.Second)
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", 2*time.Second)
		p := d.online()
		if n := p.readWithin(4 * time.Second).GetNotice(); !n.GetExpired() {
			t.Errorf("got %v, want the end of the UserSig", n)
		}
	})
}

func TestManyUserSigsThatEndAtOnceAreAllTold(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		var peers []*peer
		for i := range 100 {
			d := w.device(string(rune('A'+i%26))+string(rune('a'+i/26)), "phone", rollcall.Android)
			d.sig = w.sig(d.user, 10*time.Second)
			peers = append(peers, d.online())
		}
		time.Sleep(11 * time.Second)
		for _, p := range peers {
			if !p.read().GetNotice().GetExpired() {
				t.Fatal("one was not told")
			}
		}
		if got := w.metric(`rollcall_sessions_ended_total{how="expired",reason="UserSig ended"}`); got != 100 {
			t.Errorf("%v sessions are counted as expired, want 100", got)
		}
	})
}

func TestAUserSigThatEndsWhileAwayIsToldToWhoReturns(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", time.Minute)
		d.online().hangUp()
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		p := w.connect()
		if got := outcome(p.ask(d.resume())); got != "log in again" {
			t.Errorf("a resume was answered with %s, want log in again", got)
		}
		p.refused(d.attempt(), imcode.UserSigExpired) // the automatic login says why
	})
}

func TestARenewal(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", time.Hour)
		p := d.online()
		ends := time.Now().Add(time.Hour).Unix()
		for _, tt := range []struct {
			name, sig string
			want      imcode.Code
		}{
			{"that ends sooner", w.sig("alice", 30*time.Minute), imcode.InvalidParameters},
			{"of another account", w.sig("bob", 2*time.Hour), imcode.UserSigMismatchID},
			{"that is over", signed(t, app, w.key, "alice", time.Now().Add(-time.Hour), time.Minute), imcode.UserSigExpired},
			{"from the future", signed(t, app, w.key, "alice", time.Now().Add(time.Hour), time.Hour), imcode.UserSigCheckFailed},
			{"that is empty", "", imcode.UserSigEmpty},
			{"that is none", "hello", imcode.UserSigCheckFailed},
			{"with another key", signed(t, app, "another key of 32 characters....", "alice", time.Now(), 2*time.Hour), imcode.UserSigMismatchPublicKey},
		} {
			p.refused(&wire.RenewRequest{UserSig: tt.sig}, tt.want)
			if x := w.state("alice").Sessions[0]; x.SigEnds != ends {
				t.Errorf("a renewal %s changed the end of the session to %d", tt.name, x.SigEnds)
			}
		}
		f := p.ask(&wire.RenewRequest{UserSig: w.sig("alice", 3*time.Hour)})
		if got, want := f.GetRenew().GetExpiresS(), ends+2*3600; got != want {
			t.Errorf("the renewal was answered with %v, want its end %d", f, want)
		}
		for range 3 * 12 { // through the old end
			time.Sleep(5 * time.Minute)
			if p.ask(&wire.PingRequest{}).GetPing() == nil {
				t.Fatal("the session ended with its first UserSig")
			}
		}
		if n := p.readWithin(2 * time.Second).GetNotice(); !n.GetExpired() {
			t.Errorf("at the new end came %v, want a notice", n)
		}
	})
}

func TestAResumeCarriesARenewal(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", time.Hour)
		d.online().hangUp()
		end := time.Now().Add(time.Hour).Unix()
		for _, tt := range []struct {
			name, sig string
			want      imcode.Code
		}{
			{"that ends sooner", w.sig("alice", time.Minute), imcode.InvalidParameters},
			{"of another account", w.sig("bob", 2*time.Hour), imcode.UserSigMismatchID},
			{"that is over", signed(t, app, w.key, "alice", time.Now().Add(-time.Hour), time.Minute), imcode.UserSigExpired},
			{"that is none", "hello", imcode.UserSigCheckFailed},
		} {
			q := d.resume()
			q.UserSig = tt.sig
			p := w.connect()
			s := d.granted(p.ask(q))
			if imcode.Code(s.GetRenewalCode()) != tt.want || s.GetRenewalText() == "" || s.GetExpiresS() != end {
				t.Errorf("a renewal %s came back as %v, want code %d and the old end", tt.name, s, tt.want)
			}
			p.hangUp()
		}
		q := d.resume()
		q.UserSig = w.sig("alice", 2*time.Hour)
		if s := d.granted(w.connect().ask(q)); s.GetRenewalCode() != 0 || s.GetExpiresS() != end+3600 {
			t.Errorf("a good renewal came back as %v, want the new end", s)
		}
	})
}

func TestAwaySessionsEndAfter7DaysAndOfTheWebAfterAMinute(t *testing.T) {
	for _, tt := range []struct {
		platform rollcall.Platform
		limit    time.Duration
		history  []string
	}{
		{rollcall.Android, 7 * 24 * time.Hour, []string{"signed up", "login 1", "away 1", "resume 1", "away 1", "lapsed 1"}},
		{rollcall.Web, time.Minute, []string{"signed up", "login 1", "away 1 x2", "resume 1", "lapsed 1"}},
	} {
		t.Run(tt.platform.String(), func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.device("alice", "one", tt.platform)
				d.sig = w.sig("alice", 1000*24*time.Hour)
				d.online().hangUp()
				synctest.Wait()
				time.Sleep(min(tt.limit-time.Second, time.Hour))
				d.back().hangUp() // in time
				synctest.Wait()
				time.Sleep(tt.limit + time.Second)
				if got := outcome(w.connect().ask(d.resume())); got != "log in again" {
					t.Errorf("a resume after the limit was answered with %s, want log in again", got)
				}
				w.wantHistory("alice", tt.history...)
			})
		})
	}
}
