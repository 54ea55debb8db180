package client

import (
	"fmt"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/usersig"
)

// No more logins than these, counting those that cause traffic.
const (
	maxLogins    = 5
	loginsWithin = 10 * time.Second
)

// loginRetry is the longest wait between two tries of a login: somebody waits
// for it, and a network that is back is noticed in time.
const loginRetry = 2 * time.Second

// login takes a Login call. What is refused on the spot changes nothing.
func (e *engine) login(k *call) {
	s := e.seat
	same := s != nil && s.User == k.user
	_, illegal := rollcall.ParseUserID(string(k.user))
	switch {
	case illegal != nil:
		e.answer(k, illegal)
	case len(k.userSig) > usersig.MaxLen:
		e.answer(k, imcode.SDKInvalidParameters.Errorf("UserSig of %d bytes: want at most %d", len(k.userSig), usersig.MaxLen))
	case same && (s.login != nil || s.renewal != nil):
		e.answer(k, imcode.LoginInProcess.Errorf("a login of %s is on its way", k.user))
	case e.isOver(k.userSig):
		if s == nil {
			e.name(e.place(k.user))
			e.publish()
		}
		e.answer(k, imcode.SDKUserSigExpired.Errorf("this UserSig has expired: get a new one"))
	case same && (k.userSig == s.userSig || s.kept != "" && k.userSig == s.kept):
		e.answer(k, nil)
	case !e.mayLogin():
		e.answer(k, imcode.CallFrequencyLimit.Errorf("more than %d logins in %v", maxLogins, loginsWithin))
	case same:
		e.renew(s, k)
	default:
		e.enter(k)
	}
}

// enter gives the seat to k's account. Who had it is logged out: with the
// logouts that go before anything else on the new connection.
func (e *engine) enter(k *call) {
	if s := e.seat; s != nil {
		c, _ := e.leave(s, imcode.LoggedOutBeforeLogin.Errorf("%s logs in instead", k.user))
		e.hangUp(c)
	}
	p := e.place(k.user)
	s := &seat{place: p, over: true, box: e.name(p)}
	e.seat = s
	e.loginOn(s, k)
}

// loginOn lets the login() call k go for s.
func (e *engine) loginOn(s *seat, k *call) {
	s.login = k
	s.userSig = k.userSig
	s.deadline = e.after(e.opt.LoginWithin, func() { e.loginTimedOut(s) })
	e.publish()
	e.begin(s, false)
	e.set(s, false)
	s.retry.Cap = loginRetry
	e.dial(s)
}

func (e *engine) loginTimedOut(s *seat) {
	if e.seat != s || s.login == nil {
		return
	}
	err := s.last
	switch {
	case imcode.Of(err) == imcode.Internal: // the server said so
	case s.attempt.sent:
		err = imcode.RequestTimeout.Errorf("no answer from the server within %v", e.opt.LoginWithin)
	case err == nil:
		err = imcode.ConnectTimeout.Errorf("no connection within %v", e.opt.LoginWithin)
	}
	e.failLogin(s, err)
}

// cancelLogin is heard when the context of k has ended.
func (e *engine) cancelLogin(k *call, cause error) {
	switch s := e.seat; {
	case s == nil:
	case s.renewal == k:
		s.renewal = nil
		e.answer(k, cause)
		e.watchEnd(s)
	case s.login == k:
		e.failLogin(s, fmt.Errorf("%w: %w", imcode.LoggedOutBeforeLogin, cause))
	}
}

// failLogin ends a login(). What was sent and not answered is logged out.
func (e *engine) failLogin(s *seat, err error) {
	c, left := e.leave(s, err)
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err)
	}
	e.farewell(c, left)
}

// mayLogin counts the logins that cause traffic.
func (e *engine) mayLogin() bool {
	now := time.Now()
	e.logins = slices.DeleteFunc(e.logins, func(t time.Time) bool { return now.Sub(t) >= loginsWithin })
	if len(e.logins) >= maxLogins {
		return false
	}
	e.logins = append(e.logins, now)
	return true
}

// isOver tells whether a UserSig is known to have ended: the server has said
// so, or its clock has. The local clock alone is not believed, nor, when nobody
// is in, a server's that was heard long ago: it may have been wrong, and only a
// login would hear it anew.
func (e *engine) isOver(userSig string) bool {
	if e.dead.has(userSig) {
		return true
	}
	claims, err := usersig.Parse(userSig)
	return err == nil && (e.seat != nil || e.clock.believed()) && !e.clock.now().Before(claims.Ends())
}

func (e *engine) place(user rollcall.UserID) place {
	return place{Server: e.dialer.server, App: e.app, User: user}
}
