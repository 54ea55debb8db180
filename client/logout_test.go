package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
)

func TestLogoutOfNobody(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.logout()
		d.heard("logout ok")
		p.idle(time.Hour)
	})
}

func TestLogoutWhileLogining(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		in := l.login()
		d.logout()
		d.is(client.StatusLogout, "")
		d.heard("connecting", "login 6023")
		if out := l.logout(); !bytes.Equal(out.GetFixedHalf(), in.GetFixedHalf()) || out.GetUserSig() != in.GetUserSig() {
			t.Errorf("the logout is %v", out)
		}
		l.loggedOut(true)
		d.heard("logout ok")
		p.idle(time.Hour)
	})
}

// What was never sent needs no logout.
func TestLogoutWhileLoginingWithoutAConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.endpoint.Cut(memnet.Silent)
		d.login("alice", sig("alice", time.Hour))
		d.logout()
		d.heard("connecting", "login 6023", "logout ok")
		d.endpoint.Mend()
		p.idle(time.Hour)
	})
}

func TestLogoutWaitsTwoSecondsForTheServer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		began := time.Now()
		if err := d.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
		first := l.logout()
		l.gone()
		l = p.acceptWithin(time.Minute)
		second := l.logout()
		if !bytes.Equal(first.GetFixedHalf(), second.GetFixedHalf()) || second.GetTryNumber() <= first.GetTryNumber() {
			t.Errorf("then came %v", second)
		}
		l.loggedOut(true)
		l.gone()
		p.idle(time.Hour)
	})
}

func TestLogoutWithoutAConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		l.cut()
		began := time.Now()
		if err := d.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		d.is(client.StatusLogout, "")
		time.Sleep(time.Hour)
		d.endpoint.Mend()
		l = p.acceptWithin(time.Minute)
		l.logout()
		l.refuse(imcode.Internal, 10*time.Second) // later
		l = p.acceptWithin(time.Minute)
		l.logout()
		l.loggedOut(true)
		p.idle(time.Hour)
	})
}

// A server that asks a logout to wait for weeks is asked again after an hour.
func TestNoServerPutsOffALogoutForGood(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.logout()
		l.logout()
		l.refuse(imcode.Internal, 40*24*time.Hour)
		d.heard("logout ok")
		l.gone()
		p.idle(59 * time.Minute)
		l = p.acceptWithin(2 * time.Minute)
		l.logout()
		l.loggedOut(true)
		p.idle(time.Hour)
	})
}

func TestLogoutWhoseContextEnds(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := d.Logout(ctx); err != nil {
			t.Errorf("Logout: %v, but it is on disk", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		l.logout()
		l.loggedOut(true)
		l.gone()
	})
}

// Answered "not known", a logout is sent once more after 60 s, and then no more.
func TestLogoutNotKnown(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.logout()
		l.logout()
		l.loggedOut(false)
		d.heard("logout ok")
		l.gone()
		p.idle(59 * time.Second)
		l = p.acceptWithin(5 * time.Second)
		l.logout()
		l.loggedOut(false)
		p.idle(time.Hour)
	})
}

// A logout not delivered in this process is the next one's first business.
func TestLogoutIsDeliveredByTheNextProcess(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d, l := p.loggedIn(client.Options{DataDirectory: dir})
		d.endpoint.Cut(memnet.Unplug)
		l.cut()
		if err := d.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		d.endpoint.Mend()
		d = p.open(client.Options{DataDirectory: dir})
		l = p.acceptWithin(time.Second)
		if out := l.logout(); out.GetUserId() != "alice" || out.GetUserSig() != "" {
			t.Errorf("the logout is %v; UserSigs are not on disk", out)
		}
		l.loggedOut(true)
		l.gone()
		d.login("alice", sig("alice", time.Hour))
		l = p.accept()
		if in := l.login(); in.GetLastSession() != 1 || len(in.GetProofs()) == 0 {
			t.Errorf("the next login is %v", in)
		}
	})
}

// A process that dies during a login leaves a pending logout behind.
func TestProcessKilledDuringLogin(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir, crashed := t.TempDir(), t.TempDir()
		d := p.open(client.Options{DataDirectory: dir})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		in := l.login()
		if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil { // the disk at this moment
			t.Fatal(err)
		}
		p.open(client.Options{DataDirectory: crashed})
		l = p.acceptWithin(time.Second)
		out := l.logout()
		if !bytes.Equal(out.GetFixedHalf(), in.GetFixedHalf()) || out.GetTryNumber() <= in.GetTryNumber() || out.GetDeviceId() != in.GetDeviceId() {
			t.Errorf("the next process begins with %v", out)
		}
	})
}

// After a restart login() brings what proves that the session was ours; the try
// number goes on.
func TestProcessRestartedWhileLogined(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		userSig := sig("alice", time.Hour)
		d := p.open(client.Options{DataDirectory: dir})
		d.login("alice", userSig)
		l := p.accept()
		first := l.login()
		l.grant(4, 1)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = p.open(client.Options{DataDirectory: dir})
		p.idle(time.Minute) // nothing logs in by itself
		d.login("alice", userSig)
		second := p.accept().login()
		switch {
		case second.GetDeviceId() != first.GetDeviceId(), second.GetLastSession() != 4, second.GetTryNumber() <= first.GetTryNumber():
			t.Errorf("the login is %v", second)
		case !proves(second.GetProofs(), first.GetChangingHalf()):
			t.Error("it does not prove the session by its present half")
		}
		b, err := os.ReadFile(filepath.Join(dir, "state.json"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), userSig) {
			t.Error("the UserSig is on disk")
		}
	})
}

func proves(proofs [][]byte, half []byte) bool {
	for _, p := range proofs {
		if bytes.Equal(p, half) {
			return true
		}
	}
	return false
}

// Pending logouts of another server wait for it.
func TestLogoutsGoToTheirOwnServer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		d, l := p.loggedIn(client.Options{DataDirectory: dir})
		d.endpoint.Cut(memnet.Unplug)
		l.cut()
		if err := d.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		_ = d.Close()
		d.endpoint.Mend()
		other, err := p.net.Listen("other.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		dialled := make(chan struct{}, 1)
		go func() {
			if c, err := other.Accept(); err == nil {
				c.Close()
				dialled <- struct{}{}
			}
		}()
		c, err := client.Open(app, "ws://other.test:80", client.Options{DataDirectory: dir, Dial: d.endpoint.Dial})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		_ = c.Close()
		if len(dialled) > 0 {
			t.Error("the other server was called")
		}
		p.open(client.Options{DataDirectory: dir})
		p.acceptWithin(time.Second).logout()
	})
}

// Many pending logouts go in handfuls: a server admits only so many frames
// before a login.
func TestManyPendingLogouts(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		dir := t.TempDir()
		var pending []string
		for i := range 40 {
			half := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "half number %04d", i))
			pending = append(pending, fmt.Sprintf(`{"server":"ws://rollcall.test:80","app":%d,"user":"alice","fixed":%q}`, app, half))
		}
		state := fmt.Sprintf(`{"version":1,"device":"phone","try":7,"logouts":[%s]}`, strings.Join(pending, ","))
		if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
		p.open(client.Options{DataDirectory: dir})
		ended := make(map[string]bool)
		for l := p.await(time.Minute); l != nil; l = p.await(time.Minute) {
			for frames := 0; len(l.frames) > 0; frames++ {
				ended[string(l.logout().GetFixedHalf())] = true
				l.loggedOut(true)
				if frames > 30 {
					t.Fatal("too many frames before a login")
				}
			}
		}
		if len(ended) != 40 {
			t.Errorf("%d logouts, want 40", len(ended))
		}
	})
}

func TestLogoutThatCannotBeWritten(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root writes everywhere: the directory is taken away instead")
	}
	story(t, func(t *testing.T, p *peer) {
		dir := filepath.Join(t.TempDir(), "data")
		d, _ := p.loggedIn(client.Options{DataDirectory: dir})
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := d.Logout(t.Context()); !errors.Is(err, imcode.IOFailed) {
			t.Errorf("Logout: %v, want 6022", err)
		}
		d.is(client.StatusLogout, "")
		if err := d.Login(t.Context(), "alice", sig("alice", time.Hour)); outcome(err) != "6022" {
			t.Errorf("Login: %v, want 6022: no secret leaves that is not on disk", err)
		}
	})
}
