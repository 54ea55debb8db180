package client

import (
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// Times and bounds of logouts.
const (
	logoutWait      = 2 * time.Second  // Logout waits so long for the server
	againAfter      = 60 * time.Second // one that the server does not know is sent once more
	busyAgainAfter  = 5 * time.Second  // one that a busy server refused, at the earliest
	maxLogoutsFirst = 16               // on one connection before its login or resume
)

// logout takes a Logout call.
func (e *engine) logout(k *call) {
	s := e.seat
	e.named = nil
	e.publish()
	if s == nil {
		e.answer(k, nil)
		return
	}
	c, left := e.leave(s, imcode.LoggedOutBeforeLogin.Errorf("logged out"))
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err)
		e.answer(k, imcode.IOFailed.Errorf("save the logout: %v", err))
	}
	open := len(left)
	if open == 0 {
		e.answer(k, nil)
	}
	for _, l := range left {
		l.settled = append(l.settled, func() {
			if open--; open == 0 {
				e.answer(k, nil)
			}
		})
	}
	e.after(logoutWait, func() { e.answer(k, nil) })
	e.farewell(c, left)
}

// stopWaiting is heard when the context of the Logout k has ended: it is on
// disk, and that is enough.
func (e *engine) stopWaiting(k *call) { e.answer(k, nil) }

// pendingLogouts are those that could be sent now.
func (e *engine) pendingLogouts() []*logout {
	var due []*logout
	now := time.Now()
	for _, l := range e.journal.Logouts {
		if !l.held && !now.Before(l.due) && l.Server == e.dialer.server && l.App == e.app {
			due = append(due, l)
		}
	}
	return due
}

// sendLogouts sends at most the first so many of out on c. Their try numbers
// are on disk before; if that fails nothing is sent.
func (e *engine) sendLogouts(c *conn, out []*logout, most int) bool {
	out = out[:min(len(out), most)]
	if len(out) == 0 {
		return true
	}
	first := e.journal.Try + 1
	e.journal.Try = min(e.journal.Try+uint64(len(out)), wire.MaxTryNumber) // the next login draws a new device
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err)
		return false
	}
	for i, l := range out {
		l.flying++
		again := l.again // as it is sent: of two on their way at once neither is the second
		request := &wire.ClientFrame{Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
			App:       uint32(l.App),
			UserId:    string(l.User),
			DeviceId:  string(e.journal.Device),
			FixedHalf: l.Fixed,
			TryNumber: min(first+uint64(i), wire.MaxTryNumber),
			UserSig:   l.userSig,
		}}}
		c.ask(request, func(f *wire.ServerFrame) {
			l.flying--
			e.logoutAnswered(l, again, f)
		})
	}
	return true
}

// logoutAnswered goes by the answer to a logout, which was sent again after a
// while or for the first time; nil is none.
func (e *engine) logoutAnswered(l *logout, again bool, f *wire.ServerFrame) {
	refusal := f.GetRefusal()
	switch {
	case f == nil:
		e.courier.failed = true
	case refusal != nil && forAWhile(refusal):
		e.courier.failed = true
		e.postpone(l, min(max(refusalOf(refusal).RetryAfter, busyAgainAfter), backoff.LongestHint))
	case f.GetLogout().GetKnown() || again:
		e.journal.remove(l)
		if err := e.journal.save(); err != nil {
			e.log.Error("save the client's state", "err", err) // it is sent again then, which does no harm
		}
	default:
		l.again = true
		e.postpone(l, againAfter)
	}
	settle(l)
}

// forAWhile tells whether the same request may be granted later. (A login() is
// ended by most of these: there the app decides.)
func forAWhile(r *wire.Refusal) bool {
	switch imcode.Code(r.GetCode()) {
	case imcode.Internal, imcode.TooManyRequests, imcode.LoginFrequencyLimit:
		return true
	default:
		return r.GetRetryAfterMs() > 0
	}
}

// postpone lets l be sent after d, not before.
func (e *engine) postpone(l *logout, d time.Duration) {
	l.due = time.Now().Add(d)
	e.after(d, func() {}) // wakes the loop, which delivers
}

// settle tells those who wait for l that it was answered, or that it could not
// be delivered now.
func settle(l *logout) {
	settled := l.settled
	l.settled = nil
	for _, f := range settled {
		f()
	}
}
