// Package gateway is the door for clients: WebSocket connections at wire.Path.
//
// It decodes a frame, calls the use-case in package session or chat, and encodes the
// answer: a file per request or kin of them. It knows no rule. What it adds is what belongs to
// a connection: deadlines, bounds, heartbeats, the order of what is sent, and
// the close codes. docs/protocol.md is its manual.
//
// # What callers may rely on
//
//   - Frames of a connection are served in order, one at a time.
//   - After a notice nothing is sent, and nothing is read but its
//     acknowledgement.
//   - A connection holds a bounded amount of memory, whatever its peer does.
package gateway

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/internal/chat"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/proxy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// Options are the choices a gateway has. The zero value is good.
type Options struct {
	LoginWithin  time.Duration // a connection must have logged in by then; default 10 s
	Heartbeat    time.Duration // what native clients are asked for; default 120 s
	Silence      time.Duration // a native connection is closed after it; default 400 s
	WebHeartbeat time.Duration // how often a web page is pinged; default 30 s
	WebSilence   time.Duration // a web page's connection is closed after it; default 60 s
	Origins      []string      // web origins admitted beside the server's own, as https://app.example
	Proxies      proxy.Trusted // whose X-Forwarded-For is believed; default: nobody's
	Past         string        // names the past of the conversations, for clients that hold some of it; default: not known
	Log          *slog.Logger  // default: none
}

// Fixed bounds of a connection.
const (
	writeWithin    = 10 * time.Second // for one batch of frames to leave
	frameWithin    = 10 * time.Second // for a frame to arrive once it has begun
	noticeWithin   = 5 * time.Second  // for a notice to be acknowledged
	closeWithin    = time.Second      // for a close to be answered
	maxQueued      = 256 << 10        // bytes waiting to be written
	maxPushed      = 64 << 10         // of them, when another push may wait
	maxDiscarded   = 1 << 20          // bytes read on after a fatal frame
	maxBeforeLogin = 64               // requests before a login
	maxPerSecond   = 200              // requests after it, with bursts of twice that
)

// A Gateway serves connections.
type Gateway struct {
	sessions *session.Sessions
	chat     *chat.Conversations
	opt      Options

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
	spread   time.Duration // with draining: over which clients come back
	told     time.Time     // when the log heard of an origin that is not admitted
	untold   int           // those refused since
	running  sync.WaitGroup
}

// New returns a gateway on the use-cases.
func New(s *session.Sessions, c *chat.Conversations, o Options) *Gateway {
	o.LoginWithin = cmp.Or(o.LoginWithin, 10*time.Second)
	o.Heartbeat = cmp.Or(o.Heartbeat, 120*time.Second)
	o.Silence = cmp.Or(o.Silence, 400*time.Second)
	o.WebHeartbeat = cmp.Or(o.WebHeartbeat, 30*time.Second)
	o.WebSilence = cmp.Or(o.WebSilence, 60*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Gateway{sessions: s, chat: c, opt: o, conns: map[*conn]struct{}{}}
}

// ServeHTTP upgrades a request to a connection and returns; the connection goes
// on until it ends or the gateway drains.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web, ok := g.admits(visitOf(r))
	if !ok {
		g.refuseOrigin(r.Header.Get("Origin"))
		http.Error(w, "this origin is not admitted: add it to `origins` in the server's configuration", http.StatusForbidden)
		return
	}
	if !offersSubprotocol(r) {
		http.Error(w, "want a WebSocket with subprotocol "+string(wire.Proto)+" or "+string(wire.JSON), http.StatusBadRequest)
		return
	}
	in := insideBy(r)
	address := session.Address{Addr: g.opt.Proxies.Client(remote(r), r.Header.Values("X-Forwarded-For"))}
	if !in.comesFrom(address) {
		w.Header().Set("Retry-After", strconv.Itoa(int(comeBackAfter/time.Second)))
		http.Error(w, "there is no room for this connection now: come back later", http.StatusServiceUnavailable)
		return
	}
	if !in.settle() { // it is being sent away
		panic(http.ErrAbortHandler)
	}
	upgrader := ws.HTTPUpgrader{Timeout: writeWithin, Protocol: wire.Supported}
	nc, buffered, shake, err := upgrader.Upgrade(r, w)
	if err != nil {
		g.opt.Log.Debug("upgrade", "err", err)
		if nc != nil { // it is ours already, with the refusal written
			_ = nc.Close()
		}
		return
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	early = bytes.Clone(early) // and not the whole buffer
	if again, ok := nc.(*retold); ok {
		nc, early = again.Conn, append(early, again.said...)
	}
	g.begin(&conn{net: nc, in: in, sub: subprotocol(shake.Protocol), web: web, address: address, early: early})
}

// begin takes a connection into service that has just become a WebSocket.
func (g *Gateway) begin(c *conn) {
	c.g, c.deadline = g, time.Now().Add(g.opt.LoginWithin)
	if after, draining := g.add(c); draining {
		sendAway(c.net, wire.Close{Code: wire.CloseDrain, RetryAfter: after})
		return
	}
	if c.in != nil {
		c.in.conn.Store(c)
		if c.in != c.net {
			c.under = c.in
		}
	}
	c.in.wait()
	c.start()
}

// remote is the address that a request came from.
func remote(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

func offersSubprotocol(r *http.Request) bool {
	offered := strings.Split(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",")
	return slices.ContainsFunc(offered, func(s string) bool { return wire.Supported(strings.TrimSpace(s)) })
}

// subprotocol is the one of that name, and keeps nothing of the request.
func subprotocol(name string) wire.Subprotocol {
	if name == string(wire.JSON) {
		return wire.JSON
	}
	return wire.Proto
}

// refuseOrigin tells the log of a page's origin that is not admitted, since a browser
// does not tell the page. Once a minute: anybody can claim any origin.
func (g *Gateway) refuseOrigin(origin string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.told) < time.Minute {
		g.untold++
		return
	}
	g.opt.Log.Warn("a page was refused: its origin is not among [web] origins (ROLLCALL_WEB_ORIGINS)", "origin", plain.Clip(origin), "refused_since", g.untold)
	g.told, g.untold = time.Now(), 0
}

// add takes a connection into service. While the gateway drains it does not, and
// says when the client should come back: after all those who were in service.
func (g *Gateway) add(c *conn) (after time.Duration, draining bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return time.Second + g.spread, true
	}
	g.conns[c] = struct{}{}
	g.running.Add(1)
	return 0, false
}

// sendAway closes a connection that was never served.
func sendAway(nc net.Conn, why wire.Close) {
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(closeWithin)); err != nil {
		return
	}
	if _, err := nc.Write(closeFrame(why)); err == nil {
		_, _ = io.CopyN(io.Discard, nc, maxDiscarded) // until its peer has closed: unread bytes would cut the frame off
	}
}

func (g *Gateway) remove(c *conn) {
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
	g.running.Done()
}

// Connections is the number of open connections, logged in or not.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// Drain admits no new connection, asks every one to come back later, spread over
// the time given, and returns when all are gone. When ctx ends first, those left
// are cut.
func (g *Gateway) Drain(ctx context.Context, spread time.Duration) {
	g.mu.Lock()
	g.draining, g.spread = true, spread
	open := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		open = append(open, c)
	}
	g.mu.Unlock()
	for i, c := range open {
		after := time.Second + spread*time.Duration(i)/time.Duration(len(open))
		c.Close(wire.Close{Code: wire.CloseDrain, RetryAfter: after})
	}
	gone := make(chan struct{})
	go func() {
		g.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		for _, c := range open {
			_ = c.net.Close()
		}
		<-gone
	}
}
