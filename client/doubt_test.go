package client_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

// What a client that has not heard the server's word on something does: these
// cases were found by internal/sim.

// inForAnHour is a device on which alice is in, with session 1, and her line.
func (p *peer) inForAnHour() (*device, *line) {
	p.t.Helper()
	d := p.open(client.Options{})
	d.login("alice", sig("alice", time.Hour))
	l := p.accept()
	l.login()
	l.grantUntil(1, 1, time.Now().Add(time.Hour))
	d.heard("connecting", "connected", "login ok")
	return d, l
}

// Whatever tells the app that it is out, no other end of that session is news:
// the next login says so.
func TestEverySignalIsWrittenDownAsSeen(t *testing.T) {
	for name, end := range map[string]func(d *device, l *line){
		"expired by the clock, offline": func(d *device, l *line) {
			d.endpoint.Cut(memnet.Unplug)
			l.cut()
			time.Sleep(61 * time.Minute)
			d.endpoint.Mend()
		},
		"closed as kicked, without a notice": func(_ *device, l *line) {
			l.close(wire.Close{Code: wire.CloseKicked})
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.inForAnHour()
				end(d, l)
				d.is(client.StatusLogout, "")
				d.forget()
				d.login("alice", sig("alice", time.Hour))
				if got := p.acceptWithin(time.Second).login().GetKickSeen(); got != 1 {
					t.Errorf("the next login has seen the end of session %d, want 1", got)
				}
			})
		})
	}
}

// The first frame of an attempt may make its session although the second one is
// refused: then it has to be logged out.
func TestARefusalAnswersOneFrame(t *testing.T) {
	for _, code := range []imcode.Code{imcode.LoginFrequencyLimit, imcode.UserSigExpired} {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			d.login("alice", sig("alice", time.Hour))
			l := p.accept()
			first := l.login()
			l.cut()
			l = p.acceptWithin(10 * time.Second)
			l.login()
			l.refuse(code, 0)
			d.is(client.StatusLogout, "")
			l = p.acceptWithin(time.Minute)
			if out := l.logout(); !bytes.Equal(out.GetFixedHalf(), first.GetFixedHalf()) {
				t.Error("another attempt was logged out")
			}
			l.loggedOut(true)
			p.idle(time.Hour)
		})
	}
}

// The same for an automatic login, which goes on with another UserSig or gives up.
func TestARefusalAnswersOneFrameOfAnAutomaticLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		first := l.login()
		l.cut()
		l = p.acceptWithin(10 * time.Second)
		l.login()
		l.refuse(imcode.UserSigMismatchPublicKey, 0)
		d.is(client.StatusLogout, "")
		l = p.acceptWithin(time.Minute)
		if out := l.logout(); !bytes.Equal(out.GetFixedHalf(), first.GetFixedHalf()) {
			t.Error("another attempt was logged out")
		}
		l.loggedOut(true)
		p.idle(time.Hour)
	})
}

// heardOf tells whether one of the events begins so.
func heardOf(events []string, what string) bool {
	return slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, what) })
}

// A renewal whose answer was lost may be in force: the clock of the old UserSig
// ends nothing.
func TestARenewalInDoubtIsAskedFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inForAnHour()
		longer := sig("alice", 2*time.Hour)
		d.login("alice", longer)
		l.renew()
		d.endpoint.Cut(memnet.Unplug)
		l.cut()
		time.Sleep(65 * time.Minute)
		if heard := d.forget(); heardOf(heard, "expired") {
			t.Errorf("the app has heard %q", heard)
		}
		d.is(client.StatusLogined, "alice")
		d.endpoint.Mend()
		l = p.acceptWithin(time.Minute)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
		l.grantUntil(1, 2, time.Now().Add(50*time.Minute))
		time.Sleep(49 * time.Minute)
		if heard := d.forget(); heardOf(heard, "expired") || !heardOf(heard, "connected") {
			t.Errorf("the app has heard %q", heard)
		}
		l.cut() // and this time there is no doubt
		d.endpoint.Cut(memnet.Unplug)
		time.Sleep(2 * time.Minute)
		d.is(client.StatusLogout, "")
	})
}

func TestARenewalInDoubtThatWasGivenUpIsAskedFor(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inForAnHour()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Login(ctx, "alice", sig("alice", 2*time.Hour)) }()
		synctest.Wait()
		l.renew()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		time.Sleep(time.Hour + 2*time.Second) // the old one has ended, and nothing is said
		l = p.acceptWithin(time.Minute)
		if got := l.resume().GetUserSig(); got != "" {
			t.Error("the resume carries a renewal that was given up")
		}
		l.grantUntil(1, 2, time.Now().Add(time.Hour))
		d.is(client.StatusLogined, "alice")
	})
}

// Unanswered on a connection that stands, too. That the session has ended after
// all is the server's to say.
func TestARenewalInDoubtOnALiveConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inForAnHour()
		time.Sleep(time.Hour - time.Second)
		longer := sig("alice", 2*time.Hour)
		d.login("alice", longer)
		l.renew()
		time.Sleep(7 * time.Second)
		l = p.acceptWithin(time.Minute)
		l.resume()
		l.loginAgain()
		in := l.login()
		if !in.GetAutomatic() || in.GetUserSig() != longer {
			t.Errorf("then came %v", in.GetAutomatic())
		}
		l.grant(2, 1)
		if heard := d.forget(); heardOf(heard, "expired") {
			t.Errorf("the app has heard %q", heard)
		}
		d.is(client.StatusLogined, "alice")
	})
}

// A logout that nothing proved is sent once more after a minute, and not at once:
// of two that were on their way together neither is the second.
func TestTwoLogoutsAtOnceAreOneTry(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		l.cut()
		d.logout()
		d.endpoint.Mend()
		courier := p.acceptWithin(time.Minute)
		first := courier.logout()
		d.login("bob", sig("bob", time.Hour))
		l = p.accept()
		l.logout()
		courier.loggedOut(false)
		l.loggedOut(false)
		l.login()
		l.grant(1, 1)
		time.Sleep(61 * time.Second)
		again := l.logout()
		if !bytes.Equal(again.GetFixedHalf(), first.GetFixedHalf()) {
			t.Error("another session was logged out")
		}
	})
}
