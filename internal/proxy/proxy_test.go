package proxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pires/go-proxyproto"

	"rollcall.example/internal/proxy"
)

var trusted = proxy.Trusted{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.7/32")}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name, remote, forwarded, want string
	}{
		{"no proxy", "203.0.113.9", "", "203.0.113.9"},
		{"a client who says it is another", "203.0.113.9", "198.51.100.1", "203.0.113.9"},
		{"one who says it was a proxy", "203.0.113.9", "198.51.100.1, 10.0.0.1", "203.0.113.9"},
		{"behind a proxy", "10.0.0.1", "198.51.100.1", "198.51.100.1"},
		{"behind a proxy, saying it is another", "10.0.0.1", "192.0.2.1, 198.51.100.1", "198.51.100.1"},
		{"behind a proxy, saying it is a proxy", "10.0.0.1", "192.0.2.1, 10.9.9.9, 198.51.100.1", "198.51.100.1"},
		{"behind two", "192.0.2.7", "192.0.2.1, 198.51.100.1, 10.0.0.1", "198.51.100.1"},
		{"behind two, in two headers", "192.0.2.7", "198.51.100.1|10.0.0.1", "198.51.100.1"},
		{"one beside the named one", "192.0.2.8", "198.51.100.1", "192.0.2.8"},
		{"with a port", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"},
		{"IPv6", "fd00::1", "2001:db8::1", "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1", "[2001:db8::1]", "2001:db8::1"},
		{"IPv6 with a port", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"a proxy that says nothing", "10.0.0.1", "", "10.0.0.1"},
		{"a proxy that does not know", "10.0.0.1", "unknown", "10.0.0.1"},
		{"rubbish before the client", "10.0.0.1", "<script>, 198.51.100.1", "198.51.100.1"},
		{"rubbish between proxies", "10.0.0.1", "198.51.100.1, ???, 10.0.0.2", "10.0.0.2"},
		{"a client in a trusted network", "10.0.0.1", "10.0.0.9", "10.0.0.9"},
	} {
		got := trusted.Client(netip.MustParseAddr(tt.remote), strings.Split(tt.forwarded, "|"))
		if got.String() != tt.want {
			t.Errorf("%s: from %s with %q is %s, want %s", tt.name, tt.remote, tt.forwarded, got, tt.want)
		}
	}
	if got := (proxy.Trusted)(nil).Client(netip.MustParseAddr("10.0.0.1"), []string{"198.51.100.1"}); got.String() != "10.0.0.1" {
		t.Errorf("nobody is trusted, and %s is believed", got)
	}
}

// A pipes is a listener in memory whose connections come from where a test says.
type pipes struct {
	next   chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects from an address.
func (p *pipes) dial(from string) net.Conn {
	near, far := net.Pipe()
	p.next <- come{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return near
}

type come struct {
	net.Conn

	from net.Addr
}

func (c come) RemoteAddr() net.Addr { return c.from }

// listening runs tell beside a listener for proxies.
func listening(t *testing.T, tell func(t *testing.T, p *pipes, l net.Listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		l := proxy.Listen(p, trusted)
		tell(t, p, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener accepts: %v", err)
		}
	})
}

func header(t *testing.T, version byte, source string) []byte {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(source)), net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.80:443")))
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestATrustedProxysHeaderSaysWhoComes(t *testing.T) {
	for name, head := range map[string][]byte{
		"version 1": []byte("PROXY TCP4 198.51.100.1 192.0.2.80 4711 443\r\n"),
		"version 2": header(t, 2, "198.51.100.1:4711"),
	} {
		t.Run(name, func(t *testing.T) {
			listening(t, func(t *testing.T, p *pipes, l net.Listener) {
				c := p.dial("10.0.0.1:1000")
				go func() { _, _ = c.Write(append(head, "hello"...)) }()
				got, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				if from := proxy.Of(got.RemoteAddr()); from.String() != "198.51.100.1" {
					t.Errorf("it comes from %s", from)
				}
				b := make([]byte, 5)
				if _, err := io.ReadFull(got, b); err != nil || string(b) != "hello" {
					t.Errorf("after the header comes %q, %v", b, err)
				}
			})
		})
	}
}

func TestWhoIsNotTrustedSaysNothingByAHeader(t *testing.T) {
	head := header(t, 1, "10.0.0.1:4711")
	listening(t, func(t *testing.T, p *pipes, l net.Listener) {
		c := p.dial("203.0.113.9:1000")
		go func() { _, _ = c.Write(head) }()
		got, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		if from := proxy.Of(got.RemoteAddr()); from.String() != "203.0.113.9" {
			t.Errorf("it comes from %s, which it says itself", from)
		}
		b := make([]byte, len(head))
		if _, err := io.ReadFull(got, b); err != nil || !bytes.Equal(b, head) {
			t.Errorf("what it said was read as a header: %q, %v", b, err)
		}
	})
}

func TestAProxyWithoutAHeaderIsClosedAndKeepsNobodyWaiting(t *testing.T) {
	listening(t, func(t *testing.T, p *pipes, l net.Listener) {
		silent := p.dial("10.0.0.1:1000")
		plain := p.dial("10.0.0.1:1001")
		broken := p.dial("10.0.0.1:1002")
		go func() { _, _ = plain.Write([]byte("GET / HTTP/1.1\r\nHost: rollcall.test\r\n\r\n")) }()
		go func() { _, _ = broken.Write([]byte("PROXY TCP4 nonsense\r\n")) }()
		good := p.dial("10.0.0.1:1003")
		go func() { _, _ = good.Write(header(t, 2, "198.51.100.1:4711")) }()
		began := time.Now()
		got, err := l.Accept()
		if err != nil || time.Since(began) > 0 {
			t.Fatalf("the good one came after %v, %v", time.Since(began), err)
		}
		defer got.Close()
		for name, c := range map[string]net.Conn{"plain HTTP": plain, "a broken header": broken, "silence": silent} {
			if errors.Is(c.SetReadDeadline(began.Add(6*time.Second)), io.ErrClosedPipe) {
				continue // closed already
			}
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s is listened to after 6 s: %v", name, err)
			}
		}
	})
}

func TestAListenerThatIsClosedWaitsForNoHeader(t *testing.T) {
	began := time.Time{}
	listening(t, func(t *testing.T, p *pipes, l net.Listener) {
		for range 3 {
			defer p.dial("10.0.0.1:1000").Close()
		}
		began = time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("closing took %v", took)
		}
		p.closed = make(chan struct{}) // to be closed once more
	})
}
