package gateway

import (
	"context"

	"rollcall.example/internal/policy"
	"rollcall.example/wire"
)

// listSessions tells the account where it is logged in.
func (c *conn) listSessions(ctx context.Context, id uint64) {
	if !c.loggedIn(id) {
		return
	}
	all, own, err := c.g.sessions.Own(ctx, c.place)
	if err != nil {
		c.refuse(id, err)
		return
	}
	list := make([]*wire.SessionInfo, len(all))
	for i, x := range all {
		list[i] = &wire.SessionInfo{
			Session: x.Number, Platform: uint32(x.Platform), DeviceId: string(x.Device), DeviceName: x.DeviceName,
			LoginMs: x.Since.UnixMilli(), Address: x.Address, Current: x.Number == own,
		}
		if !x.Away.IsZero() {
			list[i].AwaySinceMs = x.Away.UnixMilli()
		}
	}
	c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Sessions{Sessions: &wire.SessionsAnswer{Sessions: list}}})
}

// signOut ends other sessions of the account.
func (c *conn) signOut(ctx context.Context, id uint64, q *wire.SignOutRequest) {
	if !c.loggedIn(id) {
		return
	}
	out, err := c.g.sessions.SignOut(ctx, c.place, q.GetSession(), q.GetUserSigs())
	if err != nil {
		c.refuse(id, err)
		return
	}
	a := &wire.SignOutAnswer{}
	for _, e := range out.Ended {
		if e.Notice.Reason == policy.SignedOutElsewhere { // and not by time, which had come already
			a.Count++
		}
	}
	if q.GetUserSigs() {
		a.ValidFromS = out.State.ValidFrom
	}
	c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_SignOut{SignOut: a}})
}
