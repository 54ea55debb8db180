package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/client"
	"rollcall.example/wire"
)

// What may stand where a server should be, and what a login makes of it.
func TestWhatAnswersIsNoServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		within time.Duration
		want   []string
	}{
		{"a web server", http.NotFound, 0, []string{"connecting", "failed 9511", "login 9511"}},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.test/", http.StatusFound)
		}, 0, []string{"connecting", "failed 9511", "login 9511"}},
		{"a WebSocket of another protocol", func(w http.ResponseWriter, r *http.Request) {
			if ws, err := websocket.Accept(w, r, nil); err == nil {
				ws.CloseNow()
			}
		}, 0, []string{"connecting", "failed 9511", "login 9511"}},
		{"a proxy that is overloaded", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 15 * time.Second, []string{"connecting", "login 9510"}}, // asked to wait: no failure
		{"an admin address", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no token", http.StatusUnauthorized)
		}, 0, []string{"connecting", "failed 9511", "login 9511"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				l, err := p.net.Listen("other.test:80")
				if err != nil {
					t.Fatal(err)
				}
				srv := &http.Server{Handler: tt.handle}
				ended := make(chan struct{})
				go func() { defer close(ended); _ = srv.Serve(l) }()
				defer func() { _ = srv.Close(); <-ended }()

				d := p.openAt("ws://other.test:80", client.Options{})
				d.login("alice", sig("alice", time.Hour))
				time.Sleep(tt.within)
				d.heard(tt.want...)
			})
		})
	}
}

// Whatever the server says that makes no sense ends the connection, not the app.
func TestServerThatTalksNonsense(t *testing.T) {
	for name, say := range map[string]func(*line){
		"no frame":               func(l *line) { _ = l.ws.Write(context.Background(), websocket.MessageBinary, []byte{0xff}) },
		"an answer without body": func(l *line) { l.answer(&wire.ServerFrame{}) },
		"an answer to a logout":  func(l *line) { l.loggedOut(true) },
		"more than a frame holds": func(l *line) {
			_ = l.ws.Write(context.Background(), websocket.MessageBinary, make([]byte, wire.MaxFrame+1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d := p.open(client.Options{})
				d.login("alice", sig("alice", time.Hour))
				l := p.accept()
				l.login()
				say(l)
				d.heard("connecting", "failed 9508")
				l = p.acceptWithin(time.Second)
				l.login()
				l.send(&wire.ServerFrame{Id: 99, Body: &wire.ServerFrame_Stale{Stale: &wire.StaleAnswer{Highest: 7}}}) // to nothing we asked
				l.grant(1, 1)
				l.send(&wire.ServerFrame{}) // a push of a newer server
				d.heard("connected", "login ok")
			})
		})
	}
}

func TestTLS(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		l, err := p.net.Listen("example.com:443")
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewUnstartedServer(p)
		_ = srv.Listener.Close()
		srv.Listener = l
		srv.StartTLS()
		defer srv.Close()

		d := p.openAt("wss://example.com", client.Options{LoginWithin: time.Second})
		d.login("alice", sig("alice", time.Hour))
		time.Sleep(time.Second)
		d.heard("connecting", "failed 9508", "login 9508") // by somebody unknown

		roots := x509.NewCertPool()
		roots.AddCert(srv.Certificate())
		d = p.openAt("wss://example.com", client.Options{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}})
		d.login("alice", sig("alice", time.Hour))
		line := p.accept()
		line.login()
		line.grant(1, 1)
		d.heard("connecting", "connected", "login ok")
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// How an address may be spelled, and where it leads.
func TestServerAddress(t *testing.T) {
	for _, tt := range []struct{ address, dials string }{
		{"ws://im.example.com:8080", "im.example.com:8080"},
		{"http://im.example.com", "im.example.com:80"},
		{"wss://im.example.com", "im.example.com:443"},
		{"https://im.example.com/chat/", "im.example.com:443"},
		{"wss://im.example.com/chat" + wire.Path, "im.example.com:443"},
		{"im.example.com", "im.example.com:443"},
		{"im.example.com:8443", "im.example.com:8443"},
		{"localhost:8080", "localhost:8080"},
		{"127.0.0.1", "127.0.0.1:7400"},
		{"[::1]:8080", "[::1]:8080"},
	} {
		t.Run(tt.address, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				dialled := make(chan string, 100)
				d := p.openAt(tt.address, client.Options{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
					dialled <- address
					return nil, net.ErrClosed
				}})
				d.login("alice", sig("alice", time.Hour))
				if got := <-dialled; got != tt.dials {
					t.Errorf("it dials %s, want %s", got, tt.dials)
				}
			})
		})
	}
}

// The connection of a logout without a login takes note of what it is told.
func TestNoticeOnTheCouriersConnection(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.logout()
		l.cut()
		l = p.acceptWithin(time.Minute)
		l.logout()
		l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
		if got := l.acknowledgement(); got != 1 {
			t.Errorf("acknowledged %d", got)
		}
		l.cut()
		l = p.acceptWithin(time.Minute)
		l.logout()
		l.loggedOut(true)
		d.heard("logout ok")
	})
}

// A busy server is not asked the same thing at once again.
func TestLogoutRefusedByABusyServer(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.logout()
		asked := 0
		for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); l = p.acceptWithin(2 * time.Minute) {
			l.logout()
			l.refuse(70500, 0)
			asked++
			l.gone()
		}
		if asked > 125 {
			t.Errorf("asked %d times in ten minutes", asked)
		}
	})
}

// Nobody waits for ever: Close answers a Logout that still waits for the server.
func TestCloseDuringLogout(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.loggedIn(client.Options{})
		d.endpoint.Cut(3)
		d.logout()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		d.heard("logout ok")
		d.endpoint.Mend()
		l.cut()
	})
}
