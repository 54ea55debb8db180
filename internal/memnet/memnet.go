// Package memnet is a network in memory, for tests in fake time.
//
// Inside a testing/synctest bubble real sockets would make the clock stand
// still; everything here waits in ways that the bubble understands. A client
// dials through its [Endpoint], whose link a test can cut, mend, delay, or make
// lose a certain write.
//
// # What callers may rely on
//
//   - Connections behave as TCP does: a bounded buffer each way, so a slow
//     reader holds the writer up; deadlines; what was written before Close is
//     still read, then io.EOF; the errors are those of package net.
//   - Nothing runs in the background: there is nothing to close but
//     connections and listeners.
//   - Everything is safe for concurrent use.
//
// An end whose peer was silenced knows nothing of it. Before its bubble can end
// it needs a deadline, a Close, or the link mended, as on a real network.
package memnet

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
)

const (
	defaultBuffer = 64 << 10
	backlog       = 1024  // connections that wait for Accept
	firstPort     = 40000 // of those chosen by the network
)

// A Network joins listeners and those who dial them. The zero value is ready.
type Network struct {
	Buffer int // bytes that fit each way of a connection; default 64 KiB; set before use

	mu        sync.Mutex // guards all below, and the state of endpoints, listeners and connections
	endpoints map[string]*Endpoint
	hosts     map[string]netip.Addr
	listeners map[netip.AddrPort]*listener
	links     map[*link]struct{}
}

// Listen answers at addr, a host and port as for net.Listen. A host that is a
// name gets an address of its own; an empty one is 127.0.0.1. Port 0 chooses a
// free one. It fails when somebody listens there already.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.place(addr)
	if err == nil && n.listeners[at] != nil {
		err = syscall.EADDRINUSE
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	l := &listener{net: n, at: at}
	l.changed.L = &n.mu
	if n.listeners == nil {
		n.listeners = make(map[netip.AddrPort]*listener)
	}
	n.listeners[at] = l
	return l, nil
}

// Dial connects to a listener from a place of its own that is never cut. It
// has the shape of net.Dialer's DialContext; network is "tcp" or one of its kinds.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return n.Endpoint("").Dial(ctx, network, addr)
}

// Kill does to the server that listens at addr what the end of its process
// would: its listener closes, and its connections are reset at both ends.
// Nobody listening there is fine.
func (n *Network) Kill(addr net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return
	}
	if l := n.listeners[at]; l != nil {
		l.close()
	}
	for x := range n.links {
		if x.server.local == at {
			x.fail(Reset)
		}
	}
}

// place returns where a listener at addr is, giving a new host an address.
// n.mu is held.
func (n *Network) place(addr string) (netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "invalid port", Addr: addr}
	}
	ip, err := netip.ParseAddr(cmp.Or(host, "127.0.0.1"))
	if err != nil {
		ip = n.address(host)
	}
	if port != 0 {
		return netip.AddrPortFrom(ip, uint16(port)), nil
	}
	for port = firstPort; port < 1<<16; port++ {
		if at := netip.AddrPortFrom(ip, uint16(port)); n.listeners[at] == nil {
			return at, nil
		}
	}
	return netip.AddrPort{}, syscall.EADDRNOTAVAIL
}

// address returns the address of a host name, a new one for a new name. n.mu is held.
func (n *Network) address(host string) netip.Addr {
	if n.hosts == nil {
		n.hosts = make(map[string]netip.Addr)
	}
	if _, known := n.hosts[host]; !known {
		n.hosts[host] = numbered(1, len(n.hosts))
	}
	return n.hosts[host]
}

// find returns the listener at addr. n.mu is held.
func (n *Network) find(addr string) (*listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	host = cmp.Or(host, "127.0.0.1")
	if ip, known := n.hosts[host]; known {
		host = ip.String()
	} else if _, err := netip.ParseAddr(host); err != nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	at, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return nil, &net.AddrError{Err: "invalid port", Addr: addr}
	}
	if l := n.listeners[at]; l != nil {
		return l, nil
	}
	return nil, syscall.ECONNREFUSED
}

// numbered returns the i-th address of 10.net.0.0/16.
func numbered(net byte, i int) netip.Addr {
	i++
	return netip.AddrFrom4([4]byte{10, net, byte(i >> 8), byte(i)})
}

// A listener is a server's end of the network.
type listener struct {
	net     *Network
	at      netip.AddrPort
	changed sync.Cond // on net.mu
	waiting []*conn   // for Accept
	closed  bool
}

// Accept waits for the next connection. After Close it fails with net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close ends listening. Connections that nobody accepted are reset, the others stay.
func (l *listener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.close()
	return nil
}

// close closes an open listener. net.mu is held.
func (l *listener) close() {
	l.closed = true
	delete(l.net.listeners, l.at)
	for _, c := range l.waiting {
		c.link.fail(Reset)
	}
	l.waiting = nil
	l.changed.Broadcast()
}

// Addr returns the address as a *net.TCPAddr.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
