package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// sessions asks where the account is logged in; the result becomes an event.
func (d *device) sessions() {
	d.StartSessions(func(all []client.DeviceSession, err error) {
		if err != nil {
			d.events <- "sessions " + outcome(err)
			return
		}
		d.events <- fmt.Sprintf("sessions %d", len(all))
	})
	synctest.Wait()
}

// list answers the last frame with so many sessions.
func (l *line) list(n int) {
	l.t.Helper()
	a := &wire.SessionsAnswer{}
	for i := range n {
		a.Sessions = append(a.Sessions, &wire.SessionInfo{Session: uint64(i + 1)})
	}
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sessions{Sessions: a}})
}

func TestSessions(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		now := time.Now()
		type result struct {
			all []client.DeviceSession
			err error
		}
		got := make(chan result, 1)
		go func() {
			all, err := d.Sessions(t.Context())
			got <- result{all, err}
		}()
		l.listSessions()
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sessions{Sessions: &wire.SessionsAnswer{Sessions: []*wire.SessionInfo{
			{
				Session: 1, Platform: 1, DeviceId: "phone", DeviceName: "Alice's phone",
				LoginMs: now.UnixMilli(), Address: "192.0.2.0/24", Current: true,
			},
			{Session: 2, Platform: 99, DeviceId: "thing", LoginMs: now.UnixMilli(), AwaySinceMs: now.Add(time.Second).UnixMilli()},
		}}}})
		want := []client.DeviceSession{
			{
				Number: 1, Platform: rollcall.Android, Device: "phone", DeviceName: "Alice's phone",
				LoggedIn: now, Address: "192.0.2.0/24", This: true,
			},
			{Number: 2, Platform: rollcall.PlatformOther, Device: "thing", LoggedIn: now, AwaySince: now.Add(time.Second)},
		}
		r := <-got
		if r.err != nil || !slices.EqualFunc(r.all, want, sameSession) {
			t.Errorf("got %+v, %v; want %+v", r.all, r.err, want)
		}
	})
}

// sameSession compares to the millisecond, whatever the time zone.
func sameSession(a, b client.DeviceSession) bool {
	sameTimes := a.LoggedIn.UnixMilli() == b.LoggedIn.UnixMilli() && a.AwaySince.UnixMilli() == b.AwaySince.UnixMilli()
	a.LoggedIn, a.AwaySince, b.LoggedIn, b.AwaySince = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return sameTimes && a == b
}

func TestSignOut(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		for _, sigs := range []bool{false, true} {
			o := client.SignOutOptions{UserSigs: sigs}
			d.StartSignOut(7, o, func(_ client.SignedOut, err error) { d.events <- "sign-out " + outcome(err) })
			if got := l.signOut(); got.GetSession() != 7 || got.GetUserSigs() != sigs {
				t.Errorf("asked for %v", got)
			}
			l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_SignOut{SignOut: &wire.SignOutAnswer{Count: 1}}})
			d.heard("sign-out ok")

			d.StartSignOutOthers(o, func(out client.SignedOut, err error) { d.events <- fmt.Sprint("others ", out.Count, " ", outcome(err)) })
			if got := l.signOut(); got.GetSession() != 0 || got.GetUserSigs() != sigs {
				t.Errorf("asked for %v", got)
			}
			l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_SignOut{SignOut: &wire.SignOutAnswer{Count: 3}}})
			d.heard("others 3 ok")
		}
		d.StartSignOut(8, client.SignOutOptions{}, func(_ client.SignedOut, err error) { d.events <- "sign-out " + outcome(err) })
		l.signOut()
		l.refuse(imcode.InvalidParameters, 0)
		d.heard("sign-out 70402")
		d.is(client.StatusLogined, "alice")
	})
}

// Session 0 means all others on the wire, and nobody here.
func TestSignOutOfNoSession(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		if _, err := d.SignOut(t.Context(), 0, client.SignOutOptions{}); !errors.Is(err, imcode.SDKInvalidParameters) {
			t.Errorf("SignOut of session 0: %v", err)
		}
		d.StartSignOut(0, client.SignOutOptions{}, func(_ client.SignedOut, err error) { d.events <- "sign-out " + outcome(err) })
		d.heard("sign-out 6017")
		if len(l.frames) > 0 {
			t.Error("there was traffic")
		}
		_ = d.Close()
		d.StartSignOut(0, client.SignOutOptions{}, func(_ client.SignedOut, err error) { d.events <- "sign-out " + outcome(err) })
		d.heard("sign-out 6013")
	})
}

func TestRequestsOfNobody(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.sessions()
		d.heard("sessions 6014")
		d.login("alice", sig("alice", time.Hour))
		d.sessions()
		d.heard("connecting", "sessions 6014")
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connected", "login ok")
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		d.heard(`kicked 0 operator [LOGOUT ""]`)
		d.sessions()
		d.heard("sessions 6014")
		_ = d.Close()
		d.sessions()
		d.heard("sessions 6013")
		if _, err := d.Sessions(t.Context()); !errors.Is(err, imcode.NotInitialized) {
			t.Errorf("Sessions of a closed client: %v", err)
		}
	})
}

// Without a connection nothing is sent, and nothing is kept to be sent later.
func TestRequestWithoutAConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.cut()
		d.sessions()
		d.heard("connecting", "sessions 9508")
		l = p.acceptWithin(time.Second)
		d.sessions()
		d.heard("sessions 9508")
		l.resume()
		l.grant(1, 2)
		d.heard("connected")
		if len(l.frames) > 0 {
			t.Errorf("it sent %v", l.next())
		}
		d.sessions()
		l.listSessions()
		l.list(2)
		d.heard("sessions 2")
	})
}

func TestRequestWithoutAnAnswer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.sessions()
		l.listSessions()
		time.Sleep(10*time.Second - time.Millisecond)
		d.heard()
		time.Sleep(time.Millisecond)
		d.heard("sessions 9520")
		l.list(2) // nobody waits for it any more
		d.heard()
		d.sessions()
		l.listSessions()
		d.sessions()
		l.cut()
		d.heard("connecting", "sessions 9520", "sessions 9520")
		d.is(client.StatusLogined, "alice")
	})
}

func TestRequestAnsweredWithSomethingElse(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.sessions()
		l.listSessions()
		l.loggedOut(true)
		d.heard("sessions 9520")
		d.sessions()
		l.listSessions()
		l.refuse(imcode.TooManyRequests, time.Second)
		d.heard("sessions 60018")
	})
}

// Who waits for an answer when the session ends gets 6014, and hears of the end
// after it.
func TestTheSessionEndsBeforeARequestIsAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*device, *line)
		want []string
	}{
		"kicked": {func(_ *device, l *line) {
			l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		}, []string{"sessions 6014", `kicked 0 operator [LOGOUT ""]`}},
		"kicked, as the answer": {func(_ *device, l *line) {
			l.answer(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		}, []string{"sessions 6014", `kicked 0 operator [LOGOUT ""]`}},
		"sent away without a notice": {func(_ *device, l *line) {
			l.close(wire.Close{Code: wire.CloseKicked})
		}, []string{"sessions 6014", `kicked 0 unknown [LOGOUT ""]`}},
		"expired": {func(_ *device, l *line) {
			l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_REST_KICK, Expired: true}))
		}, []string{"sessions 6014", `expired [LOGOUT ""]`}},
		"logged out": {func(d *device, _ *line) {
			d.logout()
			time.Sleep(2 * time.Second)
		}, []string{"sessions 6014", "logout ok"}},
		"another account": {func(d *device, _ *line) {
			d.login("bob", sig("bob", time.Hour))
		}, []string{"sessions 6014", "connecting"}},
		"closed": {func(d *device, _ *line) { _ = d.Close() }, []string{"sessions 7009"}},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.loggedIn(client.Options{})
				d.sessions()
				l.listSessions()
				tt.end(d, l)
				d.heard(tt.want...)
			})
		})
	}
}

// The UserSig has ended, but the account is still in: only the answer is lost.
func TestTheUserSigEndsBeforeARequestIsAnswered(t *testing.T) {
	over := &wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{UserSig: func(context.Context, rollcall.UserID) (string, error) {
			return sig("alice", time.Hour), nil
		}})
		time.Sleep(24 * time.Hour)
		d.sessions()
		l.listSessions()
		l.send(l.notice(over))
		d.heard("sessions 9520")
		d.is(client.StatusLogined, "alice")
	})
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.sessions()
		l.listSessions()
		d.renewUserSig(sig("alice", 48*time.Hour))
		l.send(l.notice(over)) // a renewal is on its way: it becomes a login
		d.heard("sessions 9520", "connecting")
		d.is(client.StatusLogining, "")
	})
}

func TestRequestCancelled(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 2)
		go func() {
			_, err := d.Sessions(ctx)
			result <- err
		}()
		l.listSessions()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || imcode.Of(err) != imcode.Internal {
			t.Errorf("Sessions: %v", err)
		}
		l.list(1) // late
		if _, err := d.SignOutOthers(ctx, client.SignOutOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("SignOutOthers: %v", err)
		}
		d.is(client.StatusLogined, "alice")
		if len(l.frames) > 0 {
			t.Errorf("it sent %v", l.next())
		}
	})
}

// What was cancelled and what is answered at the same moment: the caller's own.
func TestRequestCancelledWhileItIsAnswered(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan int, 1)
			go func() {
				all, err := d.Sessions(ctx)
				if err == nil && len(all) != 3 {
					t.Errorf("%d sessions", len(all))
				}
				result <- len(all)
			}()
			l.listSessions()
			go cancel()
			l.list(3)
			<-result
		}
	})
}

// However much an app asks, the connection stands.
func TestTooManyRequests(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		for range 40 {
			d.sessions()
		}
		d.heard(slices.Repeat([]string{"sessions 7008"}, 8)...)
		for range 32 {
			l.listSessions()
			l.list(1)
		}
		d.heard(slices.Repeat([]string{"sessions 1"}, 32)...)
		d.sessions()
		l.listSessions()
	})
}

func TestRequestInsideACallback(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.AddListener(client.Listener{ConnectSuccess: func() {
			_, err := d.Sessions(t.Context())
			d.events <- "inside " + outcome(err)
		}})
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.grant(1, 2)
		l.listSessions()
		l.list(1)
		d.heard("connecting", "connected", "inside ok")
	})
}

// The server's word on where alice is, from a phone of hers.
func TestSignOutWithTheServer(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		phone := enter(t, s, "phone", "alice")
		other := enterOn(t, s, "tablet", "alice", rollcall.IPad)
		kicks := make(chan client.Kick, 10)
		other.AddListener(client.Listener{KickedOffline: func(k client.Kick) { kicks <- k }})
		away := enterOn(t, s, "laptop", "alice", rollcall.Mac)
		s.Endpoint("laptop").Cut(memnet.Unplug)
		s.Endpoint("tablet").Cut(memnet.Reset)
		s.Endpoint("tablet").Mend()
		time.Sleep(10 * time.Minute) // in which the server notices that the laptop is silent
		all, err := phone.Sessions(t.Context())
		must(t, err)
		if len(all) != 3 || !all[0].This || all[1].This || all[0].Platform != rollcall.Android || all[1].Platform != rollcall.IPad ||
			!all[1].AwaySince.IsZero() || all[2].AwaySince.IsZero() || all[2].LoggedIn.IsZero() {
			t.Fatalf("alice is at %+v", all)
		}

		_, err = phone.SignOut(t.Context(), all[1].Number, client.SignOutOptions{})
		must(t, err)
		if k := <-kicks; k.Reason != client.ReasonSignedOutElsewhere || k.BySession != all[0].Number || k.ByPlatform != rollcall.Android {
			t.Errorf("the tablet was told %+v", k)
		}
		for _, wrong := range []uint64{all[0].Number, all[1].Number, 99} {
			if _, err := phone.SignOut(t.Context(), wrong, client.SignOutOptions{}); !errors.Is(err, imcode.InvalidParameters) {
				t.Errorf("sign-out of session %d: %v", wrong, err)
			}
		}
		out, err := phone.SignOutOthers(t.Context(), client.SignOutOptions{})
		if err != nil || out != (client.SignedOut{Count: 1}) {
			t.Errorf("SignOutOthers: %+v, %v; want 1", out, err)
		}
		sessions(t, s, "alice", 1)
		s.Endpoint("laptop").Mend()
		time.Sleep(time.Minute)
		if away.LoginStatus() != client.StatusLogout || phone.LoginStatus() != client.StatusLogined {
			t.Errorf("the laptop is %v, the phone %v", away.LoginStatus(), phone.LoginStatus())
		}
	})
}

// With the UserSigs nobody comes back by those that were there, and this session
// lives on.
func TestSignOutWithUserSigs(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		phone := enter(t, s, "phone", "alice")
		time.Sleep(2 * time.Second)
		old := ticket(t, s, "alice") // another one than the phone's own
		other := enterOn(t, s, "tablet", "alice", rollcall.IPad)
		time.Sleep(5 * time.Second)
		out, err := phone.SignOutOthers(t.Context(), client.SignOutOptions{UserSigs: true})
		if err != nil || out.Count != 1 {
			t.Fatalf("SignOutOthers: %+v, %v; want 1", out, err)
		}
		synctest.Wait()
		if err := other.Login(t.Context(), "alice", old); !errors.Is(err, imcode.UserSigExpired) {
			t.Errorf("login with an old UserSig: %v", err)
		}
		if err := phone.RenewUserSig(t.Context(), old); !errors.Is(err, imcode.UserSigExpired) {
			t.Errorf("renewal with an old UserSig: %v", err)
		}
		time.Sleep(5 * time.Second)
		if phone.LoginStatus() != client.StatusLogined {
			t.Errorf("the phone is %v", phone.LoginStatus())
		}
		must(t, phone.RenewUserSig(t.Context(), ticket(t, s, "alice")))
		must(t, other.Login(t.Context(), "alice", ticket(t, s, "alice")))
	})
}

// A UserSig of the very second of a sign-out may be one that it has made worthless.
// The answer says what to sign, so that nobody has to wait for the clock.
func TestASignOutSaysFromWhenOnUserSigsAreGood(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		phone := enter(t, s, "phone", "alice")
		out, err := phone.SignOutOthers(t.Context(), client.SignOutOptions{UserSigs: true})
		must(t, err)
		same, err := s.UserSig("alice", 25*time.Hour)
		must(t, err)
		if err := phone.RenewUserSig(t.Context(), same); !errors.Is(err, imcode.UserSigExpired) {
			t.Fatalf("renewal with a UserSig of the same second: %v", err)
		}
		c := usersig.Claims{App: stage.App, Identifier: "alice", Time: s.Now().Unix(), Expire: 86400}
		sig, err := c.NotBefore(out.ValidFrom).Sign(s.Key())
		must(t, err)
		must(t, phone.RenewUserSig(t.Context(), sig))
	})
}
