package client_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

func TestNetworkLostAndBack(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		time.Sleep(200 * time.Millisecond)
		d.heard("connecting", "failed 9512")
		d.is(client.StatusLogined, "alice")
		d.endpoint.Mend()
		l := p.acceptWithin(10 * time.Second) // it waits longer with each try that failed
		back := l.resume()
		if back.GetSession() != 1 || back.GetUserId() != "alice" || back.GetUserSig() != "" {
			t.Errorf("the resume is %v", back)
		}
		d.heard()
		l.grant(1, 2)
		d.heard("connected")
		d.is(client.StatusLogined, "alice")
		if s := d.Session(); s.Number != 1 || s.Connection != 2 {
			t.Errorf("session %+v, want 1 and connection 2", s)
		}
	})
}

// After an hour without a network it still comes back, and it did not dial more
// than about twice a minute.
func TestBackoff(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		time.Sleep(time.Hour)
		tries := len(d.events) - 1
		if tries < 100 || tries > 500 {
			t.Errorf("%d tries in an hour", tries)
		}
		d.endpoint.Mend()
		p.acceptWithin(30 * time.Second).resume()
	})
}

func TestServerThatIsSilentIsNoticed(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Silent)
		time.Sleep(2*time.Minute + 10*time.Second)
		d.endpoint.Mend()
		p.acceptWithin(time.Minute).resume()
	})
}

func TestHeartbeatKeepsTheConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		time.Sleep(12 * time.Hour)
		d.heard()
		if len(l.frames) > 0 || len(p.conns) > 0 {
			t.Error("there were frames")
		}
	})
}

func TestSecretStep(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		in := l.login()
		l.grant(1, 1)

		l.cut()
		l = p.acceptWithin(time.Second)
		first := l.resume()
		if !bytes.Equal(first.GetFixedHalf(), in.GetFixedHalf()) || !bytes.Equal(first.GetPresentHalf(), in.GetChangingHalf()) {
			t.Error("the resume does not carry the login's halves")
		}
		same := func(what string, r *wire.ResumeRequest) {
			t.Helper()
			if !bytes.Equal(r.GetPresentHalf(), first.GetPresentHalf()) || !bytes.Equal(r.GetNextHalf(), first.GetNextHalf()) {
				t.Errorf("%s: another step", what)
			}
			if r.GetTryNumber() <= first.GetTryNumber() {
				t.Errorf("%s: try number %d after %d", what, r.GetTryNumber(), first.GetTryNumber())
			}
		}
		l.cut() // the answer is lost
		l = p.acceptWithin(10 * time.Second)
		same("repeated", l.resume())
		l.stale(100)
		again := l.resume()
		same("after stale", again)
		if again.GetTryNumber() != 101 {
			t.Errorf("after stale, highest 100: try number %d", again.GetTryNumber())
		}
		l.grant(1, 2)

		l.cut()
		second := p.acceptWithin(time.Second).resume()
		if !bytes.Equal(second.GetPresentHalf(), first.GetNextHalf()) || bytes.Equal(second.GetNextHalf(), first.GetNextHalf()) {
			t.Error("the step was not made")
		}
	})
}

// Superseded by a connection that we did not open: a lost connection.
func TestSuperseded(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.close(wire.Close{Code: wire.CloseSuperseded, Connection: 9})
		p.acceptWithin(time.Second).resume()
		d.heard("connecting")
	})
}

func TestServerThatDrains(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		began := time.Now()
		l.close(wire.Close{Code: wire.CloseDrain, RetryAfter: 20 * time.Second})
		l = p.acceptWithin(time.Minute)
		if waited := time.Since(began); waited < 20*time.Second || waited > 31*time.Second {
			t.Errorf("back after %v, asked for 20s", waited)
		}
		l.resume()
		l.refuse(imcode.Internal, 5*time.Second) // not yet
		l = p.acceptWithin(time.Minute)
		l.resume()
		l.close(wire.Close{Code: wire.CloseOverloaded, RetryAfter: time.Second})
		l = p.acceptWithin(time.Minute)
		l.resume()
		l.grant(1, 2)
		d.heard("connecting", "connected") // never an error
	})
}

func TestSentAwayWithoutANotice(t *testing.T) {
	for code, want := range map[wire.CloseCode]string{
		wire.CloseReplaced: `kicked 0 same device elsewhere [LOGOUT ""]`,
		wire.CloseKicked:   `kicked 0 unknown [LOGOUT ""]`,
		wire.CloseExpired:  `expired [LOGOUT ""]`,
	} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			if code == wire.CloseExpired {
				time.Sleep(24 * time.Hour)
				d.heard("ends in 5m0s")
			}
			l.close(wire.Close{Code: code})
			d.heard(want)
			p.idle(time.Hour)
		})
	}
}

// Untold newer login (of which 6208 is not to tell), 7 days away, not known: "log
// in again", then the automatic login, on the same connection. The app sees a
// network loss.
func TestLogInAgainThenAutomaticLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		userSig := sig("alice", time.Hour)
		d.login("alice", userSig)
		l := p.accept()
		first := l.login()
		l.grant(3, 1)
		d.heard("connecting", "connected", "login ok")
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		in := l.login()
		switch {
		case !in.GetAutomatic(), in.GetUserSig() != userSig, in.GetLastSession() != 3:
			t.Errorf("the automatic login is %v", in)
		case bytes.Equal(in.GetFixedHalf(), first.GetFixedHalf()):
			t.Error("it is not a new attempt")
		case len(in.GetProofs()) == 0:
			t.Error("it proves nothing")
		}
		d.is(client.StatusLogined, "alice")
		l.cut() // the answer is lost: the same attempt again
		l = p.acceptWithin(10 * time.Second)
		again := l.login()
		if !bytes.Equal(in.GetFixedHalf(), again.GetFixedHalf()) || !again.GetAutomatic() {
			t.Errorf("the retry is %v", again)
		}
		l.grant(4, 1)
		d.heard("connecting", "failed 9508", "connected")
		if got := d.Session().Number; got != 4 {
			t.Errorf("session %d, want 4", got)
		}
		p.idle(time.Hour - time.Minute) // and nothing is to be logged out
	})
}

func TestKickedWhileConnected(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		kicks := make(chan client.Kick, 1)
		d.AddListener(client.Listener{KickedOffline: func(k client.Kick) { kicks <- k }})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.grant(5, 1)
		at := time.UnixMilli(time.Now().UnixMilli())
		l.send(l.notice(&wire.Notice{
			Session: 5, Reason: wire.Reason_REASON_NEWER_LOGIN, Text: "taken", AtMs: at.UnixMilli(),
			BySession: 6, ByPlatform: 1, ByDeviceName: "other phone",
		}))
		if got := l.acknowledgement(); got != 5 {
			t.Errorf("acknowledged %d", got)
		}
		l.gone()
		d.heard("connecting", "connected", "login ok", `kicked 0 newer login [LOGOUT ""]`)
		want := client.Kick{Reason: client.ReasonNewerLogin, Text: "taken", At: at, BySession: 6, ByPlatform: 1, ByDeviceName: "other phone"}
		if got := <-kicks; got != want {
			t.Errorf("the kick is %+v, want %+v", got, want)
		}
		p.idle(time.Hour) // it stays out

		d.login("alice", sig("alice", time.Hour))
		in := p.accept().login()
		if in.GetKickSeen() != 5 || in.GetLastSession() != 5 {
			t.Errorf("the next login carries kick seen %d, last session %d", in.GetKickSeen(), in.GetLastSession())
		}
	})
}

// Every reason of the wire is one of ours, by the same number.
func TestReasons(t *testing.T) {
	for number := range wire.Reason_name {
		r := wire.Reason(number)
		if r == wire.Reason_REASON_USERSIG_ENDED || r == wire.Reason_REASON_UNSPECIFIED {
			continue // never the reason of a kick
		}
		if client.Reason(r).String() == client.ReasonUnknown.String() {
			t.Errorf("%v has no name", r)
		}
	}
	if got := client.Reason(99).String(); got != "unknown" {
		t.Errorf("a reason of a newer server is %q", got)
	}
}

// Untold, the SDK returns by itself: the notice is the answer to the resume. That
// of a newer login has the code 6208, where the app's settings ask for it.
func TestKickToldAtTheReturn(t *testing.T) {
	for _, tt := range []struct {
		notice *wire.Notice
		want   string
	}{
		{&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}, `kicked 0 operator [LOGOUT ""]`},
		{&wire.Notice{Session: 1, Reason: wire.Reason_REASON_NEWER_LOGIN, Code: 6208}, `kicked 6208 newer login [LOGOUT ""]`},
		{&wire.Notice{Session: 1, Reason: wire.Reason_REASON_ACCOUNT_DISABLED, Code: 70051}, `kicked 70051 account disabled [LOGOUT ""]`},
		{&wire.Notice{Session: 1, Reason: wire.Reason_REASON_REST_KICK, Expired: true}, `expired [LOGOUT ""]`},
		{&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}, `expired [LOGOUT ""]`},
	} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			l.cut()
			l = p.acceptWithin(time.Second)
			l.resume()
			l.answer(l.notice(tt.notice))
			if got := l.acknowledgement(); got != 1 {
				t.Errorf("acknowledged %d", got)
			}
			l.gone()
			d.heard("connecting", tt.want)
			p.idle(time.Hour)
		})
	}
}

// The login() is stopped by 6208, the next one carries what was seen.
func TestLoginStoppedBy6208(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d, l := p.loggedIn(client.Options{DataDirectory: dir})
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		l.gone()
		d = p.open(client.Options{DataDirectory: dir})
		d.login("alice", sig("alice", time.Hour))
		l = p.accept()
		if in := l.login(); in.GetLastSession() != 1 || in.GetKickSeen() != 0 {
			t.Errorf("the login is %v", in)
		}
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{
			Code: 6208, Kicked: &wire.Notice{Session: 1, Reason: wire.Reason_REASON_NEWER_LOGIN},
		}}})
		d.heard("connecting", "connected", "login 6208") // no onKickedOffline
		l.gone()                                         // and no acknowledgement
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = p.open(client.Options{DataDirectory: dir})
		d.login("alice", sig("alice", time.Hour))
		l = p.accept()
		if in := l.login(); in.GetKickSeen() != 1 {
			t.Errorf("the next login is %v", in)
		}
		l.grant(3, 1)
		d.heard("connecting", "connected", "login ok")
	})
}

// A notice that overtakes the answer to a login() is that login()'s error.
func TestKickedDuringLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.answer(l.notice(&wire.Notice{Session: 8, Reason: wire.Reason_REASON_NEWER_LOGIN}))
		if got := l.acknowledgement(); got != 8 {
			t.Errorf("acknowledged %d", got)
		}
		l.gone()
		d.heard("connecting", "connected", "login 6208")
		p.idle(time.Hour)
	})
}

// A notice for a session that the app has left is acknowledged and not shown.
func TestNoticeForASessionThatWasLeft(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.logout()
		l.logout()
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		if got := l.acknowledgement(); got != 1 {
			t.Errorf("acknowledged %d", got)
		}
		time.Sleep(2 * time.Second)
		d.heard("logout ok")
	})
}

func TestUserSigEndsWhileOnline(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		time.Sleep(24 * time.Hour)
		d.heard("ends in 5m0s")
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
		if got := l.acknowledgement(); got != 1 {
			t.Errorf("acknowledged %d", got)
		}
		d.heard(`expired [LOGOUT ""]`)
		p.idle(time.Hour)
	})
}

// Whatever becomes of the notice, the app is told within a second.
func TestUserSigEndsAndNobodySaysSo(t *testing.T) {
	for _, cut := range []memnet.Break{memnet.Unplug, memnet.Silent} {
		story(t, func(t *testing.T, p *peer) {
			d, _ := p.loggedIn(client.Options{})
			time.Sleep(24*time.Hour - 5*time.Second)
			d.endpoint.Cut(cut)
			time.Sleep(5500 * time.Millisecond) // its last second is good
			d.is(client.StatusLogined, "alice")
			time.Sleep(1500 * time.Millisecond)
			d.is(client.StatusLogout, "")
			var last string
			for len(d.events) > 0 {
				last = <-d.events
			}
			if last != `expired [LOGOUT ""]` {
				t.Errorf("last the app heard %q", last)
			}
			d.endpoint.Mend()
			p.idle(time.Hour)
		})
	}
}

// The end of a UserSig is by the server's clock, whatever ours says.
func TestUserSigEndsByTheServersClock(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		ahead := 10 * time.Minute
		b, err := wire.Proto.Encode(&wire.ServerFrame{
			Id: l.last.GetId(), TimeMs: time.Now().Add(ahead).UnixMilli(),
			Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
				Session: 1, Connection: 1, ExpiresS: time.Now().Add(ahead + time.Minute).Unix(),
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.ws.Write(t.Context(), 2, b); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := d.ServerTime(); !got.Equal(time.Now().Add(ahead)) {
			t.Errorf("ServerTime is %v from now, want %v", time.Until(got), ahead)
		}
		d.heard("connecting", "connected", "login ok")
		time.Sleep(time.Minute + 2*time.Second) // through its last second, and one to tell
		d.heard("ends in 30s", `expired [LOGOUT ""]`)
	})
}

// Refused for its UserSig, the automatic login ends in onUserSigExpired; for
// anything else that is final in onKickedOffline with the code.
func TestAutomaticLoginRefused(t *testing.T) {
	for code, want := range map[imcode.Code]string{
		imcode.UserSigExpired:           `expired [LOGOUT ""]`,
		imcode.InvalidUserSig:           `expired [LOGOUT ""]`,
		imcode.UserSigMismatchPublicKey: `expired [LOGOUT ""]`,
		imcode.AccountDisabled:          `kicked 70051 account disabled [LOGOUT ""]`,
		imcode.AppDisabled:              `kicked 60016 unknown [LOGOUT ""]`,
	} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			l.cut()
			l = p.acceptWithin(time.Second)
			l.resume()
			l.loginAgain()
			l.login()
			l.refuse(code, 0)
			d.heard("connecting", want)
			l.gone()
			p.idle(time.Hour)
		})
	}
}

// A refusal for a while is no error to one who only comes back.
func TestAutomaticLoginToldToWait(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		first := l.login()
		l.refuse(imcode.AccountFreqLimit, 10*time.Second)
		l = p.acceptWithin(time.Minute)
		l.login()
		l.refuse(imcode.LoginFrequencyLimit, 0)
		l = p.acceptWithin(time.Minute)
		if second := l.login(); !bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) {
			t.Error("the retry is another attempt")
		}
		l.grant(2, 1)
		d.heard("connecting", "connected")
	})
}
