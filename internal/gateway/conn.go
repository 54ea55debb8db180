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
	"golang.org/x/time/rate"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/node"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// A conn is one connection. Its own goroutine reads and serves it (run);
// everything in it belongs to that goroutine, but for out, which others use
// through Tell and Close.
type conn struct {
	g       *Gateway
	net     net.Conn
	sub     wire.Subprotocol
	web     bool // it has an Origin
	address session.Address
	early   []byte // bytes that came with the upgrade

	place    *node.Place      // while a session is served
	account  rollcall.Account // told of the end of a session that is not served here
	proved   bool             // and proved it
	limit    *rate.Limiter    // of requests, while a session is served
	requests int              // before a login
	deadline time.Time        // for the login, while there is no session
	again    bool             // a loginAgain has put the deadline off, which one does
	ping     time.Duration    // how often the server pings; 0: the client does
	silence  time.Duration    // after which a session's connection is closed
	heard    time.Time

	out outbox
}

// errOver ends run without a word more: the close is under way.
var errOver = errors.New("connection is over")

// run serves the connection until it ends.
func (c *conn) run() {
	ctx := context.Background() // a request that has begun is finished, whatever becomes of the connection
	defer c.net.Close()
	defer c.leave(ctx)
	c.heard = time.Now()
	for {
		b, err := c.read()
		if err != nil {
			c.readFailed(err)
			return
		}
		if err := c.serve(ctx, b); err != nil {
			return
		}
	}
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
	if err := c.net.SetReadDeadline(time.Now().Add(closeWithin)); err == nil {
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

// read returns the next message. Control frames are served on the way.
func (c *conn) read() ([]byte, error) {
	for {
		first, err := c.awaitByte()
		if err != nil {
			return nil, err
		}
		until := time.Now().Add(frameWithin)
		if c.place == nil {
			until = minTime(until, c.deadline)
		}
		if err := c.net.SetReadDeadline(until); err != nil {
			return nil, err
		}
		b, err := c.message(io.MultiReader(first, (*rest)(c)))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && c.place == nil:
			return nil, errNoLogin
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, errIdle
		case b != nil || err != nil:
			return b, err
		}
	}
}

// message reads what begins: a message, or a control frame, which it serves and
// returns nil.
func (c *conn) message(source io.Reader) ([]byte, error) {
	limit := int64(wire.MaxFrame)
	if c.place == nil {
		limit = wire.MaxFrameBeforeLogin
	}
	r := wsutil.Reader{
		Source: source, State: ws.StateServerSide, CheckUTF8: c.sub.Text(),
		MaxFrameSize: limit, MaxMessageSize: limit, OnIntermediate: c.control,
	}
	h, err := r.NextFrame()
	switch {
	case err != nil:
		return nil, err
	case h.OpCode.IsControl():
		return nil, c.control(h, &r)
	case h.OpCode != c.opcode():
		return nil, errOpcode
	}
	b, err := io.ReadAll(&r)
	if b == nil {
		b = []byte{}
	}
	return b, err
}

func (c *conn) opcode() ws.OpCode {
	if c.sub.Text() {
		return ws.OpText
	}
	return ws.OpBinary
}

// rest reads on from where the upgrade stopped.
type rest conn

func (r *rest) Read(p []byte) (int, error) {
	if len(r.early) > 0 {
		n := copy(p, r.early)
		r.early = r.early[n:]
		return n, nil
	}
	return r.net.Read(p)
}

// awaitByte waits for the first byte of a frame, without holding a buffer for
// it, and keeps the connection's times: login, heartbeat, silence.
func (c *conn) awaitByte() (io.Reader, error) {
	b := make([]byte, 1)
	for {
		until := c.deadline
		if c.place != nil {
			until = c.heard.Add(c.silence)
			if c.ping > 0 {
				until = minTime(until, time.Now().Add(c.ping))
			}
		}
		if err := c.net.SetReadDeadline(until); err != nil {
			return nil, err
		}
		_, err := (*rest)(c).Read(b)
		switch {
		case err == nil:
			c.heard = time.Now()
			return &oneByte{b[0], false}, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case c.place == nil:
			return nil, errNoLogin
		case time.Since(c.heard) >= c.silence:
			return nil, errIdle
		}
		c.out.control(c, ws.OpPing)
	}
}

// oneByte gives its byte once.
type oneByte struct {
	b    byte
	done bool
}

func (o *oneByte) Read(p []byte) (int, error) {
	if o.done || len(p) == 0 {
		return 0, io.EOF
	}
	p[0], o.done = o.b, true
	return 1, nil
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
		return c.limit.Allow()
	}
	c.requests++
	return c.requests <= maxBeforeLogin
}

// serve decodes one request and has it answered. An error ends the connection.
func (c *conn) serve(ctx context.Context, b []byte) error {
	var f wire.ClientFrame
	if err := c.sub.Decode(b, &f); err != nil {
		c.refuse(0, err)
		c.finish(wire.CloseBadFrame)
		return errOver
	}
	if told, ok := c.out.told(); ok {
		return c.acknowledge(ctx, &f, told)
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
		c.refuse(f.GetId(), imcode.UnknownRequest.Errorf("the frame holds no request that this server knows"))
	}
	return nil
}
