package client

import (
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// noticeWithin is how long a server that can be heard has for its notice when a
// UserSig has ended, before the client goes by the clock alone.
const noticeWithin = 500 * time.Millisecond

// pushed hears what the server says unasked.
func (e *engine) pushed(s *seat, c *conn, f *wire.ServerFrame) {
	n := f.GetNotice()
	switch {
	case f.GetChange() != nil:
		if e.here(s, c) && s.phase == serving {
			e.changed(s, f.GetChange())
		}
	case n == nil: // of a newer server
	case e.here(s, c) && !s.over && n.GetSession() == s.number:
		e.noticed(s, n)
	default: // for a session that the app has left: taken note of, not shown
		acknowledge(c, n)
	}
}

func acknowledge(c *conn, n *wire.Notice) {
	c.send(&wire.ClientFrame{Request: &wire.ClientFrame_Acknowledgement{
		Acknowledgement: &wire.Acknowledgement{Session: n.GetSession()},
	}})
}

// noticed: the session was ended. First it is on disk that the app knows, then
// the server learns it, then the app.
func (e *engine) noticed(s *seat, n *wire.Notice) {
	e.journal.record(s.place).KickSeen = n.GetSession()
	if s.attempt != nil {
		e.drop(s, true)
	}
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err) // the app hears of it all the same
	}
	acknowledge(s.conn, n)
	switch {
	case s.login != nil:
		e.loginNoticed(s, n)
	case n.GetExpired():
		e.userSigOver(s)
	default:
		s.over = true
		e.kicked(s, kickOf(n))
	}
}

// loginNoticed ends a login() that was answered with a notice. Servers answer
// it with a code; this is for those that do not.
func (e *engine) loginNoticed(s *seat, n *wire.Notice) {
	code := imcode.Code(n.GetCode())
	switch {
	case code != imcode.OK:
	case n.GetExpired():
		code = imcode.UserSigExpired
	default:
		code = imcode.KickedOffByOther
	}
	e.connectSuccess()
	e.failLogin(s, code.Errorf("%s", plain.Line(n.GetText())))
}

func kickOf(n *wire.Notice) Kick {
	k := Kick{
		Reason: Reason(n.GetReason()),
		Code:   imcode.Code(n.GetCode()),
		Text:   plain.Line(n.GetText()),
	}
	if n.GetAtMs() > 0 {
		k.At = time.UnixMilli(n.GetAtMs())
	}
	if n.GetBySession() > 0 {
		k.BySession = n.GetBySession()
		k.ByPlatform = rollcall.PlatformOf(n.GetByPlatform())
		k.ByDeviceName = plain.Line(n.GetByDeviceName())
		k.Rule = KickRule(n.GetByRule())
		k.Limit = int(n.GetByLimit())
	}
	return k
}

// endsAt sets the alarms for the end of the session's UserSig, which is good
// through the second given.
func (e *engine) endsAt(s *seat, seconds int64) {
	s.expiry.stop()
	s.ends = time.Unix(seconds+1, 0)
	s.expiry = e.after(s.ends.Sub(e.clock.now()), func() { e.endReached(s) })
	e.watchEnd(s)
}

// endReached: by the server's clock the UserSig is over. A server that can be
// heard says so itself; where a renewal is in doubt nobody else can.
func (e *engine) endReached(s *seat) {
	if e.seat != s || s.over {
		return
	}
	again := func(d time.Duration, f func(*seat)) { s.expiry = e.after(d, func() { f(s) }) }
	switch left := s.ends.Sub(e.clock.now()); {
	case left > 0: // the server's clock was heard anew meanwhile
		again(left, e.endReached)
	case s.conn != nil:
		again(noticeWithin, e.endUnheard)
	default:
		e.endUnheard(s)
	}
}

// endUnheard: the UserSig is over by the clock, and the server has not said so.
// With a renewal in doubt the session may go on under the new one, so the server
// is asked, by a resume, as soon as it can be.
func (e *engine) endUnheard(s *seat) {
	switch {
	case e.seat != s || s.over:
		return
	case !s.doubt:
		e.userSigOver(s)
		return
	case s.phase == serving && s.renewal == nil:
		e.tryFailed(s, imcode.RequestTimeout.Errorf("no answer to a renewal, and the earlier UserSig has ended"))
	default: // the renewal's answer is waited for, or the session is on its way back
	}
	s.expiry = e.after(noticeWithin, func() { e.endUnheard(s) })
}

// userSigOver: the session has ended with its UserSig. A renewal that is on its
// way becomes a login(), one that was kept or what the provider gives is for an
// automatic login of which the app need not hear; without any it is over.
func (e *engine) userSigOver(s *seat) {
	s.over = true
	s.refused.add(s.userSig)
	if k := s.renewal; k != nil {
		s.renewal = nil
		e.rest(s)
		e.loseRequests(s)
		e.loginOn(s, k)
		return
	}
	announced := s.announced && s.phase != serving
	e.begin(s, true)
	e.rest(s)
	e.set(s, true)
	s.announced = announced
	e.goOn(s)
	e.loseRequests(s)
}
