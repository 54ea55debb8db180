// Package badnet is a bad network, for tests: a proxy between clients and a server,
// whose line is slow, loses what is sent, breaks by halves, or is cut.
//
// It stands on any listener and dial function: on real TCP, before another process,
// and on internal/memnet, where it lives in the fake time of a testing/synctest bubble.
//
// # Loss
//
// TCP hides loss: what is lost is sent again, and what was sent after it waits until
// it is there. So loss shows as a stall. Here each segment, of at most 1,448 bytes, is
// lost with the line's probability. It is sent again after a retransmission timeout, of
// 200 ms and a round trip as Linux has it, then after twice that, and so on, for as long
// as it is lost again, at most 6 times. Recovery that is faster than the timeout takes
// three later segments in flight, which a chat's frames seldom have: it is left out, so
// long transfers suffer more than they would.
//
// # What callers may rely on
//
//   - What arrives is what was sent, in order, as with TCP.
//   - A connection holds at most 256 KiB each way: a slow reader holds the writer up.
//   - Chance is drawn from the seed, connection by connection and segment by segment,
//     and not from the time they took.
//   - An end that is not told that its connection is broken has one that nobody reads,
//     until another break tells it, or the proxy comes to its end.
//   - When Run has returned nothing of the proxy runs any more, and all is closed.
package badnet

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// A Line is how good the network is.
type Line struct {
	Delay     time.Duration // each way
	Jitter    time.Duration // the delay is up to this much shorter or longer, evenly
	Loss      float64       // how likely a segment is lost each time it is sent, 0 to 1
	Bandwidth int           // bytes a second, each way of each connection; 0: no bound
}

// Poor is a phone on a bad day: 50±20 ms each way, and 5 % loss.
var Poor = Line{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.05}

// A Break is a way in which the connections of a proxy stop working.
type Break int

// The breaks, by who gets to know.
const (
	Reset  Break = iota + 1 // both ends see "connection reset"
	Unplug                  // the client does, and the server hears nothing any more: half-open
	Forget                  // the server does, and the client hears nothing any more: half-open
	Silent                  // neither: nothing arrives until the line is mended
)

// A Proxy is a bad network with a server behind it. Its methods may be called
// concurrently.
type Proxy struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	seed     uint64

	mu     sync.Mutex
	line   Line
	cut    Break         // 0: the line is whole
	passes chan struct{} // closed: bytes pass
	made   uint64        // connections
	open   map[*link]struct{}
}

// New is a proxy that answers on l and brings what comes to where dial leads. Both are
// the proxy's until Run returns, which closes l.
func New(l net.Listener, dial func(context.Context) (net.Conn, error), seed uint64, line Line) *Proxy {
	p := &Proxy{listener: l, dial: dial, seed: seed, line: line, passes: make(chan struct{}), open: make(map[*link]struct{})}
	close(p.passes)
	return p
}

// Run carries connections until ctx ends, and closes all of them.
func (p *Proxy) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = p.listener.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := p.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close()
			}
			return nil
		case err != nil:
			return err
		}
		all.Go(func() { p.carry(ctx, c) })
	}
}

// Set makes the line another from now on.
func (p *Proxy) Set(line Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = line
}

// Cut breaks all connections, and the line until Mend: a client that dials meanwhile is
// reset at once, or, cut in silence, hears nothing until then.
func (p *Proxy) Cut(how Break) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut != Silent && how == Silent {
		p.passes = make(chan struct{})
	} else if p.cut == Silent && how != Silent {
		close(p.passes)
	}
	p.cut = how
	if how == Silent {
		return
	}
	for x := range p.open {
		x.fail(how)
	}
}

// Mend undoes Cut. Connections that were reset stay so; those that were cut in silence
// go on, and what was sent meanwhile arrives.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == Silent {
		close(p.passes)
	}
	p.cut = 0
}

// state is how the line is now.
func (p *Proxy) state() (line Line, cut Break, passes <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.line, p.cut, p.passes
}

// carry carries one connection to its end.
func (p *Proxy) carry(ctx context.Context, client net.Conn) {
	defer client.Close()
	if !p.passed(ctx) {
		reset(client)
		return
	}
	server, err := p.dial(ctx)
	if err != nil {
		reset(client)
		return
	}
	defer server.Close()
	p.mu.Lock()
	x := newLink(p, p.made, client, server)
	p.made++
	p.open[x] = struct{}{}
	broken := p.cut
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, x)
	}()
	if broken != 0 && broken != Silent { // meanwhile
		x.fail(broken)
	}
	x.run(ctx)
}

// passed waits until the line is not cut in silence; false: it is cut otherwise, or the
// proxy has come to its end.
func (p *Proxy) passed(ctx context.Context) bool {
	for {
		_, cut, passes := p.state()
		switch {
		case cut == 0:
			return true
		case cut != Silent:
			return false
		}
		select {
		case <-passes:
		case <-ctx.Done():
			return false
		}
	}
}

// reset closes a connection so that its peer sees "connection reset", where that can be
// done.
func reset(c net.Conn) {
	harden(c)
	_ = c.Close()
}

// harden makes the closing of a connection, by whomever, a reset.
func harden(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it would only close in better order
	}
}

// errEnded ends both ways of a connection.
var errEnded = errors.New("the connection has ended")
