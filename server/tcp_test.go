package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// A line is a WebSocket over real TCP, by a library that is not the server's.
type line struct {
	t   *testing.T
	ws  *websocket.Conn
	sub wire.Subprotocol
}

func dialTCP(t *testing.T, address string, sub wire.Subprotocol) *line {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{Subprotocols: []string{string(sub)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return &line{t, c, sub}
}

func (l *line) ask(f *wire.ClientFrame) *wire.ServerFrame {
	l.t.Helper()
	b, err := l.sub.Encode(f)
	if err != nil {
		l.t.Fatal(err)
	}
	kind := websocket.MessageBinary
	if l.sub.Text() {
		kind = websocket.MessageText
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	if err := l.ws.Write(ctx, kind, b); err != nil {
		l.t.Fatal(err)
	}
	_, b, err = l.ws.Read(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	a := new(wire.ServerFrame)
	if err := l.sub.Decode(b, a); err != nil {
		l.t.Fatal(err)
	}
	return a
}

// end reads until the connection is closed, and how.
func (l *line) end() wire.Close {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, _, err := l.ws.Read(ctx)
		var c websocket.CloseError
		switch {
		case err == nil:
		case errors.As(err, &c):
			return wire.ParseClose(int(c.Code), c.Reason)
		default:
			l.t.Fatal(err)
		}
	}
}

func loginFrame(sig, device string, try uint64) *wire.ClientFrame {
	half := func(s string) []byte { return []byte((s + device + "................")[:wire.HalfBytes]) }
	return &wire.ClientFrame{Id: try, Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
		App: app, UserId: "alice", UserSig: sig, Platform: 1, DeviceId: device, TryNumber: try,
		FixedHalf: half("f"), ChangingHalf: half("c"),
	}}}
}

func TestOverTCPEveryFaultIsTold(t *testing.T) {
	address, key := start(t)
	sig, err := usersig.Sign(app, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range subprotocols {
		t.Run(string(sub), func(t *testing.T) {
			device := "phone" + string(sub[len(sub)-4:])[1:]
			l := dialTCP(t, address, sub)
			if f := l.ask(loginFrame(bomb(), device, 1)); imcode.Code(f.GetRefusal().GetCode()) != imcode.UserSigCheckFailed {
				t.Errorf("a bomb was answered with %v", f)
			}
			if f := l.ask(loginFrame(sig, device, 2)); f.GetSession() == nil {
				t.Errorf("a login was answered with %v", f)
			}
			second := dialTCP(t, address, sub)
			if f := second.ask(loginFrame(sig, device, 3)); f.GetSession().GetConnection() != 2 {
				t.Errorf("the retry was answered with %v", f)
			}
			if c := l.end(); c.Code != wire.CloseSuperseded || c.Connection != 2 {
				t.Errorf("the older connection ended with %+v", c)
			}

			big := dialTCP(t, address, sub)
			kind := websocket.MessageBinary
			if sub.Text() {
				kind = websocket.MessageText
			}
			if err := big.ws.Write(t.Context(), kind, bytes.Repeat([]byte(" "), 200<<10)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Logf("the write was cut off: %v", err)
			}
			if c := big.end(); c.Code != wire.CloseTooBig {
				t.Errorf("a frame of 200 KiB ended with %+v", c)
			}
			garbage := dialTCP(t, address, sub)
			if err := garbage.ws.Write(t.Context(), kind, []byte("\x07garbage")); err != nil {
				t.Fatal(err)
			}
			if c := garbage.end(); c.Code != wire.CloseBadFrame {
				t.Errorf("garbage ended with %+v", c)
			}
		})
	}
}

func TestOverTCPGarbageInsteadOfHTTPHarmsNobody(t *testing.T) {
	address, key := start(t)
	host := strings.TrimSuffix(strings.TrimPrefix(address, "ws://"), wire.Path)
	for _, text := range []string{
		"", "\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00", // TLS to a plain port
		"GET " + wire.Path + " HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET " + wire.Path + " HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"POST " + wire.Path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		upgradeRequest(wire.Proto) + "\x82\xfe",
		strings.Replace(upgradeRequest(wire.Proto), "Version: 13", "Version: 8", 1),
		strings.Replace(upgradeRequest(wire.Proto), "Sec-WebSocket-Key: ", "Sec-WebSocket-Key: x", 1),
	} {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text)) // the server may have had enough before the end
		_ = c.(*net.TCPConn).CloseWrite()
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%.40q was listened to for 10 s", text)
		}
		_ = c.Close()
	}
	sig, err := usersig.Sign(app, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if f := dialTCP(t, address, wire.Proto).ask(loginFrame(sig, "phone", 1)); f.GetSession() == nil {
		t.Errorf("a login was answered with %v", f)
	}
}

func TestTheAdminSocketIsItsOwnersAlone(t *testing.T) {
	dir, stop := runTCP(t)
	info, err := os.Stat(admin.Socket(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got.Perm() != 0o600 || got.Type() != os.ModeSocket {
		t.Errorf("the admin socket has mode %v, want a socket of 0600", got)
	}
	stop()
	if _, err := os.Stat(admin.Socket(dir)); !os.IsNotExist(err) {
		t.Errorf("the admin socket outlives its server: %v", err)
	}
}

func TestASecondServerOnADirectoryIsRefusedAndTakesNothing(t *testing.T) {
	dir, _ := runTCP(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := server.New(t.Context(), server.Config{Dir: dir, Listener: l}); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a second server on the directory: %v, want it refused with the holder's process", err)
	}
	if _, err := admin.Local(dir).Apps(t.Context()); err != nil {
		t.Errorf("the first server's admin socket: %v", err)
	}
}

func TestAnAdminSocketLeftByADeadServerIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: admin.Socket(dir)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close() // it stays, as after kill -9
	runTCPIn(t, dir)
	if _, err := admin.Local(dir).Apps(t.Context()); err != nil {
		t.Error(err)
	}
}

// runTCP runs a server with its admin socket until the test ends or stop.
func runTCP(t *testing.T) (dir string, stop func()) {
	t.Helper()
	dir = t.TempDir()
	return dir, runTCPIn(t, dir)
}

func runTCPIn(t *testing.T, dir string) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, server.Config{Dir: dir, Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAdmin(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	stop = func() {
		cancel()
		if !ended {
			ended = true
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestTheServerEndsWhenADoorFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.Config{Dir: t.TempDir(), Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if a, err := c.Do(r); err != nil { // it runs
		t.Fatal(err)
	} else if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	select {
	case err := <-done:
		if err == nil {
			t.Error("the server ended without a word about its listener")
		}
	case <-time.After(20 * time.Second):
		t.Error("the server goes on without its listener")
	}
}
