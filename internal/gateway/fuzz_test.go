package gateway

import (
	"testing"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// FuzzConnection feeds a connection arbitrary bytes. Whatever comes, it ends, and
// what it sent is whole frames, of which none follows a close and nothing but a
// close a notice.
func FuzzConnection(f *testing.F) {
	g := newGateway(f)
	for _, sub := range []wire.Subprotocol{wire.Proto, wire.JSON} {
		text := sub.Text()
		login := client(f, sub, &wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Login{Login: goodLogin(f)}})
		ping := client(f, sub, &wire.ClientFrame{Id: 2, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}})
		logout := client(f, sub, &wire.ClientFrame{Id: 3, Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
			App: uint32(app), UserId: "alice", DeviceId: "phone", FixedHalf: []byte("0123456789abcdef"), TryNumber: 2,
		}}})
		f.Add(text, login)
		f.Add(text, append(append(append([]byte{}, login...), ping...), logout...))
		f.Add(text, append(append([]byte{}, logout...), login...))
		f.Add(text, ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewPingFrame([]byte("hello")), [4]byte{})))
		f.Add(text, ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewCloseFrame(nil), [4]byte{})))
		f.Add(text, login[:len(login)-3])
	}
	f.Fuzz(func(t *testing.T, text bool, sent []byte) {
		sub := wire.Proto
		if text {
			sub = wire.JSON
		}
		noticed := false
		frames := play(t, g, sub, sent)
		for i, x := range frames {
			switch x.Header.OpCode {
			case ws.OpClose:
				if i != len(frames)-1 {
					t.Fatalf("%d frames follow a close", len(frames)-1-i)
				}
			case ws.OpPong, ws.OpPing:
			default:
				s := new(wire.ServerFrame)
				if err := sub.Decode(x.Payload, s); err != nil {
					t.Fatal(err)
				}
				if noticed {
					t.Fatalf("%v follows a notice", s)
				}
				noticed = s.GetNotice() != nil
			}
		}
	})
}

// FuzzDecodeLogin decodes login frames: what comes through is legal in every
// member, and what does not is 70402.
func FuzzDecodeLogin(f *testing.F) {
	b, err := wire.Proto.Encode(goodLogin(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, web bool) {
		q := new(wire.LoginRequest)
		if err := wire.Proto.Decode(b, q); err != nil {
			return
		}
		in, err := (&conn{web: web}).decodeLogin(q)
		if err != nil {
			if imcode.Of(err) != imcode.InvalidParameters {
				t.Fatalf("%v is not 70402", err)
			}
			return
		}
		if _, err := rollcall.ParseUserID(string(in.Account.User)); err != nil {
			t.Error(err)
		}
		if _, err := rollcall.ParseDeviceID(string(in.Device)); err != nil {
			t.Error(err)
		}
		if web && in.Platform != rollcall.Web {
			t.Errorf("a web page may log in as %s", in.Platform)
		}
		if len(in.FixedHalf) != wire.HalfBytes || len(in.ChangingHalf) != wire.HalfBytes || len(in.Proofs) > wire.MaxProofs ||
			len(in.DeviceName) > rollcall.MaxDeviceNameBytes || in.Try == 0 {
			t.Errorf("an illegal login came through: %+v", in)
		}
	})
}
