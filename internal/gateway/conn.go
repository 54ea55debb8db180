package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/node"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// A conn is one connection. One goroutine at a time reads and serves it (turn);
// everything in it belongs to that goroutine, but for out, which others use
// through Tell and Close.
type conn struct {
	g       *Gateway
	net     net.Conn
	in      *inside // as it came in by the door; nil: by none
	sub     wire.Subprotocol
	web     bool // it has an Origin
	address session.Address
	early   []byte  // bytes that were read already
	first   [1]byte // of the frame that begins
	head    int     // 1: it has been read and not taken
	under   *inside // with TLS: what it goes over, where the next frame is awaited

	place    *node.Place      // while a session is served
	account  rollcall.Account // told of the end of a session that is not served here
	proved   bool             // and proved it
	limit    pace             // of requests, while a session is served
	requests int              // before a login
	deadline time.Time        // for the login, while there is no session
	again    bool             // a loginAgain has put the deadline off, which one does
	ping     time.Duration    // how often the server pings; 0: the client does
	silence  time.Duration    // after which a session's connection is closed
	heard    time.Time
	until    time.Time // reading waits at most until then; zero: nobody has said

	out outbox
}

// errOver ends a connection without a word more: the close is under way.
var errOver = errors.New("connection is over")

// start takes the connection into service, until it ends.
func (c *conn) start() {
	c.heard = time.Now()
	if c.peek() == nil {
		go c.turn()
		return
	}
	_ = c.net.Close()
	c.g.remove(c)
}

// turn waits for what comes next and serves it. The turn after it is another
// goroutine's: the one that served has a stack of many kilobytes, which a session
// that does nothing is not to keep. So little may happen here before the wait.
func (c *conn) turn() {
	err := c.await()
	if c.goOn(err) {
		go c.turn()
	}
}

// goOn serves what has come, or ends the connection.
//
//go:noinline
func (c *conn) goOn(err error) bool {
	ctx := context.Background() // a request that has begun is finished, whatever becomes of the connection
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = c.quiet()
	case err == nil && c.begins():
		if c.place == nil {
			_ = deepen(0)
		}
		err = c.receive(ctx)
	}
	if err == nil {
		err = c.peek()
	}
	if err == nil {
		return true
	}
	c.readFailed(err)
	c.leave(ctx)
	_ = c.net.Close()
	c.g.remove(c)
	return false
}

// deepen has the goroutine's stack grow to what a login takes, in one step and while
// there is little on it to be copied.
//
//go:noinline
func deepen(i int) byte {
	var room [9 << 10]byte
	return room[i]
}

// leave gives up the connection's place.
func (c *conn) leave(ctx context.Context) {
	c.out.abandon()
	if c.place != nil {
		c.g.sessions.Left(ctx, c.place)
	}
}

// readFailed says why the connection is closed, where its peer may still hear it.
func (c *conn) readFailed(err error) {
	var code wire.CloseCode
	switch {
	case errors.Is(err, wsutil.ErrFrameTooLarge), errors.Is(err, wsutil.ErrMessageTooLarge):
		code = wire.CloseTooBig
	case errors.Is(err, wsutil.ErrInvalidUTF8), errors.Is(err, ws.ErrHeaderLengthMSB), isProtocolError(err):
		code = wire.CloseBadFrame
	case errors.Is(err, errIdle):
		code = wire.CloseIdle
	case errors.Is(err, errNoLogin):
		code = wire.CloseLoginTimeout
	case errors.Is(err, errFlood):
		code = wire.CloseTooMany
	default:
		return
	}
	c.finish(code)
}

// finish closes the connection for what its peer did, and listens a little
// longer so that the peer hears why: unread bytes would cut the close frame off.
func (c *conn) finish(code wire.CloseCode) {
	c.Close(wire.Close{Code: code})
	c.out.wait()
	if err := c.readUntil(time.Now().Add(closeWithin)); err == nil {
		_, _ = io.CopyN(io.Discard, c.net, maxDiscarded)
	}
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[ws.ProtocolError](err)
	return ok
}

var (
	errIdle    = errors.New("nothing was heard for too long")
	errNoLogin = errors.New("no login in time")
	errFlood   = errors.New("too many frames")
	errOpcode  = ws.ProtocolError("a message of the other kind than the subprotocol's")
)

// await waits for the first byte of a frame, without holding a buffer for it, and
// no longer than login, heartbeat and silence allow.
func (c *conn) await() error {
	until := c.deadline
	if c.place != nil {
		until = c.heard.Add(c.silence)
		if c.ping > 0 {
			until = minTime(until, time.Now().Add(c.ping))
		}
	}
	if err := c.readUntil(until); err != nil {
		return err
	}
	if len(c.early) > 0 {
		c.head, c.early = 1, c.early[copy(c.first[:], c.early):]
		return nil
	}
	c.early = nil
	if c.under != nil {
		return c.under.await()
	}
	n, err := c.net.Read(c.first[:])
	c.head = n
	return err
}

// begins tells whether a frame begins with what has come. What came by TLS may be
// its own: it is read here, and not in await, as that takes a deep stack.
func (c *conn) begins() bool {
	if c.head == 0 && c.readUntil(c.frameDeadline()) == nil {
		c.head, _ = c.net.Read(c.first[:]) // what is wrong is told again
	}
	return c.head > 0
}

// peek takes what TLS has decrypted already: it is not awaited under it.
func (c *conn) peek() error {
	if c.under == nil || len(c.early) > 0 {
		return nil
	}
	if err := c.readUntil(time.Unix(1, 0)); err != nil {
		return err
	}
	n, err := c.net.Read(c.first[:])
	if n > 0 {
		c.early = []byte{c.first[0]}
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// readUntil bounds how long reading waits, if it is not bounded so already.
func (c *conn) readUntil(t time.Time) error {
	if t.Equal(c.until) {
		return nil
	}
	c.until = t
	return c.net.SetReadDeadline(t)
}

// frameDeadline is by when a frame must end that begins now.
func (c *conn) frameDeadline() time.Time {
	until := time.Now().Add(frameWithin)
	if c.place == nil {
		until = minTime(until, c.deadline)
	}
	return until
}

// quiet is what follows on having heard nothing for as long as await waits.
func (c *conn) quiet() error {
	switch {
	case c.place == nil:
		return errNoLogin
	case time.Since(c.heard) >= c.silence:
		return errIdle
	}
	c.out.control(c, ws.OpPing)
	return nil
}

// receive reads and serves what begins with the byte that has come.
func (c *conn) receive(ctx context.Context) error {
	c.heard = time.Now()
	if err := c.readUntil(c.frameDeadline()); err != nil {
		return err
	}
	f, bad, err := c.read()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && c.place == nil:
		return errNoLogin
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errIdle
	case err != nil:
		return err
	case bad != nil:
		c.refuse(0, bad)
		c.finish(wire.CloseBadFrame)
		return errOver
	case f != nil:
		return c.serve(ctx, f)
	}
	return nil
}

// read reads a request, or why it does not parse; or a control frame, which it
// serves and returns nothing of.
func (c *conn) read() (f *wire.ClientFrame, bad, err error) {
	m := take(c)
	defer m.free()
	limit := int64(wire.MaxFrame)
	if c.place == nil {
		limit = wire.MaxFrameBeforeLogin
	}
	r := &wsutil.Reader{
		Source: m.in, State: ws.StateServerSide, CheckUTF8: c.sub.Text(),
		MaxFrameSize: limit, MaxMessageSize: limit, OnIntermediate: c.control,
	}
	h, err := r.NextFrame()
	switch {
	case err != nil:
		return nil, nil, err
	case h.OpCode.IsControl():
		return nil, nil, c.control(h, r)
	case h.OpCode != c.opcode():
		return nil, nil, errOpcode
	}
	if _, err := m.text.ReadFrom(r); err != nil {
		return nil, nil, err
	}
	f = new(wire.ClientFrame)
	if err := c.sub.Decode(m.text.Bytes(), f); err != nil {
		return nil, err, nil
	}
	return f, nil, nil
}

func (c *conn) opcode() ws.OpCode {
	if c.sub.Text() {
		return ws.OpText
	}
	return ws.OpBinary
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// control serves a control frame.
func (c *conn) control(h ws.Header, r io.Reader) error {
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(r, payload); err != nil {
		return err
	}
	switch allowed := c.allowed(); {
	case !allowed && c.place == nil:
		return errFlood
	case !allowed && h.OpCode == ws.OpPing:
		return nil // too many at once: a later one is answered
	}
	switch h.OpCode {
	case ws.OpPing:
		c.out.pong(c, payload)
	case ws.OpClose:
		c.out.closeAnswer(c)
		return errOver
	}
	return nil
}

// allowed counts a frame of the peer, and tells whether it may be served.
func (c *conn) allowed() bool {
	if c.place != nil {
		return c.limit.allow(time.Now())
	}
	c.requests++
	return c.requests <= maxBeforeLogin
}

// serve has one request answered. An error ends the connection.
func (c *conn) serve(ctx context.Context, f *wire.ClientFrame) error {
	if told, ok := c.out.told(); ok {
		return c.acknowledge(ctx, f, told)
	}
	if !c.allowed() {
		if c.place == nil {
			c.finish(wire.CloseTooMany)
			return errOver
		}
		c.refuse(f.GetId(), &imcode.Error{
			Code: imcode.TooManyRequests, Detail: fmt.Sprintf("more than %d requests a second", maxPerSecond), RetryAfter: time.Second,
		})
		return nil
	}
	if c.place == nil {
		if !c.in.settle() {
			return errOver
		}
		defer func() {
			if c.place == nil {
				c.in.wait()
			}
		}()
	}
	switch q := f.GetRequest().(type) {
	case *wire.ClientFrame_Login:
		c.login(ctx, f.GetId(), q.Login)
	case *wire.ClientFrame_Resume:
		c.resume(ctx, f.GetId(), q.Resume)
	case *wire.ClientFrame_Logout:
		c.logout(ctx, f.GetId(), q.Logout)
	case *wire.ClientFrame_Renew:
		c.renew(ctx, f.GetId(), q.Renew)
	case *wire.ClientFrame_ListSessions:
		c.listSessions(ctx, f.GetId())
	case *wire.ClientFrame_SignOut:
		c.signOut(ctx, f.GetId(), q.SignOut)
	case *wire.ClientFrame_Ping:
		c.answer(f.GetId(), &wire.ServerFrame{Body: &wire.ServerFrame_Ping{Ping: &wire.PingAnswer{}}})
	case *wire.ClientFrame_Acknowledgement: // of nothing: it came late
	default:
		if c.talk(ctx, f) {
			return nil
		}
		c.refuse(f.GetId(), imcode.UnknownRequest.Errorf("the frame holds no request that this server knows"))
	}
	return nil
}
