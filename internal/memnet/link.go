package memnet

import (
	"cmp"
	"net/netip"
	"sync"
	"time"
)

// A link is a connection with both its ends.
type link struct {
	from           *Endpoint
	client, server *conn
	changed        sync.Cond // on the network's mu
	frozen         bool      // what is written does not arrive
	dead           bool      // frozen for good
}

// newLink makes a connection from an address of e to a server's. The network's
// mu is held, as in all methods of a link.
func newLink(e *Endpoint, from, to netip.AddrPort) *link {
	x := &link{from: e}
	x.changed.L = &e.net.mu
	size := cmp.Or(e.net.Buffer, defaultBuffer)
	up, down := &stream{room: size}, &stream{room: size}
	x.client = &conn{link: x, way: ToServer, in: down, out: up, local: from, remote: to}
	x.server = &conn{link: x, way: ToClient, in: up, out: down, local: to, remote: from}
	if e.net.links == nil {
		e.net.links = make(map[*link]struct{})
	}
	e.net.links[x] = struct{}{}
	return x
}

// peer returns the other end.
func (x *link) peer(c *conn) *conn {
	if c == x.client {
		return x.server
	}
	return x.client
}

// send puts a piece on its way to the end that reads s.
func (x *link) send(s *stream, p piece) {
	p.held = x.frozen
	p.at = time.Now().Add(x.from.delay)
	s.pieces = append(s.pieces, p)
	s.room -= len(p.data)
	x.changed.Broadcast()
}

// fail breaks the link for good.
func (x *link) fail(how Break) {
	x.dead = true
	x.client.reset = x.client.reset || how != Silent
	x.server.reset = x.server.reset || how == Reset
	x.freeze()
}

// freeze stops what is under way and what is sent from now on. What has arrived
// stays readable.
func (x *link) freeze() {
	x.frozen = true
	now := time.Now()
	for _, s := range []*stream{x.client.in, x.server.in} {
		for i := range s.pieces {
			s.pieces[i].held = s.pieces[i].held || s.pieces[i].at.After(now)
		}
	}
	x.changed.Broadcast()
}

// thaw sends on what was held, unless the link is dead.
func (x *link) thaw() {
	if x.dead {
		return
	}
	x.frozen = false
	arrives := time.Now().Add(x.from.delay)
	for _, s := range []*stream{x.client.in, x.server.in} {
		for i := range s.pieces {
			if s.pieces[i].held {
				s.pieces[i].held, s.pieces[i].at = false, arrives
			}
		}
	}
	x.changed.Broadcast()
}

// forget drops a link whose ends are both closed.
func (x *link) forget() {
	if x.client.closed && x.server.closed {
		delete(x.from.net.links, x)
	}
}

// A stream is one way of a link: what was written and not read yet.
type stream struct {
	pieces []piece
	room   int // bytes that still fit
}

// A piece is what one Write, or a part of it, sent; or the end of the stream.
type piece struct {
	data []byte
	end  bool
	at   time.Time // when it arrives
	held bool      // it does not, until the link is mended
}

// next returns the first piece if it has arrived, otherwise nil and when it
// will: the zero time if that is not known.
func (s *stream) next() (*piece, time.Time) {
	if len(s.pieces) == 0 || s.pieces[0].held {
		return nil, time.Time{}
	}
	p := &s.pieces[0]
	if time.Now().Before(p.at) {
		return nil, p.at
	}
	return p, time.Time{}
}

// take moves bytes of the first piece to b.
func (s *stream) take(b []byte) int {
	p := &s.pieces[0]
	n := copy(b, p.data)
	p.data = p.data[n:]
	s.room += n
	if len(p.data) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n
}

// waitUntil waits for a change, at most until t; the zero time is never. c.L is held.
func waitUntil(c *sync.Cond, t time.Time) {
	if !t.IsZero() {
		defer time.AfterFunc(time.Until(t), func() {
			c.L.Lock()
			defer c.L.Unlock()
			c.Broadcast()
		}).Stop()
	}
	c.Wait()
}
