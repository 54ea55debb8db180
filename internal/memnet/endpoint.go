package memnet

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Direction is one way of a client's link.
type Direction int

// The two ways of a link.
const (
	ToServer Direction = iota
	ToClient
)

// A Break is a way in which connections stop working.
type Break int

// The breaks, by who gets to know.
const (
	Reset  Break = iota + 1 // both ends see "connection reset" at once
	Unplug                  // the client sees it at once, the server nothing: a phone leaving Wi-Fi
	Silent                  // neither sees anything: what is sent does not arrive
)

// An Endpoint is the place that a client dials from: an IP address and its link
// to the network.
type Endpoint struct {
	net     *Network
	ip      netip.Addr
	changed sync.Cond // on net.mu

	port    uint16
	delay   time.Duration
	cut     Break // 0: the link is whole
	refusal error // of new dials
	losses  [2]loss
}

// A loss is what a test asked of a direction: to break in this way, after
// letting some writes pass.
type loss struct {
	how  Break // 0: nothing
	pass int
}

// Endpoint returns the place of this name, a new one with an address of its own
// at the first call.
func (n *Network) Endpoint(name string) *Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.endpoints[name]; e != nil {
		return e
	}
	e := &Endpoint{net: n, ip: numbered(0, len(n.endpoints)), port: firstPort}
	e.changed.L = &n.mu
	if n.endpoints == nil {
		n.endpoints = make(map[string]*Endpoint)
	}
	n.endpoints[name] = e
	return e
}

// Addr returns the address that servers see.
func (e *Endpoint) Addr() netip.Addr { return e.ip }

// Dial connects to the listener at addr. Its errors are as those of
// net.Dialer's DialContext: a *net.DNSError for a name nobody listened at,
// ECONNREFUSED for a place where nobody listens, ENETUNREACH while the link is
// cut. A link cut in silence lets it wait until it is mended or ctx ends.
func (e *Endpoint) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := e.dial(ctx, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return c, nil
}

func (e *Endpoint) dial(ctx context.Context, addr string) (*conn, error) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	defer context.AfterFunc(ctx, func() {
		e.net.mu.Lock()
		defer e.net.mu.Unlock()
		e.changed.Broadcast()
	})()
	arrives := time.Now().Add(2 * e.delay) // there and back
	for {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case e.refusal != nil:
			return nil, e.refusal
		case e.cut == Silent:
			e.changed.Wait()
		case e.cut != 0:
			return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
		case time.Now().Before(arrives):
			waitUntil(&e.changed, arrives)
		default:
			return e.connect(addr)
		}
	}
}

// connect makes a connection to whoever listens at addr. net.mu is held.
func (e *Endpoint) connect(addr string) (*conn, error) {
	l, err := e.net.find(addr)
	if err == nil && len(l.waiting) >= backlog {
		err = syscall.ECONNREFUSED
	}
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError("connect", no)
	}
	if err != nil {
		return nil, err
	}
	e.port = max(e.port+1, firstPort) // wraps around
	x := newLink(e, netip.AddrPortFrom(e.ip, e.port), l.at)
	l.waiting = append(l.waiting, x.server)
	l.changed.Signal()
	return x.client, nil
}

// Cut breaks the endpoint's connections, and its link until Mend. Connections
// cut in silence live on: what is sent meanwhile arrives once the link is
// mended, as TCP would send it again. What had arrived before can still be read.
func (e *Endpoint) Cut(how Break) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.cut = how
	for x := range e.links() {
		if how == Silent {
			x.freeze()
		} else {
			x.fail(how)
		}
	}
	e.changed.Broadcast()
}

// Mend undoes Cut and Refuse. Connections that were reset stay so.
func (e *Endpoint) Mend() {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.cut, e.refusal = 0, nil
	for x := range e.links() {
		x.thaw()
	}
	e.changed.Broadcast()
}

// Refuse makes dialling fail with err until Mend, as with syscall.ECONNREFUSED;
// connections are left alone.
func (e *Endpoint) Refuse(err error) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.refusal = err
	e.changed.Broadcast()
}

// Delay makes what is written from now on, either way, arrive after d. Dialling
// takes twice as long.
func (e *Endpoint) Delay(d time.Duration) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.delay = d
}

// Lose makes a write go astray, with its connection: after letting pass this
// many calls of Write in the direction, on any of the endpoint's connections,
// the next one seems to succeed but its bytes never arrive, and the connection
// breaks in the given way for good. The link stays whole, so dialling again
// works. A break of 0 takes the order back.
func (e *Endpoint) Lose(d Direction, pass int, how Break) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.losses[d] = loss{how: how, pass: pass}
}

// loses tells whether, and how, the write that now begins is lost. net.mu is held.
func (e *Endpoint) loses(d Direction) Break {
	l := &e.losses[d]
	if l.how != 0 && l.pass > 0 {
		l.pass--
		return 0
	}
	how := l.how
	l.how = 0
	return how
}

// links yields the endpoint's connections. net.mu is held.
func (e *Endpoint) links() iter.Seq[*link] {
	return func(yield func(*link) bool) {
		for x := range e.net.links {
			if x.from == e && !yield(x) {
				return
			}
		}
	}
}
