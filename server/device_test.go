package server_test

import (
	"crypto/sha256"
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/wire"
)

// A device is an installation of a client: what it keeps on disk, and the
// requests it makes of that.
type device struct {
	w        *world
	user     string
	id       string
	name     string
	platform rollcall.Platform
	sig      string

	try                  uint64
	drawn                int
	fixed, present, next []byte
	session, conn        uint64
}

func (w *world) device(user, id string, p rollcall.Platform) *device {
	w.t.Helper()
	return &device{w: w, user: user, id: id, platform: p, sig: w.sig(user, 24*time.Hour)}
}

// draw is a half of a secret, new and the same in each run.
func (d *device) draw() []byte {
	d.drawn++
	h := sha256.Sum256(fmt.Append(nil, d.user, " ", d.id, " ", d.drawn))
	return h[:wire.HalfBytes]
}

// attempt is a new login.
func (d *device) attempt() *wire.LoginRequest {
	d.fixed, d.present, d.next = d.draw(), d.draw(), nil
	return d.again()
}

// again is the same attempt, tried again.
func (d *device) again() *wire.LoginRequest {
	d.try++
	return &wire.LoginRequest{
		App: app, UserId: d.user, UserSig: d.sig, Platform: uint32(d.platform), DeviceId: d.id, DeviceName: d.name,
		TryNumber: d.try, FixedHalf: d.fixed, ChangingHalf: d.present, LastSession: d.session,
	}
}

// resume is the session's next step, or the same one tried again.
func (d *device) resume() *wire.ResumeRequest {
	if d.next == nil {
		d.next = d.draw()
	}
	d.try++
	return &wire.ResumeRequest{
		App: app, UserId: d.user, Session: d.session, FixedHalf: d.fixed,
		PresentHalf: d.present, NextHalf: d.next, TryNumber: d.try,
	}
}

// logout ends the session of the attempt.
func (d *device) logout() *wire.LogoutRequest {
	d.try++
	return &wire.LogoutRequest{App: app, UserId: d.user, DeviceId: d.id, FixedHalf: d.fixed, TryNumber: d.try}
}

// granted takes the answer to a login or resume, which must be a session.
func (d *device) granted(f *wire.ServerFrame) *wire.SessionAnswer {
	d.w.t.Helper()
	s := f.GetSession()
	if s == nil {
		d.w.t.Fatalf("%s on %s was answered with %v, want a session", d.user, d.id, f)
	}
	if d.next != nil {
		d.present, d.next = d.next, nil
	}
	d.session, d.conn = s.GetSession(), s.GetConnection()
	return s
}

// online logs in over a new connection.
func (d *device) online() *peer {
	d.w.t.Helper()
	p := d.w.connect()
	d.granted(p.ask(d.attempt()))
	return p
}

// back resumes over a new connection.
func (d *device) back() *peer {
	d.w.t.Helper()
	p := d.w.connect()
	d.granted(p.ask(d.resume()))
	return p
}

// proof is the hash of the fixed half: it proves a replacement and nothing else.
func (d *device) proof() []byte {
	h := sha256.Sum256(d.fixed)
	return h[:]
}
