package client

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/imcode"
)

// An engine is the client's state and the one goroutine that touches it. Calls,
// frames, timers and what other goroutines found out arrive as functions that
// run is given one by one; none of them waits for the network or for a callback.
type engine struct {
	app     rollcall.AppID
	opt     Options
	dialer  *dialer
	journal *journal
	queue   *queue
	hearers *listeners
	log     *slog.Logger
	clock   clock

	inbox  chan func()
	ctx    context.Context //nolint:containedctx // the engine's own life: cancel ends it, run waits for what it started
	cancel context.CancelFunc
	gone   chan struct{} // closed when run has returned
	tasks  sync.WaitGroup

	sent recent // its own lock

	mu      sync.Mutex
	visible shown

	// What only the loop touches.
	seat    *seat // who is in or coming in; nil: nobody
	logins  []time.Time
	dead    digests
	conns   map[*conn]*websocket.Conn
	courier courier
	boxes   []*box // the one used last is the last
	named   *box   // of the account named in the last login; nil: nobody, or logged out
}

// shown is what the app may ask for at any time.
type shown struct {
	status  Status
	user    rollcall.UserID
	session Session
	named   *box
}

func newEngine(app rollcall.AppID, d *dialer, j *journal, q *queue, ls *listeners, o Options) *engine {
	e := &engine{
		app: app, opt: o, dialer: d, journal: j, queue: q, hearers: ls, log: o.Log,
		inbox:   make(chan func()),
		gone:    make(chan struct{}),
		conns:   make(map[*conn]*websocket.Conn),
		visible: shown{status: StatusLogout},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// run is the loop. It returns when stop is called and all that it started has
// stopped.
func (e *engine) run() {
	defer close(e.gone)
	for {
		e.deliver()
		select {
		case <-e.ctx.Done():
			e.shutDown()
			return
		case f := <-e.inbox:
			f()
		}
	}
}

// post hands f to the loop. False: the engine has stopped, f will not run.
func (e *engine) post(f func()) bool {
	select {
	case <-e.ctx.Done():
		return false
	case e.inbox <- f:
		return true
	}
}

// do is post, and waits until f has run.
func (e *engine) do(f func()) bool {
	ran := make(chan struct{})
	if !e.post(func() { f(); close(ran) }) {
		return false
	}
	<-ran
	return true
}

// stop ends run and waits for it.
func (e *engine) stop() {
	e.cancel()
	<-e.gone
}

// shutDown leaves the session as it is: it is away from now on.
func (e *engine) shutDown() {
	if s := e.seat; s != nil {
		e.vacate(s, imcode.Interrupted.Errorf("the client was closed"))
	}
	e.courier.alarm.stop()
	for c := range e.conns {
		e.hangUp(c)
	}
	for _, l := range e.journal.Logouts {
		settle(l)
	}
	e.tasks.Wait()
	e.shutBoxes()
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err)
	}
	e.journal.release()
}

// publish shows the app what has become of the seat.
func (e *engine) publish() {
	now := shown{status: StatusLogout, named: e.named}
	switch s := e.seat; {
	case s == nil:
	case s.login != nil:
		now.status = StatusLogining
	default:
		now = shown{StatusLogined, s.User, Session{s.number, s.connection, s.ends}, e.named}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.visible = now
}

func (e *engine) shown() shown {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.visible
}

// raise calls back every listener, in its turn.
func (e *engine) raise(tell func(Listener)) {
	e.queue.push(item{run: func() { e.hearers.each(tell) }})
}

// answer ends a call with its result, in its turn.
func (e *engine) answer(k *call, err error) {
	switch {
	case k == nil || k.answered:
		return
	case k.past:
		k.done(err)
	default:
		e.queue.push(item{run: func() { k.done(err) }, result: true})
	}
	k.answered = true
}

// An alarm calls a function on the loop, later. A nil alarm is off.
type alarm struct {
	timer *time.Timer
	off   bool
}

// after sets an alarm.
func (e *engine) after(d time.Duration, f func()) *alarm {
	a := &alarm{}
	a.timer = time.AfterFunc(d, func() {
		e.post(func() {
			if !a.off {
				f()
			}
		})
	})
	return a
}

// stop turns an alarm off, also one that has rung and was not yet heard.
func (a *alarm) stop() {
	if a != nil {
		a.off = true
		a.timer.Stop()
	}
}

// digests remembers UserSigs without keeping them, the latest thousand. The
// zero value is empty.
type digests struct {
	known map[digest]bool
	order []digest
}

type digest [sha256.Size]byte

func (d *digests) add(userSig string) {
	h := sha256.Sum256([]byte(userSig))
	if d.known[h] {
		return
	}
	if d.known == nil {
		d.known = make(map[digest]bool)
	}
	if len(d.order) == 1000 {
		delete(d.known, d.order[0])
		d.order = d.order[1:]
	}
	d.known[h] = true
	d.order = append(d.order, h)
}

func (d *digests) has(userSig string) bool { return d.known[sha256.Sum256([]byte(userSig))] }
