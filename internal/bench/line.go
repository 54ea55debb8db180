package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

// A line is one connection of a client, spoken to frame by frame: no more work
// than a server's answer asks for, since client and server share the machine.
type line struct {
	target *target
	tcp    *net.TCPConn
	conn   net.Conn // tcp, or TLS on it
	buf    []byte   // what was read and not used yet is buf[r:w]
	r, w   int
}

// answerWithin is how long a client waits for an answer. What takes longer is a
// failure.
const answerWithin = 30 * time.Second

// bufferBytes is enough for the largest answer to a login.
const bufferBytes = 4096

// connect connects: TCP, TLS if there is, the upgrade if there is. buf is for
// reading, nil for one of its own.
func (t *target) connect(ctx context.Context, buf []byte) (*line, error) {
	return t.connectFrom(ctx, buf, 0)
}

// connectFrom connects as the client of that number.
func (t *target) connectFrom(ctx context.Context, buf []byte, number int) (*line, error) {
	tcp, err := dialer.DialTCP(ctx, "tcp", from(t.address, number), t.address)
	if err != nil {
		return nil, err
	}
	if buf == nil {
		buf = make([]byte, bufferBytes)
	}
	l := &line{target: t, tcp: tcp, conn: tcp, buf: buf}
	if err := l.begin(ctx); err != nil {
		l.cut()
		return nil, err
	}
	return l, nil
}

func (l *line) begin(ctx context.Context) error {
	if err := l.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if l.target.tls != nil {
		c := tls.Client(l.tcp, l.target.tls)
		if err := c.HandshakeContext(ctx); err != nil {
			return err
		}
		l.conn = c
	}
	if l.target.upgrade == nil {
		return nil
	}
	if _, err := l.conn.Write(l.target.upgrade); err != nil {
		return err
	}
	return l.upgraded()
}

// upgraded reads the answer to the request for an upgrade.
func (l *line) upgraded() error {
	for {
		head := l.buf[l.r:l.w]
		if end := bytes.Index(head, []byte("\r\n\r\n")); end >= 0 {
			l.r += end + 4
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
				return notUpgraded(head)
			}
			return nil
		}
		if err := l.fill(); err != nil {
			return err
		}
	}
}

// errUpgrade is in the error of an answer that upgrades nothing.
var errUpgrade = errors.New("the upgrade")

// notUpgraded is the error of an answer that upgrades nothing. One may say when to
// come back.
func notUpgraded(head []byte) error {
	status, fields, _ := bytes.Cut(head, []byte("\r\n"))
	err := fmt.Errorf("%w was answered %.60q", errUpgrade, status)
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		if !bytes.EqualFold(name, []byte("Retry-After")) {
			continue
		}
		if s, wrong := strconv.Atoi(string(bytes.TrimSpace(value))); wrong == nil && s > 0 {
			return &later{time.Duration(s) * time.Second, err}
		}
	}
	return err
}

// fill reads on.
func (l *line) fill() error {
	if l.r > 0 {
		l.w = copy(l.buf, l.buf[l.r:l.w])
		l.r = 0
	}
	if l.w == len(l.buf) {
		return errors.New("an answer is longer than any to a login")
	}
	n, err := l.conn.Read(l.buf[l.w:])
	l.w += n
	if n > 0 {
		return nil
	}
	return err
}

// cut ends the connection as a lost network does, at once: an orderly end would
// leave a port of this machine waiting behind each of thousands.
func (l *line) cut() {
	_ = l.tcp.SetLinger(0) // then it ends in order
	_ = l.tcp.Close()
}

// send sends a frame made by the target's spell.
func (l *line) send(frame []byte) error {
	_, err := l.conn.Write(frame)
	return err
}

// patient lets the line wait for what may come in hours.
func (l *line) patient() error { return l.conn.SetDeadline(time.Time{}) }

// hurried lets it wait no longer than for an answer.
func (l *line) hurried() error { return l.conn.SetDeadline(time.Now().Add(answerWithin)) }

// A closed is the error of a connection that its server has closed with a word.
type closed struct{ wire.Close }

func (c *closed) Error() string { return "the server closed: " + c.Code.String() }

// next returns the next message. It is good until the following one.
func (l *line) next() ([]byte, error) {
	for {
		opcode, payload, ok, err := l.frame()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			if err := l.fill(); err != nil {
				return nil, err
			}
		case l.target.kind == floorKind, opcode == ws.OpBinary:
			return payload, nil
		case opcode == ws.OpClose:
			code, reason := ws.ParseCloseFrameData(payload)
			return nil, &closed{wire.ParseClose(int(code), reason)}
		case opcode == ws.OpPing:
			if err := l.send(masked(ws.OpPong, payload)); err != nil {
				return nil, err
			}
		}
	}
}

// frame takes a whole frame out of what was read, if there is one.
func (l *line) frame() (opcode ws.OpCode, payload []byte, ok bool, err error) {
	b := l.buf[l.r:l.w]
	if len(b) < 2 {
		return 0, nil, false, nil
	}
	head, length := 2, int(binary.BigEndian.Uint16(b))
	if l.target.kind != floorKind {
		opcode = ws.OpCode(b[0] & 0x0f)
		if b[0]&0x80 == 0 || b[1]&0x80 != 0 || b[1] == 127 {
			return 0, nil, false, errors.New("the answer is no frame of a server")
		}
		length = int(b[1])
		if length == 126 {
			if head = 4; len(b) < head {
				return 0, nil, false, nil
			}
			length = int(binary.BigEndian.Uint16(b[2:]))
		}
	}
	if len(b) < head+length {
		return 0, nil, false, nil
	}
	l.r += head + length
	return opcode, b[head : head+length], true, nil
}

// answer waits for the answer to a request and reads it; of a floor or a bare
// WebSocket, nil.
func (l *line) answer() (*wire.ServerFrame, error) {
	b, err := l.next()
	if err != nil {
		return nil, err
	}
	switch l.target.kind {
	case rollcallKind:
		return serverFrame(b)
	case floorKind:
		if len(b) == 0 || b[0] != floorAnswer {
			return nil, fmt.Errorf("the floor answered %.8q", b)
		}
	case webSocketKind:
	}
	return nil, nil //nolint:nilnil // the floors have nothing more to say
}

func serverFrame(b []byte) (*wire.ServerFrame, error) {
	f := new(wire.ServerFrame)
	return f, wire.Proto.Decode(b, f)
}

// login sends a login or resume, and wants it granted.
func (l *line) login(frame []byte) error {
	if err := l.send(frame); err != nil {
		return err
	}
	_, err := l.granted()
	return err
}

// granted waits for the answer to a login or resume, and wants it granted.
func (l *line) granted() (*wire.SessionAnswer, error) {
	f, err := l.answer()
	if err != nil || f == nil {
		return nil, err
	}
	if a := f.GetSession(); a != nil {
		return a, nil
	}
	return nil, refusal(f)
}

// refusal is the error of an answer that grants nothing.
func refusal(f *wire.ServerFrame) error {
	switch b := f.GetBody().(type) {
	case *wire.ServerFrame_Refusal:
		return fmt.Errorf("refused with %d %s", b.Refusal.GetCode(), b.Refusal.GetText())
	case *wire.ServerFrame_Notice:
		return fmt.Errorf("a notice: %s", b.Notice.GetReason())
	case *wire.ServerFrame_Stale:
		return fmt.Errorf("stale: the highest try number is %d", b.Stale.GetHighest())
	case *wire.ServerFrame_LoginAgain:
		return errors.New("asked to log in again")
	default:
		return errors.New("an answer to something else")
	}
}

// maskKey masks all frames of clients.
var maskKey = [4]byte{0x5a, 0xa5, 0x3c, 0xc3}

// masked spells a WebSocket frame of a client.
func masked(op ws.OpCode, payload []byte) []byte {
	f := ws.NewFrame(op, true, bytes.Clone(payload))
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, maskKey))
}

// spell makes a frame of the target's language out of an encoded request; number
// is the account's, or, of a message to a relay, that of the account it is for.
func (t *target) spell(request []byte, number uint64) []byte {
	if t.kind == floorKind || t.relay {
		b := floorRequest(append(binary.BigEndian.AppendUint64(nil, number), request...))
		if t.kind == floorKind {
			return b
		}
		request = b[2:]
	}
	return masked(ws.OpBinary, request)
}

// unmarshal reads JSON.
func unmarshal(b []byte, v any) error { return json.Unmarshal(bytes.TrimSpace(b), v) }
