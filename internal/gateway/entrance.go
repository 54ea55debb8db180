package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"rollcall.example/internal/session"
)

// An Entrance takes clients in. A plain request for a WebSocket (parseUpgrade), which
// is what all clients send, it reads and answers itself, without net/http, which costs
// as much as a login. Whatever else comes it gives, with what it has read of it, to an
// http.Server; so what is not plain is answered, refused and bounded there alone.
type Entrance struct {
	g      *Gateway
	tls    *tls.Config
	others *http.Server
	aside  *aside
	helped sync.WaitGroup // others serving

	mu       sync.Mutex
	entering map[*inside]struct{}
	running  sync.WaitGroup // of those that are entering
	ending   bool
}

const (
	requestWithin = 5 * time.Second // for TLS to be agreed on, and again for a request to arrive
	maxHead       = 4 << 10         // of a request that is read here
)

// NewEntrance returns an entrance to a gateway, over TLS if there is a configuration.
// The server for whatever is no plain upgrade becomes the entrance's; its handler has
// the gateway at wire.Path.
func NewEntrance(g *Gateway, secure *tls.Config, others *http.Server) *Entrance {
	others.ConnContext = ConnContext
	return &Entrance{g: g, tls: secure, others: others, entering: map[*inside]struct{}{}}
}

// Serve takes in those that come by a door until that is closed. It is called once.
func (e *Entrance) Serve(d *Door) error {
	e.mu.Lock()
	if e.ending {
		e.mu.Unlock()
		return http.ErrServerClosed
	}
	e.aside = &aside{conns: make(chan net.Conn), closed: make(chan struct{}), addr: d.Addr()}
	e.helped.Go(func() { _ = e.others.Serve(e.aside) }) // ends when it is shut down
	e.mu.Unlock()
	for {
		in, err := d.accept()
		if err != nil {
			return err
		}
		if e.come(in) {
			go e.enter(in)
		}
	}
}

// Shutdown waits for those that are entering, until ctx ends: then they are cut off. The
// door is closed before it.
func (e *Entrance) Shutdown(ctx context.Context) {
	e.mu.Lock()
	e.ending = true
	e.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		e.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		e.mu.Lock()
		for in := range e.entering {
			_ = in.Close()
		}
		e.mu.Unlock()
		<-gone
	}
	if err := e.others.Shutdown(ctx); err != nil {
		_ = e.others.Close()
	}
	e.helped.Wait()
}

// come notes that a connection is entering.
func (e *Entrance) come(in *inside) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ending {
		_ = in.Close()
		return false
	}
	e.entering[in] = struct{}{}
	e.running.Add(1)
	return true
}

// enter waits for a connection's first byte, with neither buffer nor deep stack, and
// takes it in.
func (e *Entrance) enter(in *inside) {
	if err := in.SetDeadline(time.Now().Add(requestWithin)); err == nil && in.await() == nil {
		e.admit(in)
	} else {
		_ = in.Close()
	}
	e.mu.Lock()
	delete(e.entering, in)
	e.mu.Unlock()
	e.running.Done()
}

// admit takes in a connection whose first byte has come.
//
//go:noinline
func (e *Entrance) admit(in *inside) {
	var nc net.Conn = in
	if e.tls != nil {
		secure := tls.Server(in, e.tls)
		if in.ahead[0] != recordHandshake {
			e.giveAside(secure, in) // net/http knows a word for who speaks no TLS
			return
		}
		err := secure.HandshakeContext(context.Background()) // its time is the deadline
		if err == nil {
			err = in.SetDeadline(time.Now().Add(requestWithin))
		}
		if err != nil {
			e.g.opt.Log.Debug("TLS handshake", "from", in.from, "err", err)
			_ = secure.Close()
			return
		}
		nc = secure
	}
	h := heads.Get().(*head)
	defer heads.Put(h)
	whole, err := h.read(nc)
	switch {
	case h.n == 0:
		_ = nc.Close() // nothing was said that could be answered
	case !whole || !e.upgrade(nc, in, h):
		e.giveAside(&retold{Conn: nc, said: bytes.Clone(h.text[:h.n]), end: err}, in)
	}
}

// recordHandshake is the first byte of who speaks TLS.
const recordHandshake = 0x16

// upgrade makes the connection a WebSocket, if it may be one and what was read of it is
// plain. False: it is net/http's to answer.
func (e *Entrance) upgrade(nc net.Conn, in *inside, h *head) bool {
	u, ok := parseUpgrade(string(h.text[:h.ends]))
	if !ok {
		return false
	}
	web, ok := e.g.admits(u.visit(in.LocalAddr()))
	if !ok {
		return false
	}
	address := session.Address{Addr: e.g.opt.Proxies.Client(in.from, u.forwarded)}
	if !in.comesFrom(address) {
		return false
	}
	if !in.settle() { // it is being sent away
		_ = nc.Close()
		return true
	}
	early := bytes.Clone(h.text[h.ends:h.n])
	if _, err := nc.Write(u.appendAccepted(h.text[:0])); err != nil {
		_ = nc.Close()
		return true
	}
	if nc != in { // TLS writes by itself at times, and keeps a failure
		_ = in.SetWriteDeadline(time.Time{})
	}
	e.g.begin(&conn{net: nc, in: in, sub: u.sub, web: web, address: address, early: early})
	return true
}

// A head is the memory that reading a request's head needs.
type head struct {
	text [maxHead]byte
	n    int // have been read
	ends int // the head in them
}

var heads = sync.Pool{New: func() any { return new(head) }}

// read reads a request's head, or as much of it as comes, or as shows that it is not a
// plain upgrade's.
func (h *head) read(nc net.Conn) (whole bool, err error) {
	h.n, h.ends = 0, 0
	for h.n < len(h.text) {
		n, err := nc.Read(h.text[h.n:])
		from := max(0, h.n-len(headEnd)+1)
		h.n += n
		if begun := min(h.n, len(upgradeLine)); string(h.text[:begun]) != upgradeLine[:begun] {
			return false, nil
		}
		if at := bytes.Index(h.text[from:h.n], []byte(headEnd)); at >= 0 {
			h.ends = from + at + len(headEnd)
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// giveAside gives a connection to net/http, which has times of its own.
func (e *Entrance) giveAside(nc net.Conn, in *inside) {
	if err := in.SetDeadline(time.Time{}); err != nil {
		_ = nc.Close()
		return
	}
	e.aside.give(nc)
}

// An aside is a listener whose connections are given to it.
type aside struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func (a *aside) give(nc net.Conn) {
	select {
	case a.conns <- nc:
	case <-a.closed:
		_ = nc.Close()
	}
}

// Accept implements net.Listener.
func (a *aside) Accept() (net.Conn, error) {
	select {
	case nc := <-a.conns:
		return nc, nil
	case <-a.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (a *aside) Close() error {
	a.once.Do(func() { close(a.closed) })
	return nil
}

// Addr implements net.Listener.
func (a *aside) Addr() net.Addr { return a.addr }

// A retold is a connection of which the beginning is read again, and that it came to
// nothing more if that is so.
type retold struct {
	net.Conn

	said []byte
	end  error
}

// Read implements net.Conn.
func (r *retold) Read(p []byte) (int, error) {
	if len(r.said) == 0 {
		if r.end != nil {
			return 0, r.end
		}
		return r.Conn.Read(p)
	}
	n := copy(p, r.said)
	r.said = r.said[n:]
	return n, nil
}

// CloseWrite tells the peer that nothing more comes, where there is a way to.
func (r *retold) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
