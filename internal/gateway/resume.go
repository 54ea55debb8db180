package gateway

import (
	"context"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// resume serves a resume.
func (c *conn) resume(ctx context.Context, id uint64, q *wire.ResumeRequest) {
	if c.place != nil {
		c.refuse(id, imcode.LoginInProcess.Errorf("a session stands on this connection already"))
		return
	}
	account, err := decodeAccount(q.GetApp(), q.GetUserId())
	if err == nil {
		err = secret(q.GetTryNumber(), q.GetFixedHalf(), q.GetPresentHalf(), q.GetNextHalf())
	}
	if err == nil {
		err = checkClient(q.GetClient())
	}
	if err != nil {
		c.refuse(id, err)
		return
	}
	c.out.asks(id)
	a, err := c.g.sessions.Resume(ctx, c, session.Resume{
		Account: account, Session: q.GetSession(),
		FixedHalf: q.GetFixedHalf(), PresentHalf: q.GetPresentHalf(), NextHalf: q.GetNextHalf(),
		Try: q.GetTryNumber(), UserSig: q.GetUserSig(), Web: c.web, Address: c.address,
	})
	c.served(id, account, a, err)
}

// renew serves a renewal of the UserSig of this connection's session.
func (c *conn) renew(ctx context.Context, id uint64, q *wire.RenewRequest) {
	if !c.loggedIn(id) {
		return
	}
	a, err := c.g.sessions.Renew(ctx, c.place, q.GetUserSig(), c.address)
	switch {
	case err != nil:
		c.refuse(id, err)
	case a.Answer == policy.Granted:
		c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Renew{Renew: &wire.RenewAnswer{ExpiresS: a.Session.SigEnds}}})
	default:
		c.reply(id, a)
	}
}

// loggedIn tells whether a session is served here; if not, it refuses the request.
func (c *conn) loggedIn(id uint64) bool {
	if c.place == nil {
		c.refuse(id, imcode.AuthInvalid.Errorf("log in first"))
		return false
	}
	return true
}
