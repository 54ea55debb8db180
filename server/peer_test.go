package server_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// A peer is a client of the wire: it sends what a test tells it to, frame by
// frame or byte by byte, and sees what comes back.
type peer struct {
	t    *testing.T
	net  net.Conn
	in   *bufio.Reader
	sub  wire.Subprotocol
	id   uint64 // of the last request
	mute bool   // does not answer pings

	pings, pongs int       // seen so far
	ended        time.Time // when the close frame came
}

func (w *world) listen(addr string) net.Listener {
	w.t.Helper()
	l, err := w.net.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// dial opens a connection from an address of its own, without a word on it.
func (w *world) dial() net.Conn {
	w.t.Helper()
	w.peers++
	return w.dialFrom(fmt.Sprintf("peer-%d", w.peers))
}

// dialFrom opens a connection from the named place.
func (w *world) dialFrom(place string) net.Conn {
	w.t.Helper()
	c, err := w.net.Endpoint(place).Dial(w.t.Context(), "tcp", host)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// connect opens a WebSocket from an address of its own.
func (w *world) connect() *peer {
	w.t.Helper()
	return w.speak(w.dial(), wire.Proto)
}

// speak upgrades a connection, with header lines as wanted.
func (w *world) speak(c net.Conn, sub wire.Subprotocol, header ...string) *peer {
	w.t.Helper()
	p := &peer{t: w.t, net: c, in: bufio.NewReader(c), sub: sub}
	status, answered := p.upgrade(header...)
	if status != http.StatusSwitchingProtocols {
		w.t.Fatalf("the upgrade was answered with %d", status)
	}
	if got := answered.Get("Sec-WebSocket-Protocol"); got != string(sub) {
		w.t.Fatalf("subprotocol %q, want %q", got, sub)
	}
	return p
}

// upgrade asks for a WebSocket and returns the answer's status and header.
func (p *peer) upgrade(header ...string) (int, http.Header) {
	p.t.Helper()
	p.write([]byte(upgradeRequest(p.sub, header...)))
	p.within(time.Second)
	a, err := http.ReadResponse(p.in, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if a.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, a.Body)
	}
	_ = a.Body.Close()
	return a.StatusCode, a.Header
}

func upgradeRequest(sub wire.Subprotocol, header ...string) string {
	s := "GET " + wire.Path + " HTTP/1.1\r\nHost: rollcall.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: " + string(sub) + "\r\n"
	for _, h := range header {
		s += h + "\r\n"
	}
	return s + "\r\n"
}

// write sends bytes as they are.
func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.net.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// writeFrame sends a frame, masked as a client must.
func (p *peer) writeFrame(f ws.Frame) {
	p.t.Helper()
	p.write(masked(f))
}

func masked(f ws.Frame) []byte {
	return ws.MustCompileFrame(ws.MaskFrameInPlace(ws.NewFrame(f.Header.OpCode, f.Header.Fin, bytes.Clone(f.Payload))))
}

// opcode is what frames of the subprotocol travel in.
func (p *peer) opcode() ws.OpCode {
	if p.sub.Text() {
		return ws.OpText
	}
	return ws.OpBinary
}

// message sends one message of the subprotocol's kind.
func (p *peer) message(b []byte) {
	p.t.Helper()
	p.writeFrame(ws.NewFrame(p.opcode(), true, b))
}

// send sends a request and returns its id.
func (p *peer) send(request any) uint64 {
	p.t.Helper()
	p.id++
	p.message(p.spell(p.id, request))
	return p.id
}

func (p *peer) spell(id uint64, request any) []byte {
	p.t.Helper()
	f := &wire.ClientFrame{Id: id}
	switch q := request.(type) {
	case *wire.LoginRequest:
		f.Request = &wire.ClientFrame_Login{Login: q}
	case *wire.ResumeRequest:
		f.Request = &wire.ClientFrame_Resume{Resume: q}
	case *wire.LogoutRequest:
		f.Request = &wire.ClientFrame_Logout{Logout: q}
	case *wire.RenewRequest:
		f.Request = &wire.ClientFrame_Renew{Renew: q}
	case *wire.ListSessionsRequest:
		f.Request = &wire.ClientFrame_ListSessions{ListSessions: q}
	case *wire.SignOutRequest:
		f.Request = &wire.ClientFrame_SignOut{SignOut: q}
	case *wire.PingRequest:
		f.Request = &wire.ClientFrame_Ping{Ping: q}
	case *wire.Acknowledgement:
		f.Request = &wire.ClientFrame_Acknowledgement{Acknowledgement: q}
	case *wire.SendRequest:
		f.Request = &wire.ClientFrame_Send{Send: q}
	case *wire.SyncRequest:
		f.Request = &wire.ClientFrame_Sync{Sync: q}
	case *wire.ListMessagesRequest:
		f.Request = &wire.ClientFrame_ListMessages{ListMessages: q}
	case *wire.MarkReadRequest:
		f.Request = &wire.ClientFrame_MarkRead{MarkRead: q}
	case *wire.PinRequest:
		f.Request = &wire.ClientFrame_Pin{Pin: q}
	case *wire.DeleteConversationRequest:
		f.Request = &wire.ClientFrame_DeleteConversation{DeleteConversation: q}
	case *wire.RecallRequest:
		f.Request = &wire.ClientFrame_Recall{Recall: q}
	case *wire.DeleteMessagesRequest:
		f.Request = &wire.ClientFrame_DeleteMessages{DeleteMessages: q}
	case nil:
	default:
		p.t.Fatalf("no request: %T", request)
	}
	b, err := p.sub.Encode(f)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// within sets how long reading may wait from now on.
func (p *peer) within(d time.Duration) {
	p.t.Helper()
	if err := p.net.SetReadDeadline(time.Now().Add(d)); err != nil {
		p.t.Fatal(err)
	}
}

// frame is the next frame but pings and pongs, which it answers and counts.
func (p *peer) frame(within time.Duration) (ws.Frame, error) {
	p.within(within)
	for {
		h, err := ws.ReadHeader(p.in)
		if err != nil {
			return ws.Frame{}, err
		}
		if h.Length > wire.MaxFrame {
			return ws.Frame{}, fmt.Errorf("the server sends a frame of %d bytes", h.Length)
		}
		f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(p.in, f.Payload); err != nil {
			return f, err
		}
		switch f.Header.OpCode {
		case ws.OpPing:
			p.pings++
			if !p.mute {
				p.writeFrame(ws.NewPongFrame(f.Payload))
			}
		case ws.OpPong:
			p.pongs++
		default:
			return f, nil
		}
	}
}

// read is the next frame of the server, which must come soon.
func (p *peer) read() *wire.ServerFrame {
	p.t.Helper()
	return p.readWithin(time.Second)
}

func (p *peer) readWithin(d time.Duration) *wire.ServerFrame {
	p.t.Helper()
	f, err := p.frame(d)
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	if f.Header.OpCode == ws.OpClose {
		p.t.Fatalf("closed with %v, want a frame", parseClose(f))
	}
	return p.decode(f)
}

func (p *peer) decode(f ws.Frame) *wire.ServerFrame {
	p.t.Helper()
	if f.Header.OpCode != p.opcode() {
		p.t.Fatalf("a frame with opcode %d under %s", f.Header.OpCode, p.sub)
	}
	s := new(wire.ServerFrame)
	if err := p.sub.Decode(f.Payload, s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// ask sends a request and returns its answer.
func (p *peer) ask(request any) *wire.ServerFrame {
	p.t.Helper()
	id := p.send(request)
	f := p.read()
	if f.GetId() != id {
		p.t.Fatalf("request %d was answered with %v", id, f)
	}
	return f
}

// refused sends a request that must be refused with the code.
func (p *peer) refused(request any, want imcode.Code) *wire.Refusal {
	p.t.Helper()
	f := p.ask(request)
	r := f.GetRefusal()
	if got := imcode.Code(r.GetCode()); r == nil || got != want {
		p.t.Fatalf("a %T was answered with %v, want code %d", request, f, want)
	}
	return r
}

func parseClose(f ws.Frame) wire.Close {
	code, reason := ws.ParseCloseFrameData(f.Payload)
	return wire.ParseClose(int(code), reason)
}

// closed reads the close frame, which must be the next, with the code; answers
// it, and sees the connection end.
func (p *peer) closed(want wire.CloseCode) wire.Close {
	p.t.Helper()
	return p.closedWithin(time.Second, want)
}

func (p *peer) closedWithin(d time.Duration, want wire.CloseCode) wire.Close {
	p.t.Helper()
	f, err := p.frame(d)
	p.ended = time.Now()
	if err != nil {
		p.t.Fatalf("read: %v, want a close with %d %s", err, want, want)
	}
	if f.Header.OpCode != ws.OpClose {
		p.t.Fatalf("got %v, want a close with %d %s", p.decode(f), want, want)
	}
	c := parseClose(f)
	if c.Code != want {
		p.t.Fatalf("closed with %d %s, want %d %s", c.Code, c.Code, want, want)
	}
	_, _ = p.net.Write(masked(ws.NewCloseFrame(f.Payload))) // who cut the connection already needs no answer
	p.gone()
	return c
}

// gone sees the connection end without a word more.
func (p *peer) gone() {
	p.t.Helper()
	f, err := p.frame(2 * time.Second)
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatalf("got frame %v, error %v; want the end of the connection", f, err)
	}
	_ = p.net.Close()
}

// silent sees nothing come for a while, the connection standing.
func (p *peer) silent(d time.Duration) {
	p.t.Helper()
	f, err := p.frame(d)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		p.t.Fatalf("got frame %v, error %v; want silence for %v", f, err, d)
	}
}

// hangUp ends the connection without a word.
func (p *peer) hangUp() { _ = p.net.Close() }
