package client

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/wire"
)

// Times of a connection.
const (
	writeWithin = 10 * time.Second // a frame to be taken by the network
	pongWithin  = 10 * time.Second // a ping to be answered
	byeWithin   = time.Second      // a closing handshake
	outbox      = 64               // frames waiting to be written; more is a dead network
)

// A conn is one connection. Everything but its goroutines belongs to the
// engine's loop.
type conn struct {
	frames chan *wire.ClientFrame // to be written; closed to hang up
	abort  context.CancelFunc     // ends it without a word
	ended  <-chan struct{}        // closed when it has ended
	up     bool                   // neither lost nor hung up

	last uint64 // request id
	asks map[uint64]func(*wire.ServerFrame)

	pushed func(*wire.ServerFrame) // hears frames that answer nothing
	lost   func(loss)              // hears of the end, unless we hung up
}

// open takes a new WebSocket into service.
func (e *engine) open(ws *websocket.Conn, pushed func(*conn, *wire.ServerFrame), lost func(*conn, loss)) *conn {
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx)) // it outlives the engine by its closing handshake
	c := &conn{
		frames: make(chan *wire.ClientFrame, outbox),
		abort:  cancel,
		ended:  ctx.Done(),
		up:     true,
		asks:   make(map[uint64]func(*wire.ServerFrame)),
	}
	c.pushed = func(f *wire.ServerFrame) { pushed(c, f) }
	c.lost = func(l loss) { lost(c, l) }
	e.conns[c] = ws
	e.tasks.Go(func() { e.read(ctx, c, ws) })
	e.tasks.Go(func() { write(ctx, c, ws) })
	return c
}

// read hands every frame to the loop, and in the end why it ended.
func (e *engine) read(ctx context.Context, c *conn, ws *websocket.Conn) {
	for {
		_, b, err := ws.Read(ctx)
		f := new(wire.ServerFrame)
		if err == nil {
			err = wire.Proto.Decode(b, f)
		}
		if err != nil {
			e.post(func() { e.connEnded(c, lossOf(err)) })
			return
		}
		e.post(func() { e.received(c, f) })
	}
}

// write writes frames until the channel is closed, then closes the WebSocket.
func write(ctx context.Context, c *conn, ws *websocket.Conn) {
	for f := range c.frames {
		b, err := wire.Proto.Encode(f)
		if err == nil {
			within, cancel := context.WithTimeout(ctx, writeWithin)
			err = ws.Write(within, websocket.MessageBinary, b)
			cancel()
		}
		if err != nil {
			c.abort() // the reader tells the loop, which closes the channel
		}
	}
	bye := time.AfterFunc(byeWithin, c.abort)
	defer bye.Stop()
	ws.Close(websocket.StatusNormalClosure, "") //nolint:errcheck // nobody is left to tell
	c.abort()
}

// keepAlive lets the server hear of us at least every interval, and notices
// when it is no longer there.
func (e *engine) keepAlive(c *conn, interval time.Duration) {
	ws := e.conns[c]
	e.tasks.Go(func() {
		for {
			select {
			case <-c.ended:
				return
			case <-time.After(interval):
			}
			within, cancel := context.WithTimeout(e.ctx, pongWithin)
			err := ws.Ping(within)
			cancel()
			if err != nil {
				c.abort()
				return
			}
		}
	})
}

// received goes by a frame's id.
func (e *engine) received(c *conn, f *wire.ServerFrame) {
	if !c.up {
		return
	}
	e.clock.hear(f.GetTimeMs())
	if f.GetId() == 0 {
		c.pushed(f)
		return
	}
	if answer, ok := c.asks[f.GetId()]; ok {
		delete(c.asks, f.GetId())
		answer(f)
	}
}

// connEnded is heard once for each connection.
func (e *engine) connEnded(c *conn, l loss) {
	wasUp := c.up
	e.hangUp(c)
	delete(e.conns, c)
	if wasUp {
		c.lost(l)
	}
}

// hangUp ends a connection from our side: what was sent is written, what comes
// is no longer read, what was asked gets no answer. It may be repeated.
func (e *engine) hangUp(c *conn) {
	if c == nil || !c.up {
		return
	}
	c.up = false
	close(c.frames)
	asks := c.asks
	c.asks = nil
	for _, id := range slices.Sorted(maps.Keys(asks)) {
		asks[id](nil)
	}
}

// send writes a request that has no answer.
func (c *conn) send(f *wire.ClientFrame) {
	if !c.up {
		return
	}
	select {
	case c.frames <- f:
	default:
		c.abort()
	}
}

// ask writes a request; then is called with the answer, or with nil when the
// connection ended before it.
func (c *conn) ask(f *wire.ClientFrame, then func(*wire.ServerFrame)) {
	if !c.up {
		then(nil)
		return
	}
	c.last++
	f.Id = c.last
	c.asks[c.last] = then
	c.send(f)
}
