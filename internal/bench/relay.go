package bench

import (
	"context"
	"encoding/binary"
	"net"
	"sync"

	"github.com/gobwas/ws"
)

// ServeRelay is the floor of messages: it checks the HMAC of each request on l, hands
// what the request says to the connection that it is for, from memory, and answers.
// The first request of a connection gives its number, which each later one begins
// with that is for it. With webSocket requests come over WebSockets, without the two
// bytes of their length.
func ServeRelay(ctx context.Context, l net.Listener, webSocket bool) error {
	r := &relay{webSocket: webSocket, buffers: newFloorBuffers(), conns: map[uint64]net.Conn{}}
	if webSocket {
		return upgradeAll(ctx, l, r.serve)
	}
	return acceptAll(ctx, l, r.serve)
}

// A relay is the state of one.
type relay struct {
	webSocket bool
	buffers   *sync.Pool

	mu    sync.Mutex
	conns map[uint64]net.Conn // by number
}

// serve serves a connection until it ends. While it is idle it holds no buffer.
func (r *relay) serve(c net.Conn) {
	defer c.Close()
	x := &relayed{relay: r, conn: c}
	defer x.leave()
	first := make([]byte, 1)
	for {
		if _, err := c.Read(first); err != nil {
			return
		}
		b := r.buffers.Get().(*[floorReadSize]byte)
		b[0] = first[0]
		ok := x.serveAll(b)
		r.buffers.Put(b)
		if !ok {
			return
		}
	}
}

// A relayed is one connection of a relay.
type relayed struct {
	relay  *relay
	conn   net.Conn
	number uint64
	known  bool // by its number
}

// serveAll serves all requests that are there, of which b holds the first byte.
func (x *relayed) serveAll(b *[floorReadSize]byte) (ok bool) {
	for have := 1; have > 0; {
		n, err := x.conn.Read(b[have:])
		if err != nil {
			return false
		}
		have += n
		used := 0
		for {
			request, size := x.relay.request(b[used:have])
			if size == 0 {
				break
			}
			if !x.serve(request) {
				return false
			}
			used += size
		}
		have = copy(b[:], b[used:have])
		if have == len(b) {
			return false // it is longer than any
		}
	}
	return true
}

// request takes the first request out of what has come, which takes so many bytes of
// it; 0: it is not whole.
func (r *relay) request(b []byte) (request []byte, size int) {
	if len(b) < 2 {
		return nil, 0
	}
	head, n := 2, int(binary.BigEndian.Uint16(b))
	if r.webSocket {
		if n = int(b[1] & 0x7f); n == 126 && len(b) >= 4 {
			head, n = 4, int(binary.BigEndian.Uint16(b[2:]))
		}
		head += 4
	}
	if size = head + n; len(b) < size {
		return nil, 0
	}
	if r.webSocket {
		ws.Cipher(b[head:size], [4]byte(b[head-4:head]), 0)
	}
	return b[head:size], size
}

// serve serves one request.
func (x *relayed) serve(request []byte) (ok bool) {
	body, ok := signed(request)
	if !ok {
		return false
	}
	to, said := binary.BigEndian.Uint64(body), body[floorIDBytes:]
	if x.known {
		x.relay.pass(to, x.relay.spell(floorNotice, said))
	} else {
		x.number, x.known = to, true
		x.enter()
	}
	_, err := x.conn.Write(x.relay.spell(floorAnswer, said))
	return err == nil
}

// enter makes the connection the one of its number.
func (x *relayed) enter() {
	x.relay.mu.Lock()
	defer x.relay.mu.Unlock()
	x.relay.conns[x.number] = x.conn
}

// leave forgets the connection.
func (x *relayed) leave() {
	x.relay.mu.Lock()
	defer x.relay.mu.Unlock()
	if x.known && x.relay.conns[x.number] == x.conn {
		delete(x.relay.conns, x.number)
	}
}

// spell spells what goes to a client.
func (r *relay) spell(kind byte, said []byte) []byte {
	n := 1 + len(said)
	b := make([]byte, 0, 4+n)
	switch {
	case !r.webSocket:
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	case n < 126:
		b = append(b, 0x82, byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x82, 126), uint16(n))
	}
	return append(append(b, kind), said...)
}

// pass hands a frame to a connection, if it is there.
func (r *relay) pass(to uint64, frame []byte) {
	r.mu.Lock()
	c := r.conns[to]
	r.mu.Unlock()
	if c != nil {
		_, _ = c.Write(frame) // who has gone need not be told
	}
}
