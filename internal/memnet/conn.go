package memnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A conn is one end of a link.
type conn struct {
	link          *link
	way           Direction // of what it writes
	in, out       *stream
	local, remote netip.AddrPort

	readBy, writeBy time.Time // zero: no deadline
	writing         bool      // a Write is under way: others wait for it
	reset, closed   bool
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	c.lock()
	defer c.unlock()
	for {
		if err := c.failure(c.readBy); err != nil {
			return 0, c.opError("read", err)
		}
		p, arrives := c.in.next()
		switch {
		case p == nil:
			waitUntil(&c.link.changed, earlier(arrives, c.readBy))
		case p.end:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		default:
			c.link.changed.Broadcast() // there is room again
			return c.in.take(b), nil
		}
	}
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	c.lock()
	defer c.unlock()
	for c.writing && c.failure(c.writeBy) == nil {
		waitUntil(&c.link.changed, c.writeBy)
	}
	if err := c.failure(c.writeBy); err != nil {
		return 0, c.opError("write", err)
	}
	if how := c.link.from.loses(c.way); how != 0 {
		c.link.fail(how)
		if c.reset {
			return len(b), nil
		}
	}
	c.writing = true
	n, err := c.write(b)
	c.writing = false
	c.link.changed.Broadcast()
	return n, err
}

// write sends b as room comes.
func (c *conn) write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		err := c.failure(c.writeBy)
		if err == nil && c.link.peer(c).closed && !c.link.frozen {
			err = syscall.EPIPE
		}
		if err != nil {
			return sent, c.opError("write", err)
		}
		if n := min(len(b)-sent, c.out.room); n > 0 {
			c.link.send(c.out, piece{data: bytes.Clone(b[sent : sent+n])})
			sent += n
		} else {
			waitUntil(&c.link.changed, c.writeBy)
		}
	}
	return sent, nil
}

// Close implements net.Conn. The other end reads what was sent, then io.EOF.
func (c *conn) Close() error {
	c.lock()
	defer c.unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.link.send(c.out, piece{end: true})
	c.link.forget()
	return nil
}

// LocalAddr returns the address of this end, a *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns the address of the other end, a *net.TCPAddr.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(&t, &t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.setDeadlines(&t, nil)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadlines(nil, &t)
}

// setDeadlines sets those given, also for calls that are waiting.
func (c *conn) setDeadlines(read, write *time.Time) error {
	c.lock()
	defer c.unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	if read != nil {
		c.readBy = *read
	}
	if write != nil {
		c.writeBy = *write
	}
	c.link.changed.Broadcast()
	return nil
}

// failure returns why a call with this deadline cannot go on, if it cannot.
func (c *conn) failure(deadline time.Time) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.reset:
		return syscall.ECONNRESET
	case !deadline.IsZero() && !time.Now().Before(deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (c *conn) opError(op string, err error) error {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError(op, no)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func (c *conn) lock()   { c.link.from.net.mu.Lock() }
func (c *conn) unlock() { c.link.from.net.mu.Unlock() }

// earlier returns the earlier of two times, of which zero ones are never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
