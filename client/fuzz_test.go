package client_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/client"
	"rollcall.example/wire"
)

// FuzzServer answers a client with arbitrary frames, which the first bytes of the
// input cut into pieces. Whatever comes, the client can be closed, and its app is
// told one result of its login, and of one end at most.
func FuzzServer(f *testing.F) {
	frames := []*wire.ServerFrame{
		{Id: 1, Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{Session: 1, Connection: 1, ExpiresS: 1 << 40}}},
		{Id: 1, Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: 70001, Text: "no"}}},
		{Id: 1, Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: 70500, RetryAfterMs: 1}}},
		{Id: 1, Body: &wire.ServerFrame_Stale{Stale: &wire.StaleAnswer{Highest: 1<<64 - 1}}},
		{Id: 1, Body: &wire.ServerFrame_LoginAgain{LoginAgain: &wire.LoginAgainAnswer{}}},
		{Body: &wire.ServerFrame_Notice{Notice: &wire.Notice{Session: 1, Reason: 1}}},
		{Body: &wire.ServerFrame_Notice{Notice: &wire.Notice{Session: 1, Expired: true}}},
	}
	var all [][]byte
	for _, x := range frames {
		b, err := wire.Proto.Encode(x)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
		f.Add([]byte{byte(len(b))}, b)
	}
	for _, second := range all[1:] {
		f.Add([]byte{byte(len(all[0])), byte(len(second))}, append(append([]byte{}, all[0]...), second...))
	}
	f.Fuzz(func(t *testing.T, cuts, sent []byte) {
		story(t, func(t *testing.T, p *peer) {
			d := p.open(client.Options{})
			d.login("alice", sig("alice", time.Hour))
			l := p.accept()
			for _, n := range cuts[:min(len(cuts), 8)] {
				piece := sent[:min(len(sent), int(n))]
				sent = sent[len(piece):]
				if l.ws.Write(context.Background(), websocket.MessageBinary, piece) != nil {
					break
				}
				synctest.Wait()
			}
			time.Sleep(time.Minute)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			heard := d.forget()
			results, ends := 0, 0
			for _, signal := range heard {
				switch word, _, _ := strings.Cut(signal, " "); word {
				case "login":
					results++
				case "kicked", "expired":
					ends++
				}
			}
			if results != 1 || ends > 1 {
				t.Fatalf("one login, and the app has heard %q", heard)
			}
		})
	})
}
