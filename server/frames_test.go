package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// states are a connection before its login, and one that serves a session.
var states = map[string]func(w *world, sub wire.Subprotocol) *peer{
	"before login": func(w *world, sub wire.Subprotocol) *peer { return w.speak(w.dial(), sub) },
	"after it": func(w *world, sub wire.Subprotocol) *peer {
		p := w.speak(w.dial(), sub)
		d := w.device(fmt.Sprintf("user-%d", w.peers), "phone", rollcall.Android)
		d.granted(p.ask(d.attempt()))
		return p
	},
}

var subprotocols = []wire.Subprotocol{wire.Proto, wire.JSON}

// everyState runs tell for every subprotocol, before and after a login.
func everyState(t *testing.T, tell func(t *testing.T, w *world, p *peer)) {
	t.Helper()
	for name, connect := range states {
		for _, sub := range subprotocols {
			t.Run(string(sub)+" "+name, func(t *testing.T) {
				story(t, server.Config{}, func(t *testing.T, w *world) {
					tell(t, w, connect(w, sub))
					w.healthy()
				})
			})
		}
	}
}

func TestAFrameThatDoesNotParseIsTold60003AndTheConnectionCloses(t *testing.T) {
	garbage := map[wire.Subprotocol][]string{
		wire.Proto: {"\xff\xff\xff", "hello", "\x12\x7f", "\x0a"},
		wire.JSON:  {"", "hello", "{", `[]`, `{"id":"x"}`, `{"id":"1","login":{"app":-1}}`, `{"login":{},"ping":{}}`, `{"id":"1"} {}`, `{"login":{"fixedHalf":"%"}}`},
	}
	for name, connect := range states {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				for _, sub := range subprotocols {
					for _, bad := range garbage[sub] {
						p := connect(w, sub)
						p.message([]byte(bad))
						f := p.read()
						if got := imcode.Code(f.GetRefusal().GetCode()); f.GetId() != 0 || got != imcode.ParseFailed {
							t.Errorf("%q was answered with %v, want 60003", bad, f)
						}
						p.closed(wire.CloseBadFrame)
					}
				}
				w.healthy()
			})
		})
	}
}

func TestWhatIsNoMessageOfTheSubprotocolClosesTheConnection(t *testing.T) {
	badly := map[string]func(p *peer) []byte{
		"unmasked":          func(p *peer) []byte { return ws.MustCompileFrame(ws.NewFrame(p.opcode(), true, p.spell(1, nil))) },
		"a reserved bit":    func(p *peer) []byte { return []byte{0xc0 | byte(p.opcode()), 0x80, 0, 0, 0, 0} },
		"a reserved opcode": func(p *peer) []byte { return []byte{0x83, 0x80, 0, 0, 0, 0} },
		"a continuation":    func(p *peer) []byte { return masked(ws.NewFrame(ws.OpContinuation, true, nil)) },
		"a fragmented ping": func(p *peer) []byte { return masked(ws.NewFrame(ws.OpPing, false, nil)) },
		"a long ping":       func(p *peer) []byte { return masked(ws.NewFrame(ws.OpPing, true, make([]byte, 126))) },
		"the other kind":    func(p *peer) []byte { return masked(ws.NewFrame(3-p.opcode(), true, p.spell(1, &wire.PingRequest{}))) },
		"two begun at once": func(p *peer) []byte { f := masked(ws.NewFrame(p.opcode(), false, []byte("{"))); return append(f, f...) },
		"a length of 2^63 up": func(p *peer) []byte {
			return append([]byte{0x80 | byte(p.opcode()), 0xff}, bytes.Repeat([]byte{0xff}, 12)...)
		},
	}
	everyState(t, func(t *testing.T, w *world, p *peer) {
		connect := func() *peer { return w.speak(w.dial(), p.sub) }
		p.hangUp()
		for name, spell := range badly {
			p := connect()
			p.write(spell(p))
			f, err := p.frame(time.Second)
			if err != nil || f.Header.OpCode != ws.OpClose || parseClose(f).Code != wire.CloseBadFrame {
				t.Errorf("%s: got %v %q, %v; want a close with %d", name, f.Header, f.Payload, err, wire.CloseBadFrame)
			}
			p.hangUp()
		}
	})
}

func TestInvalidUTF8InJSONIsABadFrame(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.speak(w.dial(), wire.JSON)
		p.message([]byte("{\"id\":\"1\",\"login\":{\"userId\":\"\xff\"}}"))
		p.closed(wire.CloseBadFrame)
		w.healthy()
	})
}

func TestAFrameLargerThanAllowedIsRefusedBeforeItIsRead(t *testing.T) {
	everyState(t, func(t *testing.T, w *world, p *peer) {
		limit := wire.MaxFrameBeforeLogin
		if strings.HasSuffix(t.Name(), "after_it") {
			limit = wire.MaxFrame
		}
		h := ws.Header{Fin: true, OpCode: p.opcode(), Masked: true, Length: int64(limit) + 1}
		if err := ws.WriteHeader(p.net, h); err != nil { // the header alone
			t.Fatal(err)
		}
		p.closed(wire.CloseTooBig)
	})
}

func TestFragmentsTogetherLargerThanAllowedAreRefused(t *testing.T) {
	everyState(t, func(t *testing.T, w *world, p *peer) {
		piece := bytes.Repeat([]byte(" "), wire.MaxFrameBeforeLogin)
		p.writeFrame(ws.NewFrame(p.opcode(), false, piece))
		for range wire.MaxFrame / wire.MaxFrameBeforeLogin {
			if _, err := p.net.Write(masked(ws.NewFrame(ws.OpContinuation, false, piece))); err != nil {
				break
			}
		}
		p.closed(wire.CloseTooBig)
	})
}

func TestAMessageInFragmentsWithAPingBetweenIsServed(t *testing.T) {
	everyState(t, func(t *testing.T, w *world, p *peer) {
		b := p.spell(7, &wire.PingRequest{})
		p.writeFrame(ws.NewFrame(p.opcode(), false, b[:1]))
		p.writeFrame(ws.NewPingFrame([]byte("between")))
		p.writeFrame(ws.NewFrame(ws.OpContinuation, false, nil))
		p.writeFrame(ws.NewFrame(ws.OpContinuation, true, b[1:]))
		if f := p.read(); f.GetId() != 7 || f.GetPing() == nil || p.pongs != 1 {
			t.Errorf("got %v and %d pongs, want the ping's answer and 1", f, p.pongs)
		}
	})
}

func TestUnknownMembersArePassedOver(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.connect()
		p.message(append(p.spell(3, &wire.PingRequest{}), 0xa2, 0x06, 3, 'n', 'e', 'w')) // field 100
		if f := p.read(); f.GetId() != 3 || f.GetPing() == nil {
			t.Errorf("got %v, want the ping's answer", f)
		}
		p = w.speak(w.dial(), wire.JSON)
		p.message([]byte(`{"id":"3","ping":{"mood":"good"},"new":[1]}`))
		if f := p.read(); f.GetId() != 3 || f.GetPing() == nil {
			t.Errorf("got %v, want the ping's answer", f)
		}
		p.message([]byte(`{"id":"4","dance":{}}`))
		if f := p.read(); imcode.Code(f.GetRefusal().GetCode()) != imcode.UnknownRequest {
			t.Errorf("got %v, want 60009", f)
		}
	})
}

func TestATruncatedFrameHarmsNobody(t *testing.T) {
	everyState(t, func(t *testing.T, w *world, p *peer) {
		b := masked(ws.NewFrame(p.opcode(), true, p.spell(1, &wire.PingRequest{})))
		for n := range b {
			q := w.speak(w.dial(), p.sub)
			q.write(b[:n])
			q.hangUp()
		}
		p.write(b[:len(b)-1])
		p.hangUp()
		synctest.Wait()
	})
}

func TestAFrameThatComesAByteASecondIsCutOff(t *testing.T) {
	everyState(t, func(t *testing.T, w *world, p *peer) {
		began := time.Now()
		b := masked(ws.NewFrame(p.opcode(), true, bytes.Repeat([]byte(" "), 1000)))
		go func() {
			for _, x := range b {
				if _, err := p.net.Write([]byte{x}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		f, err := p.frame(time.Minute)
		if took := time.Since(began); err != nil || f.Header.OpCode != ws.OpClose || took > 10*time.Second {
			t.Errorf("got %v, %v after %v; want a close within 10 s", f.Header, err, took)
		}
		if c := parseClose(f); !c.Code.ComeBack() {
			t.Errorf("closed with %v: a slow network is no reason to stay away", c)
		}
		p.hangUp()
		time.Sleep(2 * time.Second) // the writer sees it
	})
}

func TestAnUpgradeThatComesAByteASecondIsCutOff(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for name, text := range map[string]string{
			"a header": upgradeRequest(wire.Proto),
			"a body":   "GET /healthz HTTP/1.1\r\nHost: rollcall.test\r\nContent-Length: 100000\r\n\r\n",
		} {
			began := time.Now()
			c := w.dial()
			if name == "a body" {
				if _, err := c.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
				text = string(bytes.Repeat([]byte("x"), 100000))
			}
			for _, x := range []byte(text) {
				if _, err := c.Write([]byte{x}); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("%s of a byte a second was listened to for %v", name, took)
			}
			_ = c.Close()
		}
		w.healthy()
	})
}

func TestAClientThatSaysNothingIsClosedAfter10Seconds(t *testing.T) {
	for _, sub := range subprotocols {
		t.Run(string(sub), func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				p := w.speak(w.dial(), sub)
				began := time.Now()
				p.closedWithin(time.Minute, wire.CloseLoginTimeout)
				if took := p.ended.Sub(began); took != 10*time.Second {
					t.Errorf("closed after %v, want 10 s", took)
				}
			})
		})
	}
}

func TestPingsAndRefusedLoginsDoNotPutTheLoginDeadlineOff(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.connect()
		began := time.Now()
		for range 9 {
			time.Sleep(time.Second)
			p.writeFrame(ws.NewPingFrame(nil))
			bad := w.device("alice", "phone", rollcall.Android)
			bad.sig = "hello"
			p.refused(bad.attempt(), imcode.UserSigCheckFailed)
		}
		p.closedWithin(time.Minute, wire.CloseLoginTimeout)
		if took := p.ended.Sub(began); took != 10*time.Second {
			t.Errorf("closed after %v, want 10 s", took)
		}
	})
}

func TestAHalfOpenConnectionIsGivenUp(t *testing.T) {
	for name, connect := range states {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				w.peers = 99 // the next peer dials from peer-100
				p := connect(w, wire.Proto)
				w.net.Endpoint("peer-100").Cut(memnet.Silent)
				time.Sleep(402 * time.Second)
				synctest.Wait()
				if _, err := w.net.Endpoint("other").Dial(t.Context(), "tcp", host); err != nil {
					t.Error(err)
				}
				if got := w.metric("rollcall_connections"); got != 0 {
					t.Errorf("%v connections after the silence limit, want 0", got)
				}
				w.net.Endpoint("peer-100").Mend()
				p.hangUp()
			})
		})
	}
}

func TestAFloodBeforeLoginIsClosed(t *testing.T) {
	floods := map[string]func(p *peer) []byte{
		"requests": func(p *peer) []byte { return masked(ws.NewFrame(p.opcode(), true, p.spell(1, &wire.PingRequest{}))) },
		"pings":    func(p *peer) []byte { return masked(ws.NewPingFrame(nil)) },
		"pongs":    func(p *peer) []byte { return masked(ws.NewPongFrame(nil)) },
	}
	for name, spell := range floods {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				p := w.connect()
				for range 65 {
					p.write(spell(p))
				}
				for {
					f, err := p.frame(time.Second)
					if err != nil {
						t.Fatal(err)
					}
					if f.Header.OpCode != ws.OpClose {
						continue
					}
					if c := parseClose(f); c.Code != wire.CloseTooMany {
						t.Errorf("closed with %v, want %d", c, wire.CloseTooMany)
					}
					break
				}
				w.healthy()
			})
		})
	}
}

func TestRequestsAboveTheRateAre60018AndTheSessionGoesOn(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.device("alice", "phone", rollcall.Android).online()
		refused := 0
		for range 600 {
			f := p.ask(&wire.PingRequest{})
			if f.GetRefusal() != nil {
				if got := imcode.Code(f.GetRefusal().GetCode()); got != imcode.TooManyRequests {
					t.Fatalf("got code %d, want 60018", got)
				}
				refused++
			}
		}
		if refused != 200 {
			t.Errorf("%d of 600 requests at once were refused, want 200", refused)
		}
		p.writeFrame(ws.NewPingFrame(nil)) // a heartbeat in the middle of it
		time.Sleep(time.Second)
		if p.ask(&wire.PingRequest{}).GetPing() == nil {
			t.Error("a second later a request is refused still")
		}
	})
}

func TestAPingFloodOfASessionIsNotAnsweredPingByPing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.device("alice", "phone", rollcall.Android).online()
		for range 1000 {
			p.writeFrame(ws.NewPingFrame(nil))
		}
		p.silent(time.Second)
		if p.pongs == 0 || p.pongs > 410 {
			t.Errorf("1000 pings at once got %d pongs, want at most a burst's", p.pongs)
		}
		if p.ask(&wire.PingRequest{}).GetPing() == nil {
			t.Error("the session's connection does not answer any more")
		}
	})
}

func TestAnUpgradeThatIsNoneOfOursIsRefused(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for name, tt := range map[string]struct {
			sub    wire.Subprotocol
			header string
			want   int
		}{
			"another subprotocol": {"chat", "X-Fine: yes", http.StatusBadRequest},
			"none":                {"", "X-Fine: yes", http.StatusBadRequest},
			"two, ours second":    {"chat, rollcall.v1.json", "X-Fine: yes", http.StatusSwitchingProtocols},
			"a strange origin":    {wire.Proto, "Origin: https://evil.example", http.StatusForbidden},
		} {
			c := w.dial()
			p := &peer{t: t, net: c, in: bufio.NewReader(c), sub: tt.sub}
			if status, _ := p.upgrade(tt.header); status != tt.want {
				t.Errorf("%s: answered %d, want %d", name, status, tt.want)
			}
			p.hangUp()
		}
		w.healthy()
	})
}
