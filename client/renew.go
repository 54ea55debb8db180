package client

import (
	"time"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// renewWithin is how long the server has to answer a renewal before it is kept.
const renewWithin = 5 * time.Second

// renewUserSig takes a RenewUserSig call: a Login call that can be nothing but a
// renewal.
func (e *engine) renewUserSig(k *call) {
	switch s := e.seat; {
	case s == nil:
		e.answer(k, imcode.NotLoggedIn.Errorf("nobody is in: log in with the new UserSig"))
	case s.login != nil:
		e.answer(k, imcode.LoginInProcess.Errorf("a login of %s is on its way", s.User))
	default:
		k.user = s.User
		e.login(k)
	}
}

// renew gives the account that is in a new UserSig.
func (e *engine) renew(s *seat, k *call) {
	if s.phase != serving {
		e.keep(s, k)
		return
	}
	s.renewal, s.doubt = k, true
	within := e.after(renewWithin, func() {
		if s.renewal == k {
			s.renewal = nil
			e.keep(s, k)
		}
	})
	request := &wire.ClientFrame{Request: &wire.ClientFrame_Renew{Renew: &wire.RenewRequest{UserSig: k.userSig}}}
	s.conn.ask(request, func(f *wire.ServerFrame) {
		within.stop()
		if e.seat == s {
			e.renewed(s, k, f)
		}
	})
}

// keep holds a renewal ready for the next resume, or for the automatic login
// that the seat is waiting for.
func (e *engine) keep(s *seat, k *call) {
	s.kept = k.userSig
	e.answer(k, nil)
	if s.phase == resting {
		s.fetch.stop()
		e.goOn(s)
	}
}

// renewed is heard with the answer to a renewal, or with nil when the
// connection ended before it. Late or not, what the server did is true; but the
// call may have been cancelled, or kept, or have become a login().
func (e *engine) renewed(s *seat, k *call, f *wire.ServerFrame) {
	waiting := s.renewal == k
	switch b := f.GetBody().(type) {
	case *wire.ServerFrame_Notice:
		e.noticed(s, b.Notice)
	case *wire.ServerFrame_Renew:
		s.doubt = false
		e.keptAnswered(s, k.userSig, imcode.OK)
		e.endsAt(s, b.Renew.GetExpiresS())
		e.publish()
		e.endRenewal(s, k, nil)
	case *wire.ServerFrame_Refusal:
		s.doubt = false
		code := imcode.Code(b.Refusal.GetCode())
		if waiting && forAWhile(b.Refusal) {
			s.renewal = nil
			e.keep(s, k)
			return
		}
		e.keptAnswered(s, k.userSig, code)
		e.endRenewal(s, k, &imcode.Error{Code: code, Detail: b.Refusal.GetText()})
	default:
		if waiting {
			s.renewal = nil
			e.keep(s, k)
		}
	}
}

func (e *engine) endRenewal(s *seat, k *call, err error) {
	if s.renewal == k {
		s.renewal = nil
		e.answer(k, err)
	}
}

// keptAnswered goes by the server's word on a renewal: in force, or dropped.
func (e *engine) keptAnswered(s *seat, userSig string, code imcode.Code) {
	if s.kept == userSig {
		s.kept = ""
	}
	if code == imcode.OK {
		s.userSig = userSig
		return
	}
	if saysExpired(code) {
		e.dead.add(userSig)
	}
	e.watchEnd(s) // of the old one, which stays
}
