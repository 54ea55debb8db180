package client_test

import (
	"testing"
	"time"

	"rollcall.example/client"
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
		if string(out.GetFixedHalf()) != string(in.GetFixedHalf()) || out.GetTryNumber() <= in.GetTryNumber() {
			t.Errorf("the logout is of another session, or late: %v", out)
		}
		l.loggedOut(true)
		d.heard("logout ok")
		l.gone()
		p.idle(time.Hour)
	})
}
