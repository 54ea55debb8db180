package gateway

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// logout serves a logout: of this connection's session or, pending, of another.
func (c *conn) logout(ctx context.Context, id uint64, q *wire.LogoutRequest) {
	account, err := decodeAccount(q.GetApp(), q.GetUserId())
	if err != nil {
		c.refuse(id, err)
		return
	}
	device, err := rollcall.ParseDeviceID(q.GetDeviceId())
	if err == nil {
		err = secret(q.GetTryNumber(), q.GetFixedHalf())
	}
	if err != nil {
		c.refuse(id, err)
		return
	}
	a, err := c.g.sessions.Logout(ctx, c.place, session.Logout{
		Account: account, Device: device, FixedHalf: q.GetFixedHalf(), Try: q.GetTryNumber(),
		UserSig: q.GetUserSig(), Address: c.address,
	})
	if err != nil {
		c.refuse(id, err)
		return
	}
	c.forgetSession(account, a.Session.Number)
	known := a.Answer == policy.Granted
	c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Logout{Logout: &wire.LogoutAnswer{Known: known}}})
}

// forgetSession gives up the connection's place if it was the session's: the
// connection may log in again.
func (c *conn) forgetSession(account rollcall.Account, ended uint64) {
	if c.place == nil || c.place.Account() != account {
		return
	}
	if own, _ := c.place.Session(); own != ended {
		return
	}
	c.g.sessions.LoggedOut(c.place)
	c.place, c.deadline = nil, time.Now().Add(c.g.opt.LoginWithin)
	c.in.wait()
}

// acknowledge serves the only frame that is read after a notice.
func (c *conn) acknowledge(ctx context.Context, f *wire.ClientFrame, told policy.Notice) error {
	ack := f.GetAcknowledgement()
	if ack == nil || ack.GetSession() != told.Session {
		return nil
	}
	account, proved := c.account, c.proved
	if c.place != nil {
		account, proved = c.place.Account(), true
	}
	if proved && told.Reason != policy.SigEnded {
		c.g.sessions.Acknowledged(ctx, account, told.Session)
	}
	c.Close(wire.Close{Code: closeCode(told)})
	c.out.wait()
	return nil
}
