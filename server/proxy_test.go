package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pires/go-proxyproto"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// behind runs a server over TCP, to which this machine is a proxy that is trusted,
// or nobody in particular.
func behind(t *testing.T, trusted, protocol bool, more ...func(*server.Config)) (w *proxied) {
	t.Helper()
	dir := t.TempDir()
	w = &proxied{t: t, key: initialize(t, dir)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	if trusted {
		proxies = append(proxies, netip.MustParsePrefix("127.0.0.0/8"))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cfg := server.Config{
		Dir: dir, Listener: l, Proxies: proxies, ProxyProtocol: protocol,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, change := range more {
		change(&cfg)
	}
	w.server, err = server.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.address = l.Addr().String()
	return w
}

// A proxied is a server with something in front of it.
type proxied struct {
	t       *testing.T
	server  *server.Server
	address string
	key     string
	devices int
}

// login logs a user in over a connection that begins with head, from whom forwarded
// says, and returns the answer.
func (w *proxied) login(user, sig, head, forwarded string) *wire.ServerFrame {
	w.t.Helper()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, w.address)
		if err == nil {
			_, err = io.WriteString(c, head)
		}
		return c, err
	}
	o := &websocket.DialOptions{
		Subprotocols: []string{string(wire.Proto)}, HTTPHeader: http.Header{},
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}
	if forwarded != "" {
		o.HTTPHeader["X-Forwarded-For"] = strings.Split(forwarded, "|")
	}
	c, _, err := websocket.Dial(w.t.Context(), "ws://"+w.address+wire.Path, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.CloseNow() })
	w.devices++
	f := loginFrame(sig, fmt.Sprint("device-", w.devices), 1)
	f.GetLogin().UserId = user
	return (&line{w.t, c, wire.Proto}).ask(f)
}

// status is that of the answer to an upgrade over such a connection. It may come
// before the request.
func (w *proxied) status(head, forwarded string) int {
	w.t.Helper()
	c, err := net.Dial("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	request := upgradeRequest(wire.Proto)
	if forwarded != "" {
		request = upgradeRequest(wire.Proto, "X-Forwarded-For: "+forwarded)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	_, _ = io.WriteString(c, head+request) // cut short if it is refused first
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

func (w *proxied) sig(user string) string {
	w.t.Helper()
	sig, err := usersig.Sign(app, w.key, user, time.Now(), time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return sig
}

// from is where the user's session is said to come from.
func (w *proxied) from(user string) string {
	w.t.Helper()
	st, err := w.server.Account(w.t.Context(), rollcall.Account{App: app, User: rollcall.UserID(user)})
	if err != nil || len(st.Sessions) != 1 {
		w.t.Fatalf("%s has %+v, %v; want a session", user, st.Sessions, err)
	}
	return st.Sessions[0].Address
}

// header is a PROXY header for a client at 198.51.100.7.
func header(t *testing.T, version byte) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(version, &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 4711}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 443})
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASessionComesFromItsClientAndNotFromTheProxy(t *testing.T) {
	for _, tt := range []struct {
		name              string
		trusted, protocol bool
		head, forwarded   string
		want              string // without its last part, as it is shown
	}{
		{name: "no proxy", want: "127.0.0.1"},
		{name: "X-Forwarded-For", trusted: true, forwarded: "198.51.100.7", want: "198.51.100.0"},
		{name: "X-Forwarded-For of two proxies", trusted: true, forwarded: "203.0.113.5, 198.51.100.7|192.0.2.3", want: "198.51.100.0"},
		{name: "X-Forwarded-For of nobody in particular", forwarded: "198.51.100.7", want: "127.0.0.1"},
		{name: "PROXY 1", trusted: true, protocol: true, head: header(t, 1), want: "198.51.100.0"},
		{name: "PROXY 2", trusted: true, protocol: true, head: header(t, 2), want: "198.51.100.0"},
		{name: "PROXY, and the client says more", trusted: true, protocol: true, head: header(t, 2), forwarded: "203.0.113.5", want: "198.51.100.0"},
		{name: "no PROXY of nobody in particular", protocol: true, forwarded: "203.0.113.5", want: "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := behind(t, tt.trusted, tt.protocol)
			if f := w.login("alice", w.sig("alice"), tt.head, tt.forwarded); f.GetSession() == nil {
				t.Fatalf("the login was answered %v", f)
			}
			if got := w.from("alice"); got != tt.want {
				t.Errorf("it comes from %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAPROXYHeaderIsRefusedFromWhoIsNotTrustedAndDemandedFromWhoIs(t *testing.T) {
	const request = "GET /healthz HTTP/1.1\r\nHost: rollcall.test\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		name              string
		trusted, protocol bool
		say, want         string // want: how the answer begins; empty: closed without one
	}{
		{"a stranger with a header", false, true, header(t, 1) + request, "HTTP/1.1 400"},
		{"a stranger with a header of version 2", false, true, header(t, 2) + request, "HTTP/1.1 400"},
		{"a stranger without", false, true, request, "HTTP/1.1 200"},
		{"a proxy with one", true, true, header(t, 2) + request, "HTTP/1.1 200"},
		{"a proxy without", true, true, request, ""},
		{"a header that nobody configured", true, false, header(t, 1) + request, "HTTP/1.1 400"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := behind(t, tt.trusted, tt.protocol)
			var d net.Dialer
			c, err := d.DialContext(t.Context(), "tcp", w.address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, tt.say); err != nil {
				t.Fatal(err)
			}
			got, err := bufio.NewReader(c).ReadString('\n')
			if os.IsTimeout(err) || !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("it was answered %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestFailuresCountForTheClientBehindAProxy: behind a trusted one each client has
// its own; who is not trusted gets no new ones by naming other addresses.
func TestFailuresCountForTheClientBehindAProxy(t *testing.T) {
	fails := func(w *proxied, forwarded string) imcode.Code {
		t.Helper()
		return imcode.Code(w.login("alice", "no ticket", "", forwarded).GetRefusal().GetCode())
	}
	w := behind(t, true, false)
	for i := 0; fails(w, "198.51.100.7") != imcode.AccountFreqLimit; i++ {
		if i > 20 {
			t.Fatal("twenty failures of one client have no end")
		}
	}
	if got := fails(w, "198.51.100.8"); got == imcode.AccountFreqLimit {
		t.Error("the failures of one client count for another behind the same proxy")
	}
	w = behind(t, false, false)
	blocked := false
	for i := range 20 {
		blocked = fails(w, fmt.Sprint("198.51.100.", i)) == imcode.AccountFreqLimit
	}
	if !blocked {
		t.Error("twenty failures of one client, each from another address by its own word, have no end")
	}
}

// TestABoundPerAddressIsOfClientsAndNotOfTheirProxy: behind one proxy are many
// clients, each with the connections that its own address may have.
func TestABoundPerAddressIsOfClientsAndNotOfTheirProxy(t *testing.T) {
	two := func(c *server.Config) { c.ConnectionsPerAddress = 2 }
	for _, protocol := range []bool{false, true} {
		w := behind(t, true, protocol, two)
		from := func(client int) (head, forwarded string) {
			if !protocol {
				return "", fmt.Sprintf("198.51.100.%d", client)
			}
			h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(198, 51, 100, byte(client)), Port: 4711}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 443})
			b, err := h.Format()
			if err != nil {
				t.Fatal(err)
			}
			return string(b), ""
		}
		for client := range 4 {
			head, forwarded := from(client)
			for i := range 2 {
				user := fmt.Sprintf("user%d-%d", client, i)
				if f := w.login(user, w.sig(user), head, forwarded); f.GetSession() == nil {
					t.Errorf("PROXY protocol %v, client %d, connection %d: %v", protocol, client, i+1, f)
				}
			}
			if got := w.status(head, forwarded); got != http.StatusServiceUnavailable {
				t.Errorf("PROXY protocol %v, client %d: a third connection is answered %d, want 503", protocol, client, got)
			}
		}
	}
}
