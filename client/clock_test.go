package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// A server whose clock was wrong once is asked again: nothing else would ever
// put right what the client makes of it.
func TestAServersClockThatWasWrongLocksNobodyOut(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d := p.open(client.Options{})
		d.login("alice", sig("alice", time.Hour))
		l := p.accept()
		l.login()
		b, err := wire.Proto.Encode(&wire.ServerFrame{
			Id: l.last.GetId(), TimeMs: time.Now().AddDate(100, 0, 0).UnixMilli(),
			Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: int32(imcode.UserSigExpired)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.ws.Write(context.Background(), websocket.MessageBinary, b); err != nil {
			t.Fatal(err)
		}
		d.heard("connecting", "connected", "login 70001")
		d.login("alice", sig("alice", 2*time.Hour))
		d.heard("login 6206")
		time.Sleep(time.Minute)
		d.login("alice", sig("alice", 2*time.Hour))
		l = p.accept()
		l.login()
		l.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
	})
}

// A server that ends each session as soon as it has begun makes no client run
// in circles.
func TestProviderIsAskedOnceASecondAtMost(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		asked := 0
		_, l := p.loggedIn(client.Options{UserSig: func(context.Context, rollcall.UserID) (string, error) {
			asked++
			return sig("alice", time.Duration(asked)*time.Hour), nil
		}})
		l.close(wire.Close{Code: wire.CloseExpired})
		began := time.Now()
		for range 60 {
			l = p.acceptWithin(2 * time.Second)
			l.login()
			l.grant(2, 1)
			l.close(wire.Close{Code: wire.CloseExpired})
		}
		if took := time.Since(began); took < 59*time.Second {
			t.Errorf("asked %d times in %v, want once a second", asked, took)
		}
	})
}
