package gateway

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const (
	app = rollcall.AppID(1400000000)
	key = "a key of thirty-two characters.."
)

// A memory is accounts in memory: what a gateway test needs of a store.
type memory struct {
	session.Records // nobody asks

	mu       sync.Mutex
	accounts map[rollcall.Account]policy.State
}

func (m *memory) Mutate(_ context.Context, a rollcall.Account, rule store.Rule) (policy.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := rule(m.accounts[a])
	m.accounts[a] = o.State
	return o, nil
}

func (m *memory) Due(context.Context, time.Time, int) ([]rollcall.Account, time.Time, error) {
	return nil, time.Time{}, nil
}

func (m *memory) State(_ context.Context, a rollcall.Account) (policy.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.accounts[a], nil
}

func (m *memory) LoggedIn(context.Context, rollcall.AppID, rollcall.UserID, int) ([]store.Account, error) {
	return nil, nil
}

// oneApp is one app that never changes, as far as apps.Load asks.
type oneApp struct{ unasked }

type unasked = store.Apps

func (oneApp) Apps(context.Context) ([]store.App, error) {
	return []store.App{{ID: app, Keys: []store.Key{{ID: "k", Secret: key}}}}, nil
}

func newGateway(t testing.TB) *Gateway {
	t.Helper()
	a, err := apps.Load(t.Context(), oneApp{}, apps.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{accounts: map[rollcall.Account]policy.State{}}
	return New(session.New(m, a, node.NewRoster(), session.Options{}), Options{})
}

// A tape is a connection whose peer's bytes are known beforehand: it reads them,
// then the end, and keeps what is written.
type tape struct {
	mu  sync.Mutex
	in  *bytes.Reader
	out bytes.Buffer
	end error // after in
}

func (c *tape) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, err := c.in.Read(p); err == nil {
		return n, nil
	}
	return 0, c.end
}

func (c *tape) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *tape) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in, c.end = bytes.NewReader(nil), net.ErrClosed
	return nil
}

func (*tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*tape) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1} }
func (*tape) SetDeadline(time.Time) error      { return nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

// play runs a connection whose peer sends the bytes, and returns the frames that
// were sent to it.
func play(t *testing.T, g *Gateway, sub wire.Subprotocol, sent []byte) []ws.Frame {
	t.Helper()
	line := &tape{in: bytes.NewReader(sent), end: io.EOF}
	c := &conn{
		g: g, net: line, sub: sub, address: session.Address{Addr: netip.MustParseAddr("10.0.0.1")},
		deadline: time.Now().Add(g.opt.LoginWithin),
	}
	if _, draining := g.add(c); draining {
		t.Fatal("the gateway drains")
	}
	c.start()
	g.running.Wait()
	var frames []ws.Frame
	for r := bytes.NewReader(line.out.Bytes()); r.Len() > 0; {
		h, err := ws.ReadHeader(r)
		if err != nil || h.Length > int64(r.Len()) {
			t.Fatalf("what was sent is not frame after frame: %v, %v", h, err)
		}
		f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(r, f.Payload); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

// client spells a frame of the client's, with a mask that hides nothing from who
// changes the bytes.
func client(t testing.TB, sub wire.Subprotocol, f *wire.ClientFrame) []byte {
	t.Helper()
	b, err := sub.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	op := ws.OpBinary
	if sub.Text() {
		op = ws.OpText
	}
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewFrame(op, true, b), [4]byte{}))
}

func goodLogin(t testing.TB) *wire.LoginRequest {
	t.Helper()
	sig, err := usersig.Sign(app, key, "alice", time.Now(), 100*365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &wire.LoginRequest{
		App: uint32(app), UserId: "alice", UserSig: sig, Platform: 1, DeviceId: "phone", TryNumber: 1,
		FixedHalf: []byte("0123456789abcdef"), ChangingHalf: []byte("fedcba9876543210"),
	}
}

func TestAConnectionThatEndsJustAfterItsFrameIsToldWhyItIsClosed(t *testing.T) {
	g := newGateway(t)
	for name, tt := range map[string]struct {
		sent []byte
		want wire.CloseCode
	}{
		"garbage":      {ws.MustCompileFrame(ws.MaskFrameInPlace(ws.NewBinaryFrame([]byte("\xff")))), wire.CloseBadFrame},
		"too big":      {[]byte{0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4}, wire.CloseTooBig},
		"the wrong op": {client(t, wire.JSON, &wire.ClientFrame{}), wire.CloseBadFrame},
	} {
		for range 20 {
			frames := play(t, g, wire.Proto, tt.sent)
			if len(frames) == 0 {
				t.Fatalf("%s: nothing was sent", name)
			}
			last := frames[len(frames)-1]
			if code, _ := ws.ParseCloseFrameData(last.Payload); last.Header.OpCode != ws.OpClose || wire.CloseCode(code) != tt.want {
				t.Fatalf("%s: the last frame is %v, want a close with %d", name, last, tt.want)
			}
		}
	}
}

// TestWhoIsUpgradedDuringADrainIsAskedToComeBack: it is too late for service, and
// not for a word.
func TestWhoIsUpgradedDuringADrainIsAskedToComeBack(t *testing.T) {
	g := newGateway(t)
	g.Drain(t.Context(), 3*time.Second)
	here, there := net.Pipe()
	after, draining := g.add(&conn{g: g, net: here})
	if !draining {
		t.Fatal("a draining gateway takes a connection into service")
	}
	go sendAway(here, wire.Close{Code: wire.CloseDrain, RetryAfter: after})
	h, err := ws.ReadHeader(there)
	if err != nil || h.OpCode != ws.OpClose {
		t.Fatalf("sent %+v, %v; want a close", h, err)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(there, payload); err != nil {
		t.Fatal(err)
	}
	there.Close()
	code, reason := ws.ParseCloseFrameData(payload)
	if c := wire.ParseClose(int(code), reason); c.Code != wire.CloseDrain || c.RetryAfter != 4*time.Second {
		t.Errorf("sent away with %+v, want drain, back after 4 s", c)
	}
}

func TestALoginIsServedToTheLastByte(t *testing.T) {
	frames := play(t, newGateway(t), wire.Proto, client(t, wire.Proto, &wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Login{Login: goodLogin(t)}}))
	if len(frames) == 0 {
		t.Fatal("nothing was sent")
	}
	f := new(wire.ServerFrame)
	if err := wire.Proto.Decode(frames[0].Payload, f); err != nil || f.GetSession().GetSession() != 1 {
		t.Errorf("a login was answered with %v, %v", f, err)
	}
}

func TestTheWireSpellsReasonsAsTheRulesDo(t *testing.T) {
	spelled := wire.Reason(0).Descriptor().Values()
	for _, reason := range policy.Reasons()[1:] { // 0 is no reason at all
		value := notice(policy.Notice{Reason: reason}).GetReason()
		name := strings.TrimPrefix(value.String(), "REASON_")
		if want := strings.ToUpper(strings.ReplaceAll(reason.String(), " ", "_")); name != want {
			t.Errorf("reason %d is %s on the wire, %s in the rules", reason, name, want)
		}
	}
	rules := wire.Rule(0).Descriptor().Values()
	for i := 1; i < rules.Len(); i++ {
		name, number := strings.TrimPrefix(string(rules.Get(i).Name()), "RULE_"), policy.Rule(rules.Get(i).Number())
		if last := strings.Split(name, "_")[1]; !strings.Contains(strings.ToUpper(number.String()), last) {
			t.Errorf("rule %d is %s on the wire, %s in the rules", number, name, number)
		}
	}
	if n := len(policy.Reasons()); n != spelled.Len() {
		t.Errorf("the wire has %d reasons, the rules have %d", spelled.Len(), n)
	}
	if beyond := policy.Rule(rules.Len()); beyond.String() != policy.NoRule.String() {
		t.Errorf("the wire has no word for rule %d, %s", beyond, beyond)
	}
}
