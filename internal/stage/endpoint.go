package stage

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rollcall.example/internal/memnet"
)

// ErrInMemory says that only a network in memory can do this.
var ErrInMemory = errors.New("only a network in memory can do this")

// An Endpoint is the place that a device dials from, and its link to the network.
type Endpoint struct {
	mem  *memnet.Endpoint // nil: real TCP
	sent atomic.Int64

	mu      sync.Mutex
	open    map[net.Conn]struct{}
	refusal error // of dialling over TCP
}

// Endpoint is the place of this name, a new one at the first call.
func (s *Stage) Endpoint(name string) *Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[name]
	if e == nil {
		e = &Endpoint{open: make(map[net.Conn]struct{})}
		if !s.opt.TCP {
			e.mem = s.net.Endpoint(name)
		}
		s.endpoints[name] = e
	}
	return e
}

// Dial connects from this place; it has the shape of net.Dialer's DialContext.
func (e *Endpoint) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	e.sent.Add(1)
	c, err := e.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refusal != nil { // cut meanwhile
		c.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Err: e.refusal}
	}
	out := &outside{Conn: c, at: e}
	e.open[out] = struct{}{}
	return out, nil
}

func (e *Endpoint) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if e.mem != nil {
		return e.mem.Dial(ctx, network, address)
	}
	e.mu.Lock()
	refusal := e.refusal
	e.mu.Unlock()
	if refusal != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: refusal}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Sent counts what the device's programs did to the network: each dialling and
// each write is one. It tells whether a call caused traffic.
func (e *Endpoint) Sent() int64 { return e.sent.Load() }

// Connected tells whether a connection is open at this end.
func (e *Endpoint) Connected() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.open) > 0
}

// Cut breaks the device's connections, and its link until Mend. Over real TCP
// every break is seen by both ends.
func (e *Endpoint) Cut(how memnet.Break) {
	if e.mem != nil {
		e.mem.Cut(how)
		return
	}
	e.Refuse(os.NewSyscallError("connect", syscall.ENETUNREACH))
	e.mu.Lock()
	var all []net.Conn
	for c := range e.open {
		all = append(all, c)
	}
	e.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// Refuse makes dialling fail with err until Mend.
func (e *Endpoint) Refuse(err error) {
	if e.mem != nil {
		e.mem.Refuse(err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refusal = err
}

// Mend undoes Cut and Refuse.
func (e *Endpoint) Mend() {
	if e.mem != nil {
		e.mem.Mend()
		return
	}
	e.Refuse(nil)
}

// Delay makes what is written from now on, either way, arrive after d.
func (e *Endpoint) Delay(d time.Duration) error {
	if e.mem == nil {
		return ErrInMemory
	}
	e.mem.Delay(d)
	return nil
}

// LoseAnswer makes the server's next answer go astray, with its connection.
func (e *Endpoint) LoseAnswer(how memnet.Break) error { return e.lose(memnet.ToClient, how) }

// LoseRequest makes the device's next request go astray, with its connection.
func (e *Endpoint) LoseRequest(how memnet.Break) error { return e.lose(memnet.ToServer, how) }

func (e *Endpoint) lose(way memnet.Direction, how memnet.Break) error {
	if e.mem == nil {
		return ErrInMemory
	}
	pass := 0
	if !e.Connected() {
		pass = 1 // the upgrade to a WebSocket
	}
	e.mem.Lose(way, pass, how)
	return nil
}

// An outside is the device's end of a connection.
type outside struct {
	net.Conn

	at *Endpoint
}

// Write implements net.Conn.
func (c *outside) Write(b []byte) (int, error) {
	c.at.sent.Add(1)
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *outside) Close() error {
	c.at.mu.Lock()
	delete(c.at.open, c)
	c.at.mu.Unlock()
	return c.Conn.Close()
}
