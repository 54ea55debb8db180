package client_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

func TestLoginAndLogout(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{DeviceName: "a phone"})
		d.is(client.StatusLogout, "")
		d.login("alice", sig("alice", time.Hour))
		d.is(client.StatusLogining, "")
		l := p.accept()
		in := l.login()
		if in.GetUserId() != "alice" || in.GetDeviceName() != "a phone" || in.GetAutomatic() {
			t.Errorf("the login is %v", in)
		}
		l.grant(7, 1)
		d.is(client.StatusLogined, "alice")
		d.heard("connecting", "connected", "login ok")
		if s := d.Session(); s.Number != 7 || s.Connection != 1 {
			t.Errorf("session %+v, want 7 and connection 1", s)
		}
		d.logout()
		d.is(client.StatusLogout, "")
		d.heard()
		out := l.logout()
		if !bytes.Equal(out.GetFixedHalf(), in.GetFixedHalf()) || out.GetTryNumber() <= in.GetTryNumber() {
			t.Errorf("the logout is of another session, or late: %v", out)
		}
		l.loggedOut(true)
		d.heard("logout ok")
		l.gone()
		p.idle(time.Hour)
	})
}

func TestLoginOfSameAccountAndUserSigWhileLogined(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		userSig := sig("alice", time.Hour)
		d.login("alice", userSig)
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
		for range 10 { // more often than logins are allowed: nothing happens
			d.login("alice", userSig)
			d.heard("login ok")
		}
		if len(l.frames) > 0 || len(p.conns) > 0 {
			t.Error("there was traffic")
		}
	})
}

func TestLoginOfSameAccountWhileLogining(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		d.login("alice", sig("alice", 2*time.Hour))
		d.heard("connecting", "login 7501")
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connected", "login ok")
	})
}

func TestLoginOfOtherAccountWhileLogined(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		alice := l.login()
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")

		d.login("bob", sig("bob", time.Hour))
		d.is(client.StatusLogining, "")
		l.gone()
		l = p.accept()
		if out := l.logout(); out.GetUserId() != "alice" || !bytes.Equal(out.GetFixedHalf(), alice.GetFixedHalf()) {
			t.Errorf("before bob's login came a logout of %v", out)
		}
		if in := l.login(); in.GetUserId() != "bob" {
			t.Errorf("then a login of %v", in)
		}
		l.refuse(imcode.AccountDisabled, 0)
		d.heard("connecting", "connected", "login 70051")
		d.is(client.StatusLogout, "")
	})
}

func TestAccountSwitchWithTheNetworkDown(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		d.heard("connecting")
		d.login("bob", sig("bob", time.Hour))
		time.Sleep(16 * time.Second)
		d.endpoint.Mend()
		l.cut()
		l = p.acceptWithin(time.Minute)
		if out := l.logout(); out.GetUserId() != "alice" || out.GetUserSig() == "" {
			t.Errorf("what came first is a logout of %v", out)
		}
		l.loggedOut(true)
		l.gone()
		d.is(client.StatusLogout, "")
		p.idle(time.Hour)
	})
}

func TestLoginOfOtherAccountWhileLogining(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		alice := l.login()
		d.login("bob", sig("bob", time.Hour))
		d.heard("connecting", "login 6023", "connecting")
		l.gone()
		l = p.accept()
		out := l.logout()
		if !bytes.Equal(out.GetFixedHalf(), alice.GetFixedHalf()) || out.GetUserSig() != alice.GetUserSig() {
			t.Errorf("the unanswered login is logged out with %v", out)
		}
		if in := l.login(); in.GetUserId() != "bob" || in.GetTryNumber() <= out.GetTryNumber() {
			t.Errorf("then came %v", in)
		}
		l.grant(1, 1)
		d.heard("connected", "login ok")
		d.is(client.StatusLogined, "bob")
	})
}

func TestLoginRefusedLocally(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		over := sig("bob", time.Minute)
		time.Sleep(2 * time.Minute)
		for _, tt := range []struct{ name, user, userSig, want string }{
			{"an illegal UserID", "your user id", "userSig from your server", "login 7003"},
			{"no UserID", "", sig("bob", time.Hour), "login 7003"},
			{"33 bytes", strings.Repeat("a", 33), sig("bob", time.Hour), "login 7003"},
			{"a UserSig that is over by the server's clock", "bob", over, "login 6206"},
			{"a UserSig that no server would read", "bob", strings.Repeat("x", 5000), "login 6017"},
		} {
			d.login(tt.user, tt.userSig)
			d.heard(tt.want)
			d.is(client.StatusLogined, "alice")
		}
		if len(l.frames) > 0 || len(p.conns) > 0 {
			t.Error("there was traffic")
		}
	})
}

// By the bare local clock nothing is refused: it may be wrong.
func TestUserSigOverByTheLocalClockAlone(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		first, second := sig("alice", time.Minute), sig("alice", 2*time.Minute)
		time.Sleep(time.Hour)
		d.login("alice", first)
		l := p.accept()
		l.login()
		l.refuse(imcode.UserSigExpired, 0)
		d.heard("connecting", "connected", "login 70001")
		d.login("alice", second) // now the server's clock is known
		d.heard("login 6206")
	})
}

func TestUserSigRefusedAsExpiredIsNotOfferedAgain(t *testing.T) {
	for _, code := range []imcode.Code{imcode.UserSigExpired, imcode.InvalidUserSig} {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			userSig := sig("alice", time.Hour)
			d.login("alice", userSig)
			l := p.accept()
			l.login()
			l.refuse(code, 0)
			d.heard("connecting", "connected", "login "+outcome(code))
			d.is(client.StatusLogout, "")
			d.login("alice", userSig)
			d.heard("login 6206")
			if len(p.conns) > 0 {
				t.Error("there was traffic")
			}
		})
	}
}

func TestLoginWithoutANetwork(t *testing.T) {
	refusing := func(err error) func(*device) {
		return func(d *device) { d.endpoint.Refuse(err) }
	}
	for _, tt := range []struct {
		name string
		code string
		trap func(*device)
	}{
		{"no network", "9508", refusing(syscall.ENETDOWN)},
		{"no route", "9512", func(d *device) { d.endpoint.Cut(memnet.Unplug) }},
		{"no route to the host", "9512", refusing(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH})},
		{"name not found", "9516", refusing(&net.DNSError{Err: "no such host", IsNotFound: true})},
		{"refused", "9511", refusing(syscall.ECONNREFUSED)},
		{"connect timed out", "9510", func(d *device) { d.endpoint.Cut(memnet.Silent) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d := p.open(client.Options{})
				tt.trap(d)
				began := time.Now()
				err := d.Login(t.Context(), "alice", sig("alice", time.Hour))
				if got := outcome(err); got != tt.code {
					t.Errorf("Login: %v, want %s", err, tt.code)
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("it took %v", took)
				}
				d.is(client.StatusLogout, "")
				if first := <-d.events; first != "connecting" {
					t.Errorf("first the app heard %q", first)
				}
				for len(d.events) > 0 {
					if e := <-d.events; e != "failed "+tt.code {
						t.Errorf("the app heard %q", e)
					}
				}
				d.endpoint.Mend()
				p.idle(time.Hour) // nothing was sent, so nothing is to be logged out
			})
		})
	}
}

func TestLoginWithoutAnAnswer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		first := l.login()
		again := p.acceptWithin(14 * time.Second)
		second := again.login()
		if !bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) || !bytes.Equal(first.GetChangingHalf(), second.GetChangingHalf()) {
			t.Error("the retry is another attempt")
		}
		if second.GetTryNumber() <= first.GetTryNumber() {
			t.Errorf("try number %d after %d", second.GetTryNumber(), first.GetTryNumber())
		}
		time.Sleep(5 * time.Second)
		d.heard("connecting", "failed 6012", "login 6012")
		d.is(client.StatusLogout, "")
		out := again.logout()
		if !bytes.Equal(out.GetFixedHalf(), first.GetFixedHalf()) || out.GetUserSig() != first.GetUserSig() {
			t.Errorf("the pending logout is %v", out)
		}
		again.loggedOut(true)
		again.gone()
		p.idle(time.Hour)
	})
}

// An answer that comes after the login was given up has no listener.
func TestLateAnswer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{LoginWithin: 5 * time.Second})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		asked := l.last
		time.Sleep(5 * time.Second)
		d.heard("connecting", "login 6012")
		l.logout()
		l.send(&wire.ServerFrame{Id: asked.GetId(), Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{Session: 1, Connection: 1}}})
		d.is(client.StatusLogout, "")
		l.loggedOut(true)
		d.heard()
	})
}

func TestLoginWithin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{LoginWithin: time.Second})
		d.endpoint.Cut(memnet.Silent)
		began := time.Now()
		if err := d.Login(t.Context(), "alice", sig("alice", time.Hour)); !errors.Is(err, imcode.ConnectTimeout) {
			t.Errorf("Login: %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
	})
}

func TestMoreThanFiveLoginsInTenSeconds(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		for range 5 {
			d.login("alice", sig("alice", time.Hour))
			l := p.accept()
			l.login()
			l.refuse(imcode.UserSigCheckFailed, 0)
			d.heard("connecting", "connected", "login 70003")
			time.Sleep(time.Second)
		}
		d.login("alice", sig("alice", time.Hour))
		d.heard("login 7008")
		d.is(client.StatusLogout, "")
		if len(p.conns) > 0 {
			t.Error("there was traffic")
		}
		time.Sleep(6 * time.Second)
		d.login("alice", sig("alice", time.Hour))
		p.accept()
		d.heard("connecting")
	})
}

func TestCancelledContextDuringLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- d.Login(ctx, "alice", sig("alice", time.Hour)) }()
		l := p.accept()
		in := l.login()
		cancel()
		err := <-result
		if !errors.Is(err, context.Canceled) || !errors.Is(err, imcode.LoggedOutBeforeLogin) {
			t.Errorf("Login: %v, want both context.Canceled and 6023", err)
		}
		d.is(client.StatusLogout, "")
		if out := l.logout(); !bytes.Equal(out.GetFixedHalf(), in.GetFixedHalf()) {
			t.Errorf("the logout is %v", out)
		}
		l.loggedOut(true)
		l.gone()
	})
}

func TestContextThatHasEndedBeforeLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.loggedIn(client.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := d.Login(ctx, "bob", sig("bob", time.Hour))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, imcode.LoggedOutBeforeLogin) {
			t.Errorf("Login: %v, want both context.Canceled and 6023", err)
		}
		d.is(client.StatusLogined, "alice")
	})
}

func TestStale(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		first := l.login()
		l.stale(41)
		second := l.login()
		if second.GetTryNumber() != 42 || !bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) {
			t.Errorf("after stale, highest 41, came %v", second)
		}
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
	})
}

// Somebody used up the device's try numbers: there is none left above the highest.
func TestStaleForEver(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		first := l.login()
		l.stale(wire.MaxTryNumber)
		second := l.login()
		if second.GetDeviceId() == first.GetDeviceId() || second.GetTryNumber() != 1 || second.GetAutomatic() {
			t.Errorf("after %v came %v, want the login of a new device", first, second)
		}
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
	})
}

// A server that always answers stale, or log in again, gets no storm.
func TestServerThatTurnsInCircles(t *testing.T) {
	for _, turn := range []func(*line){
		func(l *line) { l.stale(l.last.GetLogin().GetTryNumber()) },
		func(l *line) { l.stale(1<<64 - 1) },
		(*line).loginAgain,
	} {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			d.login("alice", sig("alice", time.Hour))
			asked := 0
			for l := p.await(0); l != nil; l = p.await(time.Hour) {
				for synctest.Wait(); len(l.frames) > 0; synctest.Wait() {
					if l.next().GetLogin() == nil {
						l.loggedOut(true) // of an attempt that was never answered
						continue
					}
					asked++
					turn(l)
				}
			}
			d.is(client.StatusLogout, "")
			if asked > 150 { // about 15 tries, of five requests each
				t.Errorf("the server was asked %d times in 14 seconds", asked)
			}
		})
	}
}

// The attempt's session has ended meanwhile: the same call goes on with a new one.
func TestLoginAnsweredLogInAgain(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		first := l.login()
		l.loginAgain()
		second := l.login()
		if bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) || second.GetAutomatic() {
			t.Errorf("then came %v", second)
		}
		l.grant(2, 1)
		d.heard("connecting", "connected", "login ok")
	})
}

func TestServerThatAsksToComeBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  func(*line)
	}{
		{"70500 with a time", func(l *line) { l.refuse(imcode.Internal, 3*time.Second) }},
		{"drain with a time", func(l *line) { l.close(wire.Close{Code: wire.CloseDrain, RetryAfter: 3 * time.Second}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d := p.open(client.Options{})
				d.login("alice", sig("alice", time.Hour))
				l := p.accept()
				first := l.login()
				began := time.Now()
				tt.ask(l)
				l = p.acceptWithin(10 * time.Second)
				if waited := time.Since(began); waited < 3*time.Second {
					t.Errorf("back after %v", waited)
				}
				if second := l.login(); !bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) {
					t.Error("the retry is another attempt")
				}
				l.grant(1, 1)
				d.heard("connecting", "connected", "login ok") // no failure: the server wanted it so
			})
		})
	}
}

func TestServerThatAsksToComeBackForTooLong(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.refuse(imcode.Internal, time.Minute)
		time.Sleep(15 * time.Second)
		d.heard("connecting", "login 70500")
	})
}

func TestServerThatSendsAway(t *testing.T) {
	for code, want := range map[wire.CloseCode]string{
		wire.CloseBadFrame: "60003", wire.CloseTooBig: "7012", wire.CloseTooMany: "60018", wire.CloseExpired: "70001",
	} {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			d.login("alice", sig("alice", time.Hour))
			l := p.accept()
			l.login()
			l.close(wire.Close{Code: code})
			d.heard("connecting", "login "+want)
			d.is(client.StatusLogout, "")
		})
	}
}

// 70050 and 72010 come with a time too, but concern a login that is to be put
// right first.
func TestRefusalsThatEndALogin(t *testing.T) {
	for _, code := range []imcode.Code{imcode.AccountFreqLimit, imcode.LoginFrequencyLimit, imcode.AppNotFound, imcode.AccountDisabled} {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			d.login("alice", sig("alice", time.Hour))
			l := p.accept()
			l.login()
			l.refuse(code, time.Second)
			d.heard("connecting", "connected", "login "+outcome(code))
			l.gone()
			p.idle(time.Hour)
		})
	}
}

func TestCallbackFormSetsTheStatusAtOnce(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.StartLogin("alice", sig("alice", time.Hour), func(err error) { d.events <- "login " + outcome(err) })
		if got := d.LoginStatus(); got != client.StatusLogining {
			t.Errorf("just after StartLogin: %v", got)
		}
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
		d.StartLogout(func(err error) { d.events <- "logout " + outcome(err) })
		if got := d.LoginStatus(); got != client.StatusLogout {
			t.Errorf("just after StartLogout: %v", got)
		}
		l.logout()
		l.loggedOut(true)
		d.heard("logout ok")
	})
}
