package gateway

import (
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// answer sends the answer to request id.
func (c *conn) answer(id uint64, f *wire.ServerFrame) {
	f.Id = id
	c.out.put(c, c.frame(f), f.GetSession() != nil)
}

// frame spells f, with the clock, as one WebSocket frame.
func (c *conn) frame(f *wire.ServerFrame) []byte {
	f.TimeMs = c.g.sessions.Now().UnixMilli()
	b, err := c.sub.Encode(f)
	if err != nil {
		c.g.opt.Log.Error("encode an answer", "err", err)
		return nil
	}
	return ws.MustCompileFrame(ws.NewFrame(c.opcode(), true, b))
}

// refuse answers with the code that err carries. What carries none is ours: it
// is logged, and the peer is told 70500.
func (c *conn) refuse(id uint64, err error) {
	r := &wire.Refusal{Code: int32(imcode.Of(err))}
	if e, ok := asError(err); ok {
		r.Text, r.RetryAfterMs = e.Detail, uint32(min(e.RetryAfter, time.Hour).Milliseconds())
	}
	c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Refusal{Refusal: r}})
}

// reply spells what a rule answered a login, resume or renewal with.
func (c *conn) reply(id uint64, a session.Answer) {
	switch a.Answer {
	case policy.Granted:
		c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
			Session: a.Session.Number, Connection: a.Session.Conn, ExpiresS: a.Session.SigEnds,
			HeartbeatMs: uint32(c.heartbeat(a.Session.Platform).Milliseconds()),
			RenewalCode: int32(a.Renewal), RenewalText: renewalText(a), Past: c.g.opt.Past,
		}}})
	case policy.Refused:
		r := &wire.Refusal{Code: int32(a.Code), Text: a.Detail}
		if a.Notice.Reason != policy.Silently {
			r.Kicked = notice(a.Notice)
		}
		c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Refusal{Refusal: r}})
	case policy.Stale:
		c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_Stale{Stale: &wire.StaleAnswer{Highest: a.Highest}}})
	case policy.LogInAgain:
		c.answer(id, &wire.ServerFrame{Body: &wire.ServerFrame_LoginAgain{LoginAgain: &wire.LoginAgainAnswer{}}})
	case policy.Told:
		c.Tell(a.Notice)
	case policy.Nothing, policy.Unknown: // the connection is being closed; a logout answers itself
	}
}

func renewalText(a session.Answer) string {
	if a.Renewal == imcode.OK {
		return ""
	}
	return a.Detail
}

func notice(n policy.Notice) *wire.Notice {
	return &wire.Notice{
		Session: n.Session, Reason: wire.Reason(n.Reason), Code: int32(n.Code), Text: n.Text(), AtMs: n.At.UnixMilli(),
		BySession: n.By.Session, ByPlatform: uint32(n.By.Platform), ByDeviceName: n.By.DeviceName,
		ByRule: wire.Rule(n.By.Rule), ByLimit: uint32(n.By.Limit), Expired: n.Expired,
	}
}

func closeCode(n policy.Notice) wire.CloseCode {
	if n.Expired {
		return wire.CloseExpired
	}
	return wire.CloseKicked
}
