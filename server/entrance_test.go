package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// secretly speaks TLS on a connection.
func secretly(c net.Conn) net.Conn { return tls.Client(c, &tls.Config{InsecureSkipVerify: true}) }

func TestOverTLSAPlainUpgradeAndAnyOtherAreServed(t *testing.T) {
	story(t, server.Config{TLS: selfSigned()}, func(t *testing.T, w *world) {
		for user, header := range map[string]string{"alice": "X-Fine: yes", "bob": "Content-Length: 0"} { // bob's is left to net/http
			d, p := w.device(user, "phone", rollcall.Android), w.speak(secretly(w.dial()), wire.Proto, header)
			d.granted(p.ask(d.attempt()))
			time.Sleep(300 * time.Second)
			p.ask(&wire.PingRequest{})
			p.hangUp()
		}
	})
}

func TestOverTLSWhoSpeaksNoneIsToldSo(t *testing.T) {
	story(t, server.Config{TLS: selfSigned()}, func(t *testing.T, w *world) {
		c := w.dial()
		if _, err := io.WriteString(c, upgradeRequest(wire.Proto)); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(b), "HTTP/1.0 400 Bad Request\r\n") {
			t.Errorf("HTTP without TLS is answered %q, %v", b, err)
		}
	})
}

// strangers are what connections do before they are WebSockets, and do not go on.
var strangers = map[string]func(c net.Conn){
	"silent":       func(net.Conn) {},
	"one byte":     func(c net.Conn) { _, _ = c.Write([]byte("G")) },
	"half a head":  func(c net.Conn) { _, _ = c.Write([]byte(upgradeRequest(wire.Proto)[:80])) },
	"a TLS record": func(c net.Conn) { _, _ = c.Write([]byte("\x16\x03\x01\x02\x00\x01")) },
	"silent within TLS": func(c net.Conn) {
		if s, ok := secretly(c).(*tls.Conn); ok {
			_ = s.Handshake()
		}
	},
	"half a head within TLS": func(c net.Conn) { _, _ = secretly(c).Write([]byte(upgradeRequest(wire.Proto)[:80])) },
}

func TestWhoDoesNotGoOnIsLetGoAfterFiveSecondsEach(t *testing.T) {
	for _, secure := range []bool{false, true} {
		cfg := server.Config{}
		if secure {
			cfg.TLS = selfSigned()
		}
		for name, begin := range strangers {
			if strings.Contains(name, "TLS") && !secure {
				continue
			}
			t.Run(name, func(t *testing.T) {
				story(t, cfg, func(t *testing.T, w *world) {
					c := w.dial()
					began := time.Now()
					begin(c)
					if err := c.SetReadDeadline(began.Add(time.Minute)); err != nil {
						t.Fatal(err)
					}
					_, err := io.Copy(io.Discard, c)
					if took := time.Since(began); err != nil || took > 10*time.Second {
						t.Errorf("TLS %v: let go after %v, %v", secure, took, err)
					}
					synctest.Wait()
					if n := w.metric("rollcall_connections_without_login"); n != 0 {
						t.Errorf("TLS %v: %v are inside still", secure, n)
					}
				})
			})
		}
	}
}

// TestADrainCutsThoseOffWhoDoNotGoOn: when it has no more time, and not before.
func TestADrainCutsThoseOffWhoDoNotGoOn(t *testing.T) {
	for _, within := range []time.Duration{2 * time.Second, 20 * time.Second} {
		story(t, server.Config{DrainWithin: within}, func(t *testing.T, w *world) {
			w.dial()
			half := w.dial()
			if _, err := io.WriteString(half, upgradeRequest(wire.Proto)[:80]); err != nil {
				t.Fatal(err)
			}
			late := w.dial()
			synctest.Wait()
			go func() {
				time.Sleep(time.Second)
				_, _ = io.WriteString(late, upgradeRequest(wire.Proto))
			}()
			began := time.Now()
			w.stop()
			if took := time.Since(began); took > within && within < requestWithin || took > 2*requestWithin {
				t.Errorf("a drain within %v took %v", within, took)
			}
			b, _ := io.ReadAll(late)
			if !strings.HasPrefix(string(b), "HTTP/1.1 101 ") || !strings.Contains(string(b), "drain retry_after_ms=") {
				t.Errorf("who asks during the drain is answered %q", b)
			}
		})
	}
}

const requestWithin = 5 * time.Second // of a stranger, as the gateway allows

// TestAStopWithoutClientsTakesNoTime: nobody is waited for who is not there.
func TestAStopWithoutClientsTakesNoTime(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("a stop took %v", took)
		}
		if _, err := w.net.Dial(context.Background(), "tcp", host); err == nil {
			t.Error("the door is open still")
		}
	})
}
