package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

// The floor's language: two bytes that say how long what follows is, then that;
// a request ends with the HMAC of what is before it. A body is an account's number,
// in eight bytes, and as many bytes more as a login has.
const (
	floorKey      = "the floor guards nothing"
	floorAnswer   = 'a'
	floorNotice   = 'n'
	floorMaxBody  = 4096
	answerBytes   = 40 // about what the answer to a login takes
	floorIDBytes  = 8
	floorReadSize = 2 + floorMaxBody + sha256.Size
)

// floorRequest spells a request.
func floorRequest(body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(body)+sha256.Size))
	b = append(b, body...)
	mac := hmac.New(sha256.New, []byte(floorKey))
	mac.Write(body)
	return mac.Sum(b)
}

// floorReply spells an answer or notice.
func floorReply(kind byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, answerBytes)
	return append(append(b, kind), make([]byte, answerBytes-1)...)
}

// ServeFloor is the floor: it answers each request on l whose HMAC is right, until
// ctx ends. notify: who asks with the number of an account for which another
// connection asked before has that one told.
func ServeFloor(ctx context.Context, l net.Listener, notify bool) error {
	f := &floor{buffers: newFloorBuffers()}
	if notify {
		f.holders = map[uint64]net.Conn{}
	}
	return acceptAll(ctx, l, f.serve)
}

func newFloorBuffers() *sync.Pool {
	return &sync.Pool{New: func() any { return new([floorReadSize]byte) }}
}

// acceptAll serves each connection of l until ctx ends.
func acceptAll(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go welcome(ctx, c, serve)
	}
}

// welcome shakes hands where there is TLS, which needs a large stack, and has the
// connection served on a fresh one.
func welcome(ctx context.Context, c net.Conn, serve func(net.Conn)) {
	if secure, ok := c.(*tls.Conn); ok {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			c.Close()
			return
		}
		go serve(c)
		return
	}
	serve(c)
}

// A floor is the floor's state.
type floor struct {
	buffers *sync.Pool

	mu      sync.Mutex
	holders map[uint64]net.Conn // by account; nil: nobody is told of anybody
}

// serve answers a connection until it ends. While it is idle it holds no buffer.
func (f *floor) serve(c net.Conn) {
	defer c.Close()
	first := make([]byte, 1)
	for {
		if _, err := c.Read(first); err != nil {
			return
		}
		b := f.buffers.Get().(*[floorReadSize]byte)
		b[0] = first[0]
		account, ok := readFloor(c, b)
		f.buffers.Put(b)
		if !ok {
			return
		}
		if f.holders != nil {
			f.take(account, c)
		}
		if _, err := c.Write(floorReply(floorAnswer)); err != nil {
			return
		}
	}
}

// readFloor reads the request of which b holds the first byte, and checks it.
func readFloor(c net.Conn, b *[floorReadSize]byte) (account uint64, ok bool) {
	have := 1
	for want := 2; have < want; {
		n, err := c.Read(b[have:])
		if err != nil {
			return 0, false
		}
		if have += n; have >= 2 {
			want = 2 + int(binary.BigEndian.Uint16(b[:2]))
		}
		if want > len(b) || have > want {
			return 0, false
		}
	}
	body, ok := signed(b[2:have])
	if !ok {
		return 0, false
	}
	return binary.BigEndian.Uint64(body), true
}

// signed is the body of a request whose HMAC is right.
func signed(request []byte) (body []byte, ok bool) {
	end := len(request) - sha256.Size
	if end < floorIDBytes {
		return nil, false
	}
	mac := hmac.New(sha256.New, []byte(floorKey))
	mac.Write(request[:end])
	return request[:end], hmac.Equal(mac.Sum(nil), request[end:])
}

// take gives the account to c and tells who had it.
func (f *floor) take(account uint64, c net.Conn) {
	f.mu.Lock()
	had := f.holders[account]
	f.holders[account] = c
	f.mu.Unlock()
	if had != nil && had != c {
		_, _ = had.Write(floorReply(floorNotice)) // who has gone need not be told
	}
}

// ServeWebSocket is the bare WebSocket server: it upgrades a request as the gateway
// does, takes the connection over, and answers each message, until ctx ends.
func ServeWebSocket(ctx context.Context, l net.Listener) error {
	buffers := newFloorBuffers()
	return upgradeAll(ctx, l, func(c net.Conn) { answerMessages(c, buffers) })
}

// upgradeAll serves each WebSocket of l until ctx ends.
func upgradeAll(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.Path, func(w http.ResponseWriter, r *http.Request) {
		upgrader := ws.HTTPUpgrader{Timeout: 10 * time.Second, Protocol: wire.Supported}
		c, _, _, err := upgrader.Upgrade(r, w)
		if err != nil {
			if c != nil {
				c.Close()
			}
			return
		}
		go serve(c)
	})
	hs := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = hs.Close() })()
	if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answerMessages answers each message of a connection with one of the length of a
// login's answer. While it is idle it holds no buffer.
func answerMessages(c net.Conn, buffers *sync.Pool) {
	defer c.Close()
	answer := ws.MustCompileFrame(ws.NewBinaryFrame(make([]byte, answerBytes)))
	first := make([]byte, 1)
	for {
		if _, err := c.Read(first); err != nil {
			return
		}
		b := buffers.Get().(*[floorReadSize]byte)
		err := readMessage(io.MultiReader(bytes.NewReader(first), c), b[:])
		buffers.Put(b)
		if err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// readMessage reads one message into b.
func readMessage(r io.Reader, b []byte) error {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return err
	}
	if h.OpCode != ws.OpBinary || h.Length > int64(len(b)) {
		return errors.New("want a binary message that is not large")
	}
	if _, err := io.ReadFull(r, b[:h.Length]); err != nil {
		return err
	}
	ws.Cipher(b[:h.Length], h.Mask, 0)
	return nil
}

// ServeTLS serves l by means of serve with the certificate, as Rollcall serves with one.
func ServeTLS(certificate, key string, l net.Listener, serve func(net.Listener) error) error {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	return serve(tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}))
}
