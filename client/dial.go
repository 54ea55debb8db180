package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// A dialer connects to one server.
type dialer struct {
	server string // where it is, spelled in one way: names the server on disk
	url    string
	tls    *tls.Config
	proxy  func(*http.Request) (*url.URL, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

func newDialer(server string, o Options) (*dialer, error) {
	u, err := serverURL(server)
	if err != nil {
		return nil, err
	}
	d := &dialer{server: u.String(), tls: o.TLS, dial: o.Dial}
	u.Path += wire.Path
	d.url = u.String()
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
		d.proxy = http.ProxyFromEnvironment
	}
	return d, nil
}

// client returns what makes one connection. A transport of net/http lets a dial
// go on after its request was cancelled; this one's ends with ctx.
func (d *dialer) client(ctx context.Context) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
				return d.dial(ctx, network, address)
			},
			Proxy:               d.proxy,
			TLSClientConfig:     d.tls.Clone(),
			TLSHandshakeTimeout: dialWithin,
			DisableKeepAlives:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// defaultPort is where a server listens that nobody configured.
const defaultPort = "7400"

// serverURL reads the address that Open is given.
func serverURL(address string) (*url.URL, error) {
	bad := func(why string) error {
		return imcode.SDKInvalidParameters.Errorf("server address: %s: want ws://host:port, wss://host or host:port", why)
	}
	full := address
	if !strings.Contains(address, "://") {
		full = "bare://" + address
	}
	u, err := url.Parse(full)
	switch {
	case err != nil:
		return nil, bad("it is no address") // the text may hold a password
	case u.Hostname() == "":
		return nil, bad("it names no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, bad("it holds more than host, port and path")
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "bare":
		u.Scheme = "wss"
		if wire.ThisMachine(u.Hostname()) {
			u.Scheme = "ws"
			u.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort))
		}
	default:
		return nil, bad("unknown scheme " + strconv.Quote(u.Scheme))
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), wire.Path)
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: path}, nil
}

// A comeBack is a server that could be reached and asks to come again later.
type comeBack struct {
	after time.Duration // not before; 0 if it did not say
	why   string
}

func (c *comeBack) Error() string { return "the server asks to come back later: " + c.why }

// connect makes a WebSocket. The error is an imcode.Error, or a *comeBack.
func (d *dialer) connect(ctx context.Context) (*websocket.Conn, error) {
	ws, resp, err := websocket.Dial(ctx, d.url, &websocket.DialOptions{
		HTTPClient:   d.client(ctx),
		Subprotocols: []string{string(wire.Proto)},
	})
	switch {
	case err == nil && ws.Subprotocol() != string(wire.Proto):
		ws.CloseNow()
		return nil, imcode.Disconnected.Errorf("what answers there does not speak %s", wire.Proto)
	case err == nil:
		ws.SetReadLimit(wire.MaxFrame)
		return ws, nil
	case resp != nil && (resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests):
		seconds, _ := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16) // a date or nonsense says nothing
		return nil, &comeBack{time.Duration(seconds) * time.Second, resp.Status}
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, imcode.Disconnected.Errorf("the server answered the WebSocket upgrade with %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	default:
		return nil, networkError(err)
	}
}

// networkError gives what kept us from connecting its code.
func networkError(err error) error {
	text := err.Error()
	if inner, ok := errors.AsType[*url.Error](err); ok {
		text = inner.Err.Error()
	}
	_, isDNS := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	code := imcode.Disconnected
	switch {
	case isDNS:
		code = imcode.HostNotFound
	case isOneOf(err, refused):
		code = imcode.ConnectRefused
	case isOneOf(err, unreachable):
		code = imcode.NetworkUnreachable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isNet && netErr.Timeout():
		code = imcode.ConnectTimeout
	}
	return code.Errorf("%s", text)
}

func isOneOf(err error, errnos []syscall.Errno) bool {
	return slices.ContainsFunc(errnos, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// loss is why a connection ended.
type loss struct {
	close wire.Close // the server's words; zero if it said none
	err   error
}

// lossOf reads the error with which the last read ended.
func lossOf(err error) loss {
	l := loss{err: fmt.Errorf("the connection was lost: %w", err)}
	if c, ok := errors.AsType[websocket.CloseError](err); ok {
		l.close = wire.ParseClose(int(c.Code), c.Reason)
		l.err = fmt.Errorf("the server closed the connection: %s", l.close.Code)
	}
	return l
}

// asked tells whether the server asks to come back, in words of its own.
func (l loss) asked() bool { return l.close.Code >= 4000 && l.close.Code.ComeBack() }

// sentAway tells whether the server asks not to come back.
func (l loss) sentAway() bool { return !l.close.Code.ComeBack() }
