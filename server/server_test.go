package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const app = 1400000000

// start runs a server on loopback until the test ends.
func start(t *testing.T) (address, key string) {
	t.Helper()
	dir := t.TempDir()
	key = initialize(t, dir)
	_, address = runOn(t, dir)
	return address, key
}

func TestALoginByHand(t *testing.T) {
	address, key := start(t)
	sig, err := usersig.Sign(app, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []wire.Subprotocol{wire.Proto, wire.JSON} {
		t.Run(string(sub), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{Subprotocols: []string{string(sub)}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			kind := websocket.MessageBinary
			if sub.Text() {
				kind = websocket.MessageText
			}
			b, err := sub.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
				App: app, UserId: "alice", UserSig: sig, Platform: 1, DeviceId: "phone-" + string(sub[len(sub)-4:]), TryNumber: 1,
				FixedHalf: []byte("0123456789abcdef"[:12] + string(sub[len(sub)-4:])), ChangingHalf: []byte("fedcba9876543210"),
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Write(ctx, kind, b); err != nil {
				t.Fatal(err)
			}
			_, b, err = c.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var f wire.ServerFrame
			if err := sub.Decode(b, &f); err != nil {
				t.Fatal(err)
			}
			if f.GetId() != 1 || f.GetSession().GetSession() == 0 {
				t.Fatalf("a login was answered with %v", &f)
			}
		})
	}
}
