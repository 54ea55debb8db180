package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

func TestRenewalForTheLiveSession(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		d.is(client.StatusLogined, "alice")
		if got := l.renew().GetUserSig(); got != longer {
			t.Error("another UserSig was sent")
		}
		d.login("alice", sig("alice", 72*time.Hour))
		d.heard("login 7501") // one at a time
		ends := time.Now().Add(48 * time.Hour)
		l.renewed(ends)
		d.heard("login ok")
		if got := d.Session().Ends; got.Unix() != ends.Unix()+1 {
			t.Errorf("the session ends at %v, want a second after %v", got, ends)
		}
		d.login("alice", longer)
		d.heard("login ok")
		time.Sleep(30 * time.Hour)
		d.heard() // the old one has ended, the session has not
	})
}

func TestRenewalRefused(t *testing.T) {
	for code, again := range map[imcode.Code]string{
		imcode.InvalidParameters: "", imcode.UserSigMismatchID: "", imcode.UserSigExpired: "login 6206",
	} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			other := sig("alice", time.Hour)
			d.login("alice", other)
			l.renew()
			l.refuse(code, 0)
			d.heard("login " + outcome(code))
			d.is(client.StatusLogined, "alice")
			d.login("alice", other)
			if again != "" {
				d.heard(again)
			} else {
				l.renew() // the server may see it otherwise now
				l.refuse(code, 0)
				d.heard("login " + outcome(code))
			}
			l.cut()
			if got := p.acceptWithin(time.Second).resume().GetUserSig(); got != "" {
				t.Error("the resume carries the refused UserSig")
			}
		})
	}
}

func TestRenewalWithoutAConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		d.heard("connecting")
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		d.heard("login ok")
		l.cut()
		l = p.acceptWithin(10 * time.Second)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
		l.grantUntil(1, 2, time.Now().Add(48*time.Hour))
		d.heard("failed 9508", "connected")
		l.cut()
		if got := p.acceptWithin(time.Second).resume().GetUserSig(); got != "" {
			t.Error("the next resume carries it again")
		}
	})
}

func TestRenewalKeptAndFoundRefused(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		old := sig("alice", 24*time.Hour)
		d.login("alice", old)
		l := p.accept()
		l.login()
		l.grant(1, 1)
		l.cut()
		d.login("alice", sig("alice", time.Hour))
		l = p.acceptWithin(time.Second)
		l.resume()
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
			Session: 1, Connection: 2, ExpiresS: time.Now().Add(24 * time.Hour).Unix(), RenewalCode: 70402,
		}}})
		d.heard("connecting", "connected", "login ok", "connecting", "login ok", "connected")
		l.cut()
		l = p.acceptWithin(time.Second)
		if got := l.resume().GetUserSig(); got != "" {
			t.Error("the refused renewal is carried again")
		}
		l.loginAgain()
		if got := l.login().GetUserSig(); got != old {
			t.Error("the automatic login does not use the old UserSig")
		}
	})
}

func TestRenewalWithoutAnAnswer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		l.renew()
		time.Sleep(5 * time.Second)
		d.heard("login ok")
		l.cut()
		l = p.acceptWithin(time.Second)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
	})
}

func TestRenewalWhoseConnectionIsLost(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		l.renew()
		l.cut()
		d.heard("login ok", "connecting")
		l = p.acceptWithin(time.Second)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
	})
}

func TestKeptRenewalIsForTheAutomaticLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		old := sig("alice", 24*time.Hour)
		d := p.open(client.Options{})
		d.login("alice", old)
		l := p.accept()
		l.login()
		l.grant(1, 1)
		l.cut()
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		if got := l.login().GetUserSig(); got != longer {
			t.Error("the automatic login does not use the renewal")
		}
		l.refuse(imcode.UserSigCheckFailed, 0) // dropped; the old one is still good
		l = p.acceptWithin(time.Second)
		if got := l.login().GetUserSig(); got != old {
			t.Error("then it does not use the old UserSig")
		}
		l.grant(2, 1)
		d.heard("connecting", "connected", "login ok", "connecting", "login ok", "connected")
	})
}

func TestRenewalCancelled(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- d.Login(ctx, "alice", sig("alice", 48*time.Hour)) }()
		l.renew()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || errors.Is(err, imcode.LoggedOutBeforeLogin) {
			t.Errorf("Login: %v", err)
		}
		d.is(client.StatusLogined, "alice")
		ends := time.Now().Add(48 * time.Hour)
		l.renewed(ends) // late, and still true
		if got := d.Session().Ends; got.Unix() != ends.Unix()+1 {
			t.Errorf("the session ends at %v, want a second after %v", got, ends)
		}
		d.heard()
	})
}

func TestRenewalOfASessionThatEndedMeanwhile(t *testing.T) {
	for _, reason := range []wire.Reason{wire.Reason_REASON_USERSIG_ENDED, wire.Reason_REASON_REST_KICK} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			longer := sig("alice", 48*time.Hour)
			d.login("alice", longer)
			l.renew()
			l.send(l.notice(&wire.Notice{Session: 1, Reason: reason, Expired: true}))
			if got := l.acknowledgement(); got != 1 {
				t.Errorf("acknowledged %d", got)
			}
			d.is(client.StatusLogining, "")
			l = p.accept()
			if in := l.login(); in.GetUserSig() != longer || in.GetAutomatic() || in.GetKickSeen() != 1 {
				t.Errorf("it goes on as %v", in)
			}
			l.grant(2, 1)
			d.heard("connecting", "connected", "login ok") // without onUserSigExpired
			d.is(client.StatusLogined, "alice")
		})
	}
}

func TestRenewalOfASessionThatWasKickedMeanwhile(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.login("alice", sig("alice", 48*time.Hour))
		l.renew()
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		d.heard("login 6014", `kicked 0 operator [LOGOUT ""]`)
	})
}

func TestRenewalEndedByLogoutSwitchAndClose(t *testing.T) {
	for want, end := range map[string]func(*device){
		"login 6023": func(d *device) { d.StartLogout(func(error) {}) },
		"login 7009": func(d *device) { _ = d.Close() },
	} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.loggedIn(client.Options{})
			d.login("alice", sig("alice", 48*time.Hour))
			l.renew()
			end(d)
			d.heard(want)
		})
	}
}

// A provider keeps the account in: the app sees nothing.
func TestProviderWhenTheUserSigEnds(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		fresh := ""
		d, l := p.loggedIn(client.Options{UserSig: func(ctx context.Context, user rollcall.UserID) (string, error) {
			if user != "alice" {
				t.Errorf("asked for %q", user)
			}
			time.Sleep(20 * time.Second)
			fresh = sig("alice", time.Hour)
			return fresh, nil
		}})
		time.Sleep(24 * time.Hour)
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
		l.acknowledgement()
		l = p.acceptWithin(21 * time.Second)
		d.is(client.StatusLogined, "alice")
		if in := l.login(); in.GetUserSig() != fresh || !in.GetAutomatic() {
			t.Errorf("it logs in by itself with %v", in)
		}
		l.grant(2, 1)
		d.heard()
	})
}

func TestProviderThatKeepsGivingRefusedUserSigs(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		var asked []time.Time
		d, l := p.loggedIn(client.Options{UserSig: func(context.Context, rollcall.UserID) (string, error) {
			asked = append(asked, time.Now())
			return sig("alice", time.Duration(len(asked))*time.Hour), nil
		}})
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		logins := 0
		for ; l != nil; l = p.await(time.Minute) {
			l.login()
			l.refuse(imcode.UserSigCheckFailed, 0)
			logins++
		}
		if len(asked) != 5 || logins != 6 {
			t.Fatalf("asked %d times, logged in %d times; want 5 and 6", len(asked), logins)
		}
		for i, want := range []float64{1, 2, 4, 8} {
			if got := asked[i+1].Sub(asked[i]).Seconds(); got != want {
				t.Errorf("asked again after %v s, want %v", got, want)
			}
		}
		d.heard("connecting", `expired [LOGOUT ""]`)
	})
}

func TestProviderThatFailsOrHangs(t *testing.T) {
	for name, provide := range map[string]func(context.Context, rollcall.UserID) (string, error){
		"fails": func(context.Context, rollcall.UserID) (string, error) { return "", errors.New("out of order") },
		"hangs": func(ctx context.Context, _ rollcall.UserID) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		"repeats": func() func(context.Context, rollcall.UserID) (string, error) {
			var same string
			return func(context.Context, rollcall.UserID) (string, error) {
				if same == "" {
					same = sig("alice", time.Second) // long over when it is asked for
					time.Sleep(2 * time.Second)
				}
				return same, nil
			}
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.loggedIn(client.Options{UserSig: provide})
				time.Sleep(24 * time.Hour)
				l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
				time.Sleep(5 * time.Minute)
				d.heard(`expired [LOGOUT ""]`)
				if len(p.conns) > 0 {
					t.Error("there was traffic")
				}
			})
		})
	}
}

// Not even a hanging provider is asked, or waited for, after a kick, a logout or
// Close.
func TestProviderIsNotAskedAfterAKick(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{UserSig: func(context.Context, rollcall.UserID) (string, error) {
			t.Error("asked")
			return "", nil
		}})
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		time.Sleep(time.Hour)
		d.heard(`kicked 0 operator [LOGOUT ""]`)
	})
}

func TestLogoutWhileTheProviderWorks(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		ended := make(chan struct{})
		d, l := p.loggedIn(client.Options{UserSig: func(ctx context.Context, _ rollcall.UserID) (string, error) {
			<-ctx.Done()
			close(ended)
			return sig("alice", time.Hour), nil
		}})
		time.Sleep(24 * time.Hour)
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
		d.logout()
		<-ended
		d.heard("logout ok")
		p.idle(time.Hour)
	})
}

// A renewal that comes while the provider works is used at once.
func TestRenewalWhileTheProviderWorks(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{UserSig: func(ctx context.Context, _ rollcall.UserID) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}})
		time.Sleep(24 * time.Hour)
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
		longer := sig("alice", time.Hour)
		d.login("alice", longer)
		d.heard("login ok")
		l = p.accept()
		if got := l.login().GetUserSig(); got != longer {
			t.Error("another UserSig was sent")
		}
		l.grant(2, 1)
		d.heard()
		synctest.Wait()
	})
}

// The UserSig ends while there is no connection, and a renewal is kept: nothing
// has ended for the app.
func TestUserSigEndsOfflineWithARenewalKept(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.grantUntil(1, 1, time.Now().Add(time.Hour))
		d.endpoint.Cut(memnet.Unplug)
		synctest.Wait() // it knows, and so does not send the renewal
		longer := sig("alice", 48*time.Hour)
		d.login("alice", longer)
		time.Sleep(2 * time.Hour)
		d.is(client.StatusLogined, "alice")
		d.endpoint.Mend()
		l = p.acceptWithin(time.Minute)
		in := l.login()
		if !in.GetAutomatic() || in.GetUserSig() != longer {
			t.Errorf("it comes back with %v", in)
		}
		l.grant(2, 1)
		var last string
		for len(d.events) > 0 {
			last = <-d.events
		}
		if last != "connected" {
			t.Errorf("last the app heard %q", last)
		}
	})
}

// RenewUserSig is a Login for whoever is in, and never a login.
func TestRenewUserSig(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		longer := sig("alice", 48*time.Hour)
		d.renewUserSig(longer)
		if got := l.renew().GetUserSig(); got != longer {
			t.Error("another UserSig was sent")
		}
		d.renewUserSig(sig("alice", 72*time.Hour))
		d.login("alice", sig("alice", 72*time.Hour))
		d.heard("renewal 7501", "login 7501") // one at a time
		l.renewed(time.Now().Add(48 * time.Hour))
		d.heard("renewal ok")
		d.renewUserSig(longer)
		d.heard("renewal ok") // without traffic
		d.renewUserSig(sig("bob", 72*time.Hour))
		l.renew()
		l.refuse(imcode.UserSigMismatchID, 0)
		d.heard("renewal 70013")
		d.is(client.StatusLogined, "alice")
		l.cut()
		if got := p.acceptWithin(time.Second).resume().GetUserSig(); got != "" {
			t.Error("the resume carries a UserSig")
		}
	})
}

func TestRenewUserSigRefusedHere(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.loggedIn(client.Options{})
		old := sig("alice", time.Second)
		time.Sleep(2 * time.Second)
		d.renewUserSig(old)
		d.renewUserSig(strings.Repeat("x", 1<<16))
		d.heard("renewal 6206", "renewal 6017")
		d.is(client.StatusLogined, "alice")
	})
}

func TestRenewUserSigOfNobody(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.renewUserSig(sig("alice", time.Hour))
		d.heard("renewal 6014")
		d.login("alice", sig("alice", time.Hour))
		d.renewUserSig(sig("alice", 2*time.Hour))
		d.heard("connecting", "renewal 7501")
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connected", "login ok")
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		d.heard(`kicked 0 operator [LOGOUT ""]`)
		d.renewUserSig(sig("alice", 2*time.Hour))
		d.heard("renewal 6014")
		p.idle(time.Hour)
		_ = d.Close()
		d.renewUserSig(sig("alice", 2*time.Hour))
		d.heard("renewal 6013")
		if err := d.RenewUserSig(t.Context(), sig("alice", 2*time.Hour)); !errors.Is(err, imcode.NotInitialized) {
			t.Errorf("RenewUserSig of a closed client: %v", err)
		}
	})
}

// Kept where there is no connection, and a login where the session has ended
// with its UserSig meanwhile: as a renewal by Login.
func TestRenewUserSigKeptOrTooLate(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.cut()
		longer := sig("alice", 48*time.Hour)
		d.renewUserSig(longer)
		l = p.acceptWithin(time.Second)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
		l.grantUntil(1, 2, time.Now().Add(48*time.Hour))
		d.heard("connecting", "renewal ok", "connected")

		longest := sig("alice", 72*time.Hour)
		d.renewUserSig(longest)
		l.renew()
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
		d.is(client.StatusLogining, "")
		l = p.accept()
		if in := l.login(); in.GetUserSig() != longest || in.GetAutomatic() {
			t.Errorf("it goes on as %v", in)
		}
		l.grant(2, 1)
		d.heard("connecting", "connected", "renewal ok")
		d.is(client.StatusLogined, "alice")
	})
}

// A context that ends changes nothing; one that had ended before, neither.
func TestRenewUserSigCancelled(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- d.RenewUserSig(ctx, sig("alice", 48*time.Hour)) }()
		l.renew()
		cancel()
		for _, err := range []error{<-result, d.RenewUserSig(ctx, sig("alice", 72*time.Hour))} {
			if !errors.Is(err, context.Canceled) || errors.Is(err, imcode.LoggedOutBeforeLogin) {
				t.Errorf("RenewUserSig: %v", err)
			}
		}
		d.is(client.StatusLogined, "alice")
		l.cut()
		if got := p.acceptWithin(time.Second).resume().GetUserSig(); got != "" {
			t.Error("the resume carries a UserSig")
		}
	})
}
