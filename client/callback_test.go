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
	"rollcall.example/wire"
)

// Outside of callbacks, those that belong before a result have run when Login
// and Logout return, however slow they are.
func TestLoginReturnsAfterItsCallbacks(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		connected := false // read without a lock: the race detector sees if the order is only luck
		d.AddListener(client.Listener{ConnectSuccess: func() {
			time.Sleep(time.Minute)
			connected = true
		}})
		go func() {
			l := <-p.conns
			synctest.Wait()
			l.login()
			l.grant(1, 1)
		}()
		if err := d.Login(t.Context(), "alice", sig("alice", time.Hour)); err != nil {
			t.Fatal(err)
		}
		if !connected {
			t.Error("Login returned before ConnectSuccess had run")
		}
	})
}

// In a callback they do not wait for the queue, on which they stand.
func TestCallsInACallback(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.AddListener(client.Listener{KickedOffline: func(client.Kick) {
			d.events <- "in again: " + outcome(d.Login(context.Background(), "alice", sig("alice", time.Hour)))
			d.events <- "and out: " + outcome(d.Logout(context.Background()))
		}})
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		l = p.accept()
		l.login()
		l.grant(2, 1)
		l.logout()
		l.loggedOut(true)
		d.heard(`kicked 0 operator [LOGOUT ""]`, "in again: ok", "and out: ok", "connecting", "connected")
	})
}

func TestListenersComeAndGo(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		var removeOther, removeSelf func()
		removeSelf = d.AddListener(client.Listener{Connecting: func() {
			d.events <- "first"
			removeOther()
			removeSelf()
			d.AddListener(client.Listener{ConnectSuccess: func() { d.events <- "late" }})
		}})
		removeOther = d.AddListener(client.Listener{Connecting: func() { d.events <- "other" }})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connecting", "first", "connected", "late", "login ok")
		l.cut()
		d.heard("connecting")
		removeSelf() // once more does nothing
	})
}

func TestCloseDuringLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d := p.open(client.Options{DataDirectory: dir})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		in := l.login()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		d.heard("connecting", "login 7009")
		d.is(client.StatusLogout, "")
		l.gone()
		p.open(client.Options{DataDirectory: dir})
		if out := p.acceptWithin(time.Second).logout(); string(out.GetFixedHalf()) != string(in.GetFixedHalf()) {
			t.Errorf("then came a logout of %v", out)
		}
	})
}

// The session is away, not logged out.
func TestCloseWhileLogined(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		l.gone()
		d.is(client.StatusLogout, "")
		d.heard()
		if err := d.Login(t.Context(), "alice", sig("alice", time.Hour)); !errors.Is(err, imcode.NotInitialized) {
			t.Errorf("Login after Close: %v, want 6013", err)
		}
		if err := d.Logout(t.Context()); !errors.Is(err, imcode.NotInitialized) {
			t.Errorf("Logout after Close: %v, want 6013", err)
		}
		d.login("alice", sig("alice", time.Hour))
		d.logout()
		d.heard("login 6013", "logout 6013")
		if err := d.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
		p.idle(time.Hour)
	})
}

// Called in a callback, Close lets none run after that one; a pending login
// still gets its answer.
func TestCloseInACallback(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.AddListener(client.Listener{Connecting: func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			d.events <- "closed"
		}})
		d.AddListener(client.Listener{Connecting: func() { d.events <- "still called" }})
		d.login("alice", sig("alice", time.Hour))
		d.heard("connecting", "login 7009", "closed", "still called") // the others of this event, and no more
	})
}

// A server that is not there does not hold up Close.
func TestCloseWithASilentServer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{UserSig: func(ctx context.Context, _ rollcall.UserID) (string, error) {
			time.Sleep(time.Hour) // ignores its context
			return "", ctx.Err()
		}})
		d.endpoint.Cut(2)
		d.endpoint.Cut(3)
		began := time.Now()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
		d.endpoint.Mend()
		l.cut()
	})
}

// A callback that never returns holds up nothing but the other callbacks.
func TestSlowListener(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		release := make(chan struct{})
		d.AddListener(client.Listener{Connecting: func() { <-release }})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.is(client.StatusLogined, "alice")
		l.cut()
		p.acceptWithin(time.Second).resume()
		d.heard("connecting")
		close(release)
		d.heard("connected", "login ok", "connecting") // all of it, in order
	})
}

// Kicked: by the time a callback runs the state says so, and a login() from a
// callback of the old session is one of the new.
func TestStatusInCallbacks(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.AddListener(client.Listener{ConnectSuccess: func() { d.events <- d.LoginStatus().String() + " " + string(d.LoginUser()) }})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connecting", "connected", "LOGINED alice", "login ok")
	})
}

// What a server says cannot be taken by a terminal for an order, nor for a line of
// the app's own.
func TestAServersWordsAreWords(t *testing.T) {
	const words, want = "\x1b[2J\u202e\nFAKE", "\ufffd[2J\ufffd\ufffdFAKE"
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.StartSessions(func(all []client.DeviceSession, err error) {
			if err != nil || len(all) != 1 || all[0].Device != want || all[0].DeviceName != want || all[0].Address != want {
				t.Errorf("the sessions are %+v, %v", all, err)
			}
		})
		synctest.Wait()
		l.listSessions()
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sessions{Sessions: &wire.SessionsAnswer{Sessions: []*wire.SessionInfo{
			{Session: 1, DeviceId: words, DeviceName: words, Address: words},
		}}}})
		d.StartSignOutOthers(client.SignOutOptions{}, func(_ int, err error) {
			if coded, _ := errors.AsType[*imcode.Error](err); coded == nil || coded.Detail != want {
				t.Errorf("refused with %q", err)
			}
		})
		synctest.Wait()
		l.signOut()
		l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: 70402, Text: words}}})
		l.send(l.notice(&wire.Notice{Session: 1, Text: words, BySession: 2, ByDeviceName: words}))
		d.heard(`kicked 0 unknown [LOGOUT ""]`)
		if d.kick.Text != want || d.kick.ByDeviceName != want {
			t.Errorf("kicked with %+v", d.kick)
		}
	})
}

// A kick tells who took the place, and by which rule.
func TestAKickNamesItsRule(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		l.send(l.notice(&wire.Notice{
			Session: 1, Reason: wire.Reason_REASON_NEWER_LOGIN, BySession: 2, ByPlatform: 7, ByDeviceName: "a page",
			ByRule: wire.Rule_RULE_OVER_LIMIT, ByLimit: 3,
		}))
		d.heard(`kicked 0 newer login [LOGOUT ""]`)
		want := client.Kick{
			Reason: client.ReasonNewerLogin, BySession: 2, ByPlatform: rollcall.Web, ByDeviceName: "a page",
			Rule: client.KickRuleOverLimit, Limit: 3,
		}
		if d.kick != want {
			t.Errorf("got %+v, want %+v", d.kick, want)
		}
	})
}

// TestTheReasonsAreTheWires holds the reasons to the numbers and the words with
// which they come. The end of a UserSig is no kick: it has none here.
func TestTheReasonsAreTheWires(t *testing.T) {
	spelled := wire.Reason(0).Descriptor().Values()
	for i := 1; i < spelled.Len(); i++ { // 0 is no reason at all
		number := spelled.Get(i).Number()
		got := "REASON_" + strings.ToUpper(strings.ReplaceAll(client.Reason(number).String(), " ", "_"))
		want := string(spelled.Get(i).Name())
		if number == wire.Reason_REASON_USERSIG_ENDED.Number() {
			want = "REASON_UNKNOWN"
		}
		if got != want {
			t.Errorf("reason %d is %s here, %s on the wire", number, got, want)
		}
	}
	rules := wire.Rule(0).Descriptor().Values()
	for i := 1; i < rules.Len(); i++ {
		words := strings.Split(string(rules.Get(i).Name()), "_")
		got := client.KickRule(rules.Get(i).Number())
		if last := words[len(words)-1]; !strings.Contains(strings.ToUpper(got.String()), last) {
			t.Errorf("rule %d is %q here, %s on the wire", got, got, rules.Get(i).Name())
		}
	}
	if beyond := client.KickRule(rules.Len()); beyond.String() != "none" {
		t.Errorf("the wire has no word for rule %d, %s", beyond, beyond)
	}
	for _, beyond := range []client.Reason{-1, client.Reason(spelled.Len())} {
		if beyond.String() != "unknown" {
			t.Errorf("the wire has no word for reason %d, %s", beyond, beyond)
		}
	}
}
