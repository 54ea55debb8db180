package gateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

// plainUpgrade is a request as clients send it, changed where changes say so: pairs of
// what is in it and what is to be there.
func plainUpgrade(changes ...string) string {
	return strings.NewReplacer(changes...).Replace("GET /v1/connect HTTP/1.1\r\nHost: rollcall.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: rollcall.v1.proto\r\n\r\n")
}

// browsers is how a browser asks, through a proxy.
const browsers = "GET /v1/connect HTTP/1.1\r\nHost: rollcall.test:7400\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\nUpgrade: websocket\r\nOrigin: https://app.example\r\nSec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: a=b; c=\"d\"\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: chat, rollcall.v1.json\r\n" +
	"X-Forwarded-For: 198.51.100.7, 203.0.113.5\r\nX-Forwarded-For: 192.0.2.3\r\n\r\n"

// plainRequests are that are read without net/http.
var plainRequests = map[string]string{
	"ours":             plainUpgrade(),
	"a browser's":      browsers,
	"in small letters": strings.Replace(strings.ToLower(plainUpgrade()), "get /v1/connect http", "GET /v1/connect HTTP", 1),
	"spaces":           plainUpgrade(": ", ":\t  ", "13\r", "13 \t\r"),
	"no spaces":        plainUpgrade(": ", ":"),
	"an IPv6 host":     plainUpgrade("rollcall.test", "[2001:db8::1]:7400"),
	"ours second":      plainUpgrade("rollcall.v1.proto", "chat,rollcall.v1.json,rollcall.v1.proto"),
	"the own origin":   plainUpgrade("rollcall.test", "192.0.2.1:7400", "Upgrade: w", "Origin: http://192.0.2.1:7400\r\nUpgrade: w"),
	"a proxy's page":   plainUpgrade("Upgrade: w", "Origin: https://rollcall.test\r\nX-Forwarded-For: 192.0.2.7\r\nUpgrade: w"),
}

// otherRequests are those that are left to net/http, whatever it makes of them.
var otherRequests = map[string]string{
	"a health check":          "GET /healthz HTTP/1.1\r\nHost: rollcall.test\r\n\r\n",
	"another path":            "GET /v1/connection HTTP/1.1\r\nHost: rollcall.test\r\n\r\n",
	"the root":                "GET / HTTP/1.1\r\nHost: rollcall.test\r\n\r\n",
	"another method":          plainUpgrade("GET", "POST"),
	"HTTP 1.0":                plainUpgrade("HTTP/1.1", "HTTP/1.0"),
	"HTTP 1.2":                plainUpgrade("HTTP/1.1", "HTTP/1.2"),
	"HTTP 2":                  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"a query":                 plainUpgrade("connect", "connect?a=b"),
	"an absolute target":      plainUpgrade("/v1", "http://rollcall.test/v1"),
	"two spaces":              plainUpgrade("GET ", "GET  "),
	"no Upgrade":              plainUpgrade("Upgrade: websocket", "X: y"),
	"another Upgrade":         plainUpgrade("websocket\r", "h2c\r"),
	"no Connection":           plainUpgrade("Connection: ", "X: "),
	"another Connection":      plainUpgrade("Connection: Upgrade", "Connection: close"),
	"two Connections":         plainUpgrade("Connection: Upgrade", "Connection: Upgrade\r\nConnection: close"),
	"no version":              plainUpgrade("Sec-WebSocket-Version: 13\r\n", ""),
	"another version":         plainUpgrade("13\r", "8\r"),
	"no key":                  plainUpgrade("Sec-WebSocket-Key", "X"),
	"a short key":             plainUpgrade("MDE", ""),
	"two keys":                plainUpgrade("Sec-WebSocket-Key", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Key"),
	"no subprotocol":          plainUpgrade("Sec-WebSocket-Protocol", "X"),
	"another subprotocol":     plainUpgrade("rollcall.v1", "rollcall.v2"),
	"subprotocols in two":     plainUpgrade("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol"),
	"a broken subprotocol":    plainUpgrade("rollcall.v1.proto", "rollcall.v1.proto, <"),
	"no Host":                 plainUpgrade("Host", "X"),
	"two Hosts":               plainUpgrade("Host", "Host: other.test\r\nHost"),
	"an odd Host":             plainUpgrade("rollcall.test", "rollcall.test/x"),
	"an empty Host":           plainUpgrade("rollcall.test", ""),
	"a strange origin":        plainUpgrade("Upgrade: w", "Origin: https://evil.example\r\nUpgrade: w"),
	"two origins":             plainUpgrade("Upgrade: w", "Origin: https://app.example\r\nOrigin: https://evil.example\r\nUpgrade: w"),
	"the strange one first":   plainUpgrade("Upgrade: w", "Origin: https://evil.example\r\nOrigin: https://app.example\r\nUpgrade: w"),
	"an empty origin":         plainUpgrade("Upgrade: w", "Origin:\r\nUpgrade: w"),
	"a body":                  plainUpgrade("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"),
	"no body, by its length":  plainUpgrade("Upgrade: w", "Content-Length: 0\r\nUpgrade: w"),
	"two lengths":             plainUpgrade("Upgrade: w", "Content-Length: 0\r\nContent-Length: 5\r\nUpgrade: w"),
	"chunks":                  plainUpgrade("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	"strange chunks":          plainUpgrade("Upgrade: w", "Transfer-Encoding: xchunked\r\nUpgrade: w"),
	"length and chunks":       plainUpgrade("\r\n\r\n", "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	"an expectation":          plainUpgrade("Upgrade: w", "Expect: 100-continue\r\nUpgrade: w"),
	"a folded line":           plainUpgrade("websocket\r", "\r\n websocket\r"),
	"a space before a colon":  plainUpgrade("Upgrade: w", "Upgrade : w"),
	"a line without a colon":  plainUpgrade("Upgrade: w", "hello\r\nUpgrade: w"),
	"a line without a name":   plainUpgrade("Upgrade: w", ": hello\r\nUpgrade: w"),
	"line feeds alone":        strings.ReplaceAll(plainUpgrade(), "\r\n", "\n"),
	"a line feed within":      plainUpgrade("Upgrade: w", "X: y\nContent-Length: 5\r\nUpgrade: w"),
	"a carriage return alone": plainUpgrade("Upgrade: w", "X: y\rContent-Length: 5\r\nUpgrade: w"),
	"a zero byte":             plainUpgrade("Upgrade: w", "X: \x00\r\nUpgrade: w"),
	"not ASCII":               plainUpgrade("Upgrade: w", "X: \xc3\xa4\r\nUpgrade: w"),
	"a large head":            plainUpgrade("Upgrade: w", "X: "+strings.Repeat("x", 5000)+"\r\nUpgrade: w"),
	"a head too large":        plainUpgrade("Upgrade: w", "X: "+strings.Repeat("x", 50_000)+"\r\nUpgrade: w"),
	"many headers":            plainUpgrade("Upgrade: w", strings.Repeat("X: y\r\n", 900)+"Upgrade: w"),
	"an end within":           plainUpgrade()[:100],
	"nothing":                 "",
	"garbage":                 "hello\r\n\r\n",
	"TLS":                     "\x16\x03\x01\x02\x00",
}

func TestPlainUpgradesAreReadHereAndOthersAreNot(t *testing.T) {
	g := newGateway(t)
	g.opt.Origins = []string{"https://app.example"}
	is := func(request string) bool {
		h := new(head)
		whole, err := h.read(&tape{in: bytes.NewReader([]byte(request)), end: io.EOF})
		if !whole || err != nil {
			return false
		}
		u, ok := parseUpgrade(string(h.text[:h.ends]))
		_, admitted := g.admits(u.visit(nil))
		return ok && admitted
	}
	for name, request := range plainRequests {
		if !is(request) {
			t.Errorf("%s is not taken for plain: %q", name, request)
		}
	}
	for name, request := range otherRequests {
		if is(request) {
			t.Errorf("%s is taken for plain: %q", name, request)
		}
	}
}

var dates = regexp.MustCompile(`Date: [^\r]*`)

// answers is what a server says to a request that comes in pieces of some size, until
// it has said all; of a WebSocket, until that has begun.
func answers(t *testing.T, serve func(g *Gateway, others *http.Server, d *Door) (stop func()), request string, piece int) (answer string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		l, err := n.Listen("rollcall.test:80")
		if err != nil {
			t.Fatal(err)
		}
		g := newGateway(t)
		g.opt.Origins = []string{"https://app.example"}
		mux := http.NewServeMux()
		mux.Handle("GET "+wire.Path, g)
		hs := &http.Server{Handler: mux, ReadHeaderTimeout: requestWithin, MaxHeaderBytes: 8 << 10}
		hs.SetKeepAlivesEnabled(false)
		d := NewDoor(l, DoorOptions{})
		stop := serve(g, hs, d)
		c, err := n.Dial(t.Context(), "tcp", "rollcall.test:80")
		if err != nil {
			t.Fatal(err)
		}
		for b := []byte(request); len(b) > 0; {
			k := min(piece, len(b))
			if _, err := c.Write(b[:k]); err != nil {
				break
			}
			synctest.Wait()
			b = b[k:]
		}
		if err := c.SetReadDeadline(time.Now().Add(9 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(c)
		answer = string(dates.ReplaceAll(b, []byte("Date: now")))
		_ = c.Close()
		synctest.Wait()
		_ = d.Close()
		g.Drain(t.Context(), time.Second)
		stop()
		d.Wait()
	})
	return answer
}

// alone serves with net/http alone.
func alone(_ *Gateway, others *http.Server, d *Door) (stop func()) {
	others.ConnContext = ConnContext
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = others.Serve(d)
	}()
	return func() {
		_ = others.Close()
		<-done
	}
}

// byEntrance serves with an entrance.
func byEntrance(g *Gateway, others *http.Server, d *Door) (stop func()) {
	e := NewEntrance(g, nil, others)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Serve(d)
	}()
	return func() {
		<-done
		e.Shutdown(context.Background())
	}
}

// TestAnEntranceAnswersAsNetHTTPDoes: byte by byte the same, whatever is asked.
func TestAnEntranceAnswersAsNetHTTPDoes(t *testing.T) {
	for _, requests := range []map[string]string{plainRequests, otherRequests} {
		for name, request := range requests {
			t.Run(name, func(t *testing.T) {
				want := answers(t, alone, request, len(request)+1)
				for _, piece := range []int{len(request) + 1, 1000, 7} {
					if got := answers(t, byEntrance, request, piece); got != want {
						t.Errorf("in pieces of %d bytes it is answered %q, by net/http %q", piece, got, want)
					}
				}
				if _, ok := plainRequests[name]; ok && !strings.HasPrefix(want, "HTTP/1.1 101 ") {
					t.Errorf("net/http answers %q", want)
				}
			})
		}
	}
}

// TestWhatComesWithARequestIsServed: a frame that did not wait for the answer.
func TestWhatComesWithARequestIsServed(t *testing.T) {
	frame := string(client(t, wire.Proto, &wire.ClientFrame{Id: 7, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}}))
	for name, request := range map[string]string{
		"read here":        plainUpgrade() + frame,
		"left to net/http": plainUpgrade("Upgrade: w", "Content-Length: 0\r\nUpgrade: w") + frame,
		"large":            plainUpgrade("Upgrade: w", "X: "+strings.Repeat("x", maxHead-210)+"\r\nUpgrade: w") + frame,
	} {
		for _, piece := range []int{10_000, 100, 1} {
			_, after, _ := strings.Cut(answers(t, byEntrance, request, piece), headEnd)
			f := new(wire.ServerFrame)
			if len(after) < 2 || wire.Proto.Decode([]byte(after[2:2+after[1]]), f) != nil || f.GetId() != 7 {
				t.Errorf("%s, in pieces of %d: %q follows the upgrade, want the ping's answer", name, piece, after)
			}
		}
	}
}

// FuzzUpgrade gives both readers what may be a request. What is plain net/http takes as
// well, reads the same in it, and answers with the same bytes; what is not, it is given
// from its first byte on.
func FuzzUpgrade(f *testing.F) {
	for _, requests := range []map[string]string{plainRequests, otherRequests} {
		for _, request := range requests {
			f.Add([]byte(request))
		}
	}
	g := newGateway(f)
	g.opt.Origins = []string{"https://app.example"}
	seen := make(chan *http.Request, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.Path, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		g.ServeHTTP(w, r)
	})
	side := &aside{conns: make(chan net.Conn), closed: make(chan struct{})}
	hs := &http.Server{Handler: mux, ReadHeaderTimeout: requestWithin, MaxHeaderBytes: 8 << 10}
	go func() { _ = hs.Serve(side) }()
	f.Cleanup(func() { _ = hs.Close() })
	f.Fuzz(func(t *testing.T, sent []byte) {
		h := new(head)
		whole, err := h.read(&tape{in: bytes.NewReader(sent), end: io.EOF})
		if !bytes.HasPrefix(sent, h.text[:h.n]) || err == nil && h.n == 0 {
			t.Fatalf("%q was read, %v", h.text[:h.n], err)
		}
		u, ok := parseUpgrade(string(h.text[:h.ends]))
		_, admitted := g.admits(u.visit(nil))
		if !whole || !ok || !admitted {
			return
		}
		line := &ending{tape: tape{in: bytes.NewReader(sent), end: io.EOF}, ended: make(chan struct{})}
		side.give(line)
		<-line.ended
		var r *http.Request
		select {
		case r = <-seen:
		default:
			t.Fatalf("plain, and answered %q by net/http", line.out.Bytes())
		}
		if r.Host != u.host || r.Header.Get("Origin") != u.origin || !slices.Equal(r.Header.Values("X-Forwarded-For"), u.forwarded) || r.ContentLength != 0 {
			t.Errorf("read as %+v, by net/http as host %q, %v", u, r.Host, r.Header)
		}
		if a, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(line.out.Bytes())), r); err != nil || a.Body.Close() != nil ||
			a.StatusCode != http.StatusSwitchingProtocols || !bytes.HasPrefix(line.out.Bytes(), u.appendAccepted(nil)) {
			t.Errorf("answered with %q, by net/http with %q, %v", u.appendAccepted(nil), line.out.Bytes(), err)
		}
	})
}

// An ending is a tape that tells when it was closed.
type ending struct {
	tape

	once  sync.Once
	ended chan struct{}
}

func (c *ending) Close() error {
	defer c.once.Do(func() { close(c.ended) })
	return c.tape.Close()
}
