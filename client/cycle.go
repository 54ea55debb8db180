package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// Times of a cycle.
const (
	dialWithin   = 10 * time.Second
	answerWithin = 10 * time.Second // to a login or resume
	firstSpread  = 200 * time.Millisecond
)

// maxDetours bounds how often in a row the server may answer stale or log in
// again before the client takes a breath.
const maxDetours = 4

// set makes s ready for a new cycle. A quiet one is not announced before
// something goes wrong.
func (e *engine) set(s *seat, quiet bool) {
	e.halt(s)
	s.cycle = cycle{conn: s.conn, retry: backoff.Backoff{}}
	if !quiet {
		e.announce(s)
	}
}

func (e *engine) announce(s *seat) {
	if s.announced {
		return
	}
	s.announced = true
	e.raise(func(l Listener) {
		if l.Connecting != nil {
			l.Connecting()
		}
	})
}

// comeBackFrom begins a cycle because a session's connection was lost: at once,
// or not before the server wants it, but not at the same moment as everybody.
func (e *engine) comeBackFrom(s *seat, l loss) {
	e.set(s, false)
	e.log.Info("connection lost, coming back", "user_id", s.User, "err", l.err)
	if l.close.RetryAfter > 0 {
		e.dialIn(s, s.retry.Next(l.close.RetryAfter))
		return
	}
	e.dialIn(s, rand.N(firstSpread))
}

func (e *engine) dialIn(s *seat, d time.Duration) {
	s.phase = waiting
	s.alarm = e.after(d, func() {
		if e.seat == s && s.phase == waiting {
			e.dial(s)
		}
	})
}

func (e *engine) dial(s *seat) {
	ctx, cancel := context.WithTimeout(e.ctx, dialWithin)
	d := &started{cancel}
	s.phase, s.dialing = dialingOut, d
	e.tasks.Go(func() {
		defer cancel()
		ws, err := e.dialer.connect(ctx)
		if !e.post(func() { e.dialed(s, d, ws, err) }) && ws != nil {
			ws.CloseNow()
		}
	})
}

func (e *engine) dialed(s *seat, d *started, ws *websocket.Conn, err error) {
	switch {
	case e.seat != s || s.dialing != d:
		if ws != nil {
			e.tasks.Go(func() { ws.CloseNow() })
		}
	case err != nil:
		s.dialing = nil
		e.tryFailed(s, err)
	default:
		s.dialing = nil
		s.conn = e.open(ws,
			func(c *conn, f *wire.ServerFrame) { e.pushed(s, c, f) },
			func(c *conn, l loss) { e.lost(s, c, l) })
		e.sendLogouts(s.conn, e.pendingLogouts(), maxLogoutsFirst)
		e.goOn(s)
	}
}

// goOn takes the next step of a cycle.
func (e *engine) goOn(s *seat) {
	if s.attempt != nil && s.attempt.automatic && e.usable(s) == "" {
		e.rest(s)
		e.fetchUserSig(s)
		return
	}
	if s.conn == nil {
		e.dial(s)
		return
	}
	e.ask(s)
}

// rest ends a seat's connection, and the cycle for now.
func (e *engine) rest(s *seat) {
	c := s.conn
	s.conn = nil
	e.halt(s)
	e.hangUp(c)
}

// tryFailed goes on with the next try after a while. What the server asks for
// is no failure.
func (e *engine) tryFailed(s *seat, err error) {
	e.rest(s)
	var hint time.Duration
	if later, ok := errors.AsType[*comeBack](err); ok {
		hint = later.after
	} else {
		s.last = err
		e.announce(s)
		e.connectFailed(err)
	}
	e.log.Info("no connection yet", "user_id", s.User, "err", err)
	if _, wrong := errors.AsType[wrongPlace](err); wrong && s.login != nil && !s.attempt.sent {
		e.failLogin(s, err)
		return
	}
	s.detours = 0
	e.dialIn(s, s.retry.Next(hint))
}

func (e *engine) connectFailed(err error) {
	code, text := imcode.Of(err), err.Error()
	if detailed, ok := errors.AsType[*imcode.Error](err); ok {
		text = detailed.Detail
	}
	e.raise(func(l Listener) {
		if l.ConnectFailed != nil {
			l.ConnectFailed(code, text)
		}
	})
}

func (e *engine) connectSuccess() {
	e.raise(func(l Listener) {
		if l.ConnectSuccess != nil {
			l.ConnectSuccess()
		}
	})
}

// lost is heard when the connection ended, unless we hung up.
func (e *engine) lost(s *seat, c *conn, l loss) {
	if !e.here(s, c) {
		return
	}
	served := s.phase == serving
	s.conn = nil
	switch {
	case l.sentAway():
		e.sentAway(s, l.close.Code)
	case served:
		e.comeBackFrom(s, l)
	case l.asked():
		e.tryFailed(s, &comeBack{l.close.RetryAfter, l.close.Code.Meaning()})
	default:
		e.tryFailed(s, imcode.Disconnected.Errorf("%v", l.err))
	}
	e.loseRequests(s)
}

// sentAway is what a close means that asks not to come back, when no notice
// came before it.
func (e *engine) sentAway(s *seat, code wire.CloseCode) {
	answer := imcode.Disconnected
	reason := ReasonUnknown
	switch code {
	case wire.CloseBadFrame:
		answer = imcode.ParseFailed
	case wire.CloseTooBig:
		answer = imcode.SDKInternal
	case wire.CloseTooMany:
		answer = imcode.TooManyRequests
	case wire.CloseReplaced:
		reason = ReasonSameDeviceElsewhere
	case wire.CloseExpired:
		if s.login == nil {
			e.userSigOver(s)
			return
		}
		answer = imcode.UserSigExpired
	}
	if s.login != nil {
		e.failLogin(s, answer.Errorf("the server closed the connection: %s", code.Meaning()))
		return
	}
	e.kicked(s, Kick{Reason: reason, Text: code.Meaning(), At: e.clock.now()})
}
