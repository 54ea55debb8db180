package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
)

// Headers are small, and proxies send them at once.
const (
	headerWithin = 5 * time.Second
	maxPending   = 1024 // connections whose header has not come yet; further ones wait to be accepted
)

// Listen is l for proxies that speak the PROXY protocol: a connection from a trusted
// one begins with a header, and comes from whom that says; without a header it is
// closed. A connection from anybody else is given out as it is.
func Listen(l net.Listener, t Trusted) net.Listener {
	ctx, cancel := context.WithCancel(context.Background())
	p := &listener{
		Listener: l, trusted: t, ready: make(chan accepted), pending: make(chan struct{}, maxPending), closed: ctx, cancel: cancel,
	}
	p.running.Go(p.accept)
	return p
}

type listener struct {
	net.Listener

	trusted Trusted
	ready   chan accepted
	pending chan struct{} // holds one for each connection that ready has still to get
	running sync.WaitGroup
	closed  context.Context //nolint:containedctx // the listener's life: Accept and Close take none
	cancel  context.CancelFunc
}

// An accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.closed.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. When it returns nothing runs any more.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.cancel()
	l.running.Wait()
	return err
}

// accept accepts connections until the listener below is closed.
func (l *listener) accept() {
	for {
		c, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			l.cancel()
			return
		case err != nil:
			l.give(accepted{err: err}) // too many open files, say: who accepts waits a little
		case !l.trusted.Contains(Of(c.RemoteAddr())):
			l.give(accepted{conn: c})
		default:
			l.pending <- struct{}{}
			l.running.Go(func() {
				defer func() { <-l.pending }()
				l.head(c)
			})
		}
		if l.closed.Err() != nil {
			return
		}
	}
}

// head reads a connection's header.
func (l *listener) head(c net.Conn) {
	cut := context.AfterFunc(l.closed, func() { _ = c.Close() }) // nobody would be given it
	defer cut()
	p := proxyproto.NewConn(c, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(headerWithin))
	if p.ProxyHeader() == nil {
		_ = c.Close()
		return
	}
	l.give(accepted{conn: p})
}

func (l *listener) give(a accepted) {
	select {
	case l.ready <- a:
	case <-l.closed.Done():
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}
