package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
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
	var own uint64
	served := false
	first := make([]byte, 1)
	for {
		if _, err := c.Read(first); err != nil {
			break
		}
		b := r.buffers.Get().(*[floorReadSize]byte)
		b[0] = first[0]
		body, ok := r.read(c, b)
		var answer []byte
		if ok {
			to := binary.BigEndian.Uint64(body)
			answer = r.spell(floorAnswer, body[floorIDBytes:])
			if served {
				r.pass(to, r.spell(floorNotice, body[floorIDBytes:]))
			} else {
				own, served = to, true
				r.enter(own, c)
			}
		}
		r.buffers.Put(b)
		if !ok {
			break
		}
		if _, err := c.Write(answer); err != nil {
			break
		}
	}
	if served {
		r.leave(own, c)
	}
}

// read reads the request of which b holds the first byte, and checks it.
func (r *relay) read(c net.Conn, b *[floorReadSize]byte) (body []byte, ok bool) {
	if !r.webSocket {
		return readFloor(c, b)
	}
	m, err := readMessage(io.MultiReader(bytes.NewReader([]byte{b[0]}), c), b[:])
	if err != nil {
		return nil, false
	}
	return signed(m)
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

// enter makes a connection the one of its number.
func (r *relay) enter(number uint64, c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[number] = c
}

// leave forgets a connection.
func (r *relay) leave(number uint64, c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns[number] == c {
		delete(r.conns, number)
	}
}
