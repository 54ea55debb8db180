package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/wire"
)

// A raw is a connection spoken to by hand, in JSON.
type raw struct {
	*websocket.Conn

	asked uint64 // the last request's id
}

// dialRaw connects to a server's address, ws://host:port.
func dialRaw(ctx context.Context, server string) (*raw, error) {
	c, _, err := websocket.Dial(ctx, server+wire.Path, &websocket.DialOptions{Subprotocols: []string{string(wire.JSON)}})
	if err != nil {
		return nil, err
	}
	return &raw{Conn: c}, nil
}

// ask sends a request and returns its answer.
func (r *raw) ask(ctx context.Context, f *wire.ClientFrame) (*wire.ServerFrame, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.asked++
	f.Id = r.asked
	b, err := wire.JSON.Encode(f)
	if err != nil {
		return nil, err
	}
	if err := r.Write(ctx, websocket.MessageText, b); err != nil {
		return nil, err
	}
	_, b, err = r.Read(ctx)
	if err != nil {
		return nil, err
	}
	var answer wire.ServerFrame
	if err := wire.JSON.Decode(b, &answer); err != nil {
		return nil, err
	}
	if answer.GetId() != f.GetId() {
		return nil, fmt.Errorf("got %v, want the answer to request %d", &answer, f.GetId())
	}
	return &answer, nil
}

// half draws a half of a session's secret.
func half() []byte {
	b := make([]byte, wire.HalfBytes)
	rand.Read(b)
	return b
}

// loginFrame asks for a session of the account.
func loginFrame(app uint32, user, userSig string) *wire.LoginRequest {
	return &wire.LoginRequest{
		App: app, UserId: user, UserSig: userSig, Platform: 1, DeviceId: "phone-of-" + user, TryNumber: 1,
		FixedHalf: half(), ChangingHalf: half(),
	}
}

// loginRaw logs in on a connection of its own, which the test closes.
func loginRaw(t *testing.T, server string, q *wire.LoginRequest) *wire.ServerFrame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := dialRaw(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	answer, err := c.ask(ctx, &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: q}})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// until is a time for people who read a failing test.
func until(s int64) string { return time.Unix(s, 0).UTC().String() }
