package client

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/internal/backoff"
	"rollcall.example/wire"
)

// courierWithin is how long a courier's connection may stand.
const courierWithin = 10 * time.Second

// A courier delivers pending logouts while nobody is in whose connection could
// take them along. There is one at a time.
type courier struct {
	busy    bool
	alarm   *alarm // until it sets out
	hurried bool   // the next one sets out at once
	failed  bool   // something was not delivered since it set out
	retry   backoff.Backoff
}

// deliver sees to it that pending logouts go out. The loop calls it after
// everything that it does.
func (e *engine) deliver() {
	var out []*logout
	for _, l := range e.pendingLogouts() {
		if l.flying == 0 {
			out = append(out, l)
		}
	}
	switch s := e.seat; {
	case len(out) == 0:
	case s != nil && s.phase == serving:
		e.sendLogouts(s.conn, out, outbox/2)
	case s != nil && s.phase != resting: // they go first on the connection that is being made
	case !e.courier.busy:
		e.sendCourier()
	}
}

func (e *engine) sendCourier() {
	k := &e.courier
	k.busy = true
	var wait time.Duration
	if !k.hurried {
		wait = k.retry.Next(0)
	}
	k.hurried = false
	k.alarm = e.after(wait, e.dialCourier)
}

// hurry lets the courier set out at once: somebody waits for it.
func (e *engine) hurry() {
	k := &e.courier
	if k.alarm != nil {
		k.alarm.stop()
		k.alarm = nil
		k.busy = false
	}
	k.hurried = true
}

func (e *engine) dialCourier() {
	e.courier.alarm = nil
	ctx, cancel := context.WithTimeout(e.ctx, dialWithin)
	e.tasks.Go(func() {
		defer cancel()
		ws, err := e.dialer.connect(ctx)
		if !e.post(func() { e.courierDialed(ws, err) }) && ws != nil {
			ws.CloseNow()
		}
	})
}

func (e *engine) courierDialed(ws *websocket.Conn, err error) {
	if err != nil {
		e.log.Info("logouts cannot be delivered yet", "err", err)
		for _, l := range e.pendingLogouts() {
			if l.flying == 0 {
				settle(l)
			}
		}
		e.courier.busy = false
		return
	}
	c := e.open(ws, pushedToNobody, func(*conn, loss) {})
	e.courier.failed = false
	out := e.pendingLogouts()
	e.carry(c, out[:min(len(out), maxLogoutsFirst)], courierWithin, func() {
		e.courier.busy = false
		if !e.courier.failed {
			e.courier.retry.Reset()
		}
	})
}

// pushedToNobody takes note of notices for sessions that the app has left.
func pushedToNobody(c *conn, f *wire.ServerFrame) {
	if n := f.GetNotice(); n != nil {
		acknowledge(c, n)
	}
}

// farewell ends a connection with the logouts of what it served, or was to.
// Without a connection the courier takes them.
func (e *engine) farewell(c *conn, left []*logout) {
	if c == nil {
		e.hurry()
		return
	}
	e.carry(c, left, logoutWait, func() {})
}

// carry sends logouts on a connection that serves nothing else, and hangs up
// when all are answered or time is up. Then is called in the end.
func (e *engine) carry(c *conn, out []*logout, within time.Duration, then func()) {
	sent := e.sendLogouts(c, out, len(out))
	if !sent || len(out) == 0 {
		e.courier.failed = !sent
		e.hangUp(c)
		then()
		return
	}
	bell := e.after(within, func() { e.hangUp(c) })
	open := len(out)
	for _, l := range out {
		l.settled = append(l.settled, func() {
			if open--; open == 0 {
				bell.stop()
				e.hangUp(c)
				then()
			}
		})
	}
}
