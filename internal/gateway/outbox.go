package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/internal/policy"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

// An outbox is what leaves a connection, in order. There is no writing goroutine
// for an idle connection: whoever puts something in writes it out, or, where it
// must not block, starts a goroutine that does and ends.
type outbox struct {
	mu      sync.Mutex
	queue   []out
	bytes   int
	writing bool
	idle    chan struct{} // closed when writing ends; nil when nobody waits

	late *talk.Change // the latest push that found no room: it leaves when there is

	asking uint64         // the login or resume that is being served
	notice *policy.Notice // told: nothing else leaves any more
	closed bool           // a close frame is the last in the queue
	timer  *time.Timer    // cuts a connection whose peer does not close
}

// out is one frame to leave.
type out struct {
	frame  []byte       // spelled; nil: who writes it spells the change
	change *talk.Change // the answer to request id, or, with 0, pushed
	id     uint64
	answer bool // to a login or resume: a notice that overtakes it takes its id
}

// size is how much of the bounds of a queue a frame takes.
func (f out) size() int {
	if f.change == nil {
		return len(f.frame)
	}
	n := frameOver
	if m := f.change.View.Latest; m != nil {
		n += len(m.Content) + frameOver
	}
	for _, m := range f.change.Messages {
		n += len(m.Content) + frameOver
	}
	return n
}

// frameOver is about what a frame or message takes beside its content.
const frameOver = 200

// asks notes that login or resume id is being served.
func (o *outbox) asks(id uint64) {
	o.mu.Lock()
	o.asking = id
	o.mu.Unlock()
}

// put queues a frame and writes the queue out. grants: it answers the login or
// resume being served.
func (o *outbox) put(c *conn, frame []byte, grants bool) {
	o.mu.Lock()
	if o.notice != nil || o.closed {
		o.mu.Unlock()
		return
	}
	o.add(out{frame: frame, answer: grants})
	o.mu.Unlock()
	o.flush(c)
}

func (o *outbox) add(f out) {
	o.queue = append(o.queue, f)
	o.bytes += f.size()
}

// write writes the queue out, unless somebody is at it. It is called with the
// lock held and gives it up.
func (o *outbox) write(c *conn) {
	if o.writing {
		o.mu.Unlock()
		return
	}
	o.writing = true
	for o.next() {
		queue := o.queue
		for _, f := range queue {
			if f.answer {
				o.asking = 0
			}
		}
		o.queue, o.bytes = nil, 0
		o.mu.Unlock()
		c.write(queue)
		o.mu.Lock()
	}
	o.writing = false
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
	o.mu.Unlock()
}

// next tells whether there is something to write. What found no room before has it
// when there is nothing else.
func (o *outbox) next() bool {
	if len(o.queue) == 0 && o.late != nil {
		o.add(out{change: o.late})
		o.late = nil
	}
	return len(o.queue) > 0
}

// write writes frames to the network.
func (c *conn) write(queue []out) {
	frames := make([][]byte, len(queue))
	for i, f := range queue {
		if frames[i] = f.frame; f.change != nil {
			answer := c.change(*f.change)
			answer.Id = f.id
			frames[i] = c.frame(answer)
		}
	}
	all := frames[0]
	if len(frames) > 1 { // in one piece: each write costs as much as what is written
		all = slices.Concat(frames...)
	}
	err := c.net.SetWriteDeadline(time.Now().Add(writeWithin))
	if err == nil {
		_, err = c.net.Write(all)
	}
	if err != nil {
		_ = c.net.Close()
	}
}

// Push queues a change. The answer to a request is written by who asked (flush). A
// push that finds no room is dropped, but for the latest one: its number says that
// others were before it.
func (c *conn) Push(request uint64, ch talk.Change) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.notice != nil || o.closed {
		return
	}
	f := out{change: &ch, id: request}
	switch {
	case request != 0:
		o.add(f)
	case o.late != nil || o.bytes+f.size() > maxPushed:
		o.late = &ch
	default:
		o.add(f)
		if !o.writing {
			c.writeSoon()
		}
	}
}

// flush writes the queue out, or closes the connection if its peer asks for more than
// it reads.
func (o *outbox) flush(c *conn) {
	o.mu.Lock()
	if o.bytes > maxQueued && !o.closed {
		o.mu.Unlock()
		c.Close(wire.Close{Code: wire.CloseSlow})
		return
	}
	o.write(c)
}

// wait returns when all that is queued has left. Whoever queued it is writing it,
// or about to.
func (o *outbox) wait() {
	o.mu.Lock()
	if !o.writing && len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	<-idle
}

// Tell makes the notice the last frame: what is queued before it is dropped, and
// if that was to answer a login or resume, the notice does.
func (c *conn) Tell(n policy.Notice) {
	o := &c.out
	o.mu.Lock()
	if o.notice != nil || o.closed {
		o.mu.Unlock()
		return
	}
	o.notice = &n
	o.queue, o.bytes, o.late = nil, 0, nil
	o.add(out{frame: c.frame(&wire.ServerFrame{Id: o.asking, Body: &wire.ServerFrame_Notice{Notice: notice(n)}})})
	o.timer = time.AfterFunc(noticeWithin, func() { c.Close(wire.Close{Code: closeCode(n)}) })
	c.writeSoon()
	o.mu.Unlock()
}

// Close queues a close frame as the last one and cuts the connection if its peer
// does not answer it.
func (c *conn) Close(why wire.Close) {
	o := &c.out
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.closed, o.late = true, nil
	if o.timer != nil {
		o.timer.Stop()
	}
	o.add(out{frame: closeFrame(why)})
	o.timer = time.AfterFunc(closeWithin, func() { _ = c.net.Close() })
	c.writeSoon()
	o.mu.Unlock()
}

// writeSoon writes the queue out without holding up the caller, who has the lock:
// so the connection is still one of those that Drain waits for, and who closes a
// connection that has been left meanwhile starts nothing.
func (c *conn) writeSoon() {
	c.g.running.Go(func() {
		c.out.mu.Lock()
		c.out.write(c)
	})
}

// told is the notice that the peer was given, if it was.
func (o *outbox) told() (policy.Notice, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.notice == nil {
		return policy.Notice{}, false
	}
	return *o.notice, true
}

// abandon is the connection's end: nothing leaves any more.
func (o *outbox) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.late = true, nil
	if o.timer != nil {
		o.timer.Stop()
	}
}

// control queues a control frame without a payload.
func (o *outbox) control(c *conn, op ws.OpCode) {
	o.put(c, ws.MustCompileFrame(ws.NewFrame(op, true, nil)), false)
}

func (o *outbox) pong(c *conn, payload []byte) {
	o.put(c, ws.MustCompileFrame(ws.NewPongFrame(payload)), false)
}

// closeAnswer answers a close frame of the peer, if we did not send one first.
func (o *outbox) closeAnswer(c *conn) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.closed, o.late = true, nil
	o.add(out{frame: ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))})
	o.write(c)
}

func closeFrame(why wire.Close) []byte {
	return ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(why.Code), why.Reason())))
}
